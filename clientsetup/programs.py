"""Step by step, for each mail program. Its menus are named as they are in the program's own language."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Mailbox
from clientsetup.instructions import Endpoint, Instructions


@dataclass(frozen=True, slots=True)
class Program:
    key: str
    name: str
    steps: list[str]


@dataclass(frozen=True, slots=True)
class _Account:
    """What the steps speak of."""

    mailbox: Mailbox
    told: Instructions
    incoming: Endpoint
    outgoing: Endpoint

    def fill(self, sentence: str) -> str:
        return sentence % {
            "address": self.mailbox.address,
            "login": self.mailbox.login,
            "incoming": self.incoming.host,
            "incoming_port": self.incoming.port,
            "outgoing": self.outgoing.host,
            "outgoing_port": self.outgoing.port,
            "incoming_security": _written(self.incoming),
            "outgoing_security": _written(self.outgoing),
            "webmail": self.told.webmail_url,
            "kind": "IMAP" if self.incoming.protocol == "imap" else "POP3",
        }


def _written(endpoint: Endpoint) -> str:
    """As most programs write it, in every language."""
    return "SSL/TLS" if endpoint.is_tls else "STARTTLS"


def all_of(mailbox: Mailbox, told: Instructions) -> list[Program]:
    """In the reader's language; none while the server's settings are not filled in."""
    if not told.smtp or not told.incoming:
        return []
    account = _Account(mailbox, told, told.incoming[0], told.smtp)
    made = [
        Program(key, str(name), [account.fill(step) for step in steps()]) for key, name, steps in _PROGRAMS
    ]
    if told.webmail_url:
        made.append(Program("webmail", _("Webmail"), [account.fill(step) for step in _webmail()]))
    return [*made, Program("other", _("Another program"), [account.fill(step) for step in _other()])]


def _thunderbird() -> list[str]:
    return [
        _("Open the menu ☰ and choose “New Account”, then “Email”."),
        _("Type your name and the address %(address)s. Continue."),
        _(
            "Choose “IMAP”, or “Edit configuration” (in older versions “Configure manually”), and compare"
            " with the settings above. As user name put %(login)s, for incoming and for outgoing mail."
        ),
        _("Type the password of the mailbox when it is asked for. Finish with “Done”."),
    ]


def _outlook_new() -> list[str]:
    return [
        _("Open the settings (the cog), choose “Accounts”, then “Add account”."),
        _("Type the address %(address)s, continue, and choose “%(kind)s” if you are asked."),
        _("Choose “Show more” and put in the settings above. The user name is %(login)s, in both places."),
        _("Type the password and choose “Continue”."),
        _(
            "This Outlook keeps a copy of your mail and your password with Microsoft. If you do not want"
            " that, use another program."
        ),
    ]


def _outlook_classic() -> list[str]:
    return [
        _("Choose “File”, then “Add Account”."),
        _(
            "Type the address %(address)s, open “Advanced options” and tick “Let me set up my account"
            " manually”. Continue."
        ),
        _("Choose “%(kind)s” and put in the servers and ports above, with %(incoming_security)s."),
        _(
            "Type the password. If Outlook says that it can't sign in, choose “Change account settings” and"
            " put the user name %(login)s."
        ),
        _("In the settings of the outgoing server, “My outgoing server requires authentication” must be on."),
    ]


def _apple_mail() -> list[str]:
    return [
        _("The quick way: download the profile for Apple devices on this page and open it."),
        _(
            "Then open “System Settings”, look for “Profiles” or “Device Management”, choose the profile and"
            " install it. Type the password when it is asked for."
        ),
        _(
            "By hand: in Mail choose “Mail”, “Add Account…”, “Other Mail Account…”, type the address"
            " %(address)s and the password, and then the settings above. The user name is %(login)s."
        ),
    ]


def _iphone() -> list[str]:
    return [
        _("The quick way: open the QR code of this page with the camera and download the profile."),
        _(
            "Then open “Settings”. At the top it says “Profile Downloaded”: touch it, and “Install”. Type the"
            " password when it is asked for."
        ),
        _(
            "By hand: in “Settings” choose “Apps”, “Mail”, “Mail Accounts”, “Add Account”, “Other”, “Add"
            " Mail Account”, and put in the settings above. The user name is %(login)s, for incoming and"
            " for outgoing mail, even where it says “optional”."
        ),
    ]


def _android() -> list[str]:
    return [
        _("In Gmail: touch your picture, “Add another account”, “Other”. Type the address %(address)s."),
        _("Choose “Personal (%(kind)s)” and type the password."),
        _(
            "Incoming server: user name %(login)s, server %(incoming)s, port %(incoming_port)s, security"
            " type %(incoming_security)s."
        ),
        _(
            "Outgoing server: the same user name and password, server %(outgoing)s, port %(outgoing_port)s,"
            " security type %(outgoing_security)s. “Require sign-in” stays on."
        ),
        _("In Thunderbird for Android and in K-9 Mail the settings are the same."),
    ]


def _webmail() -> list[str]:
    return [
        _("Open %(webmail)s in a browser."),
        _("Sign in with the user name %(login)s and the password of the mailbox."),
        _(
            "The first time, open the settings, choose “Identities”, and put in your name and the address"
            " %(address)s: it is the sender that others see."
        ),
    ]


def _other() -> list[str]:
    return [
        _("Choose “%(kind)s” and put in the settings above."),
        _("The user name is %(login)s for incoming and for outgoing mail."),
        _("The outgoing server wants a sign-in with the same user name and password."),
        _("Encryption is “%(incoming_security)s”. The kind of sign-in is “normal password”."),
    ]


# Names of products stay as they are in every language.
_PROGRAMS: list[tuple[str, str, Callable[[], list[str]]]] = [
    ("thunderbird", "Thunderbird", _thunderbird),
    ("outlook-new", "Outlook (new)", _outlook_new),
    ("outlook-classic", "Outlook (classic)", _outlook_classic),
    ("apple-mail", "Apple Mail (Mac)", _apple_mail),
    ("iphone", "iPhone, iPad", _iphone),
    ("android", "Android", _android),
]
