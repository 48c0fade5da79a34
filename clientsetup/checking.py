"""Check my settings: what a program shows, compared with what it should be."""

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Mailbox
from clientsetup.instructions import Endpoint, Instructions
from mailservers.asking import NoAnswer, ask
from mailservers.drivers.time_limits import hang_up_after
from mailservers.models import Security, Server

CONNECT_WITHIN_SECONDS = 5.0
# However often somebody asks, the server is asked once in so long.
LOOK_AGAIN_AFTER_SECONDS = 15
GREETINGS = {"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}
PROTOCOLS = [
    ("imap", gettext_lazy("incoming mail, IMAP")),
    ("pop3", gettext_lazy("incoming mail, POP3")),
    ("smtp", gettext_lazy("outgoing mail, SMTP")),
]
NO_SECURITY = "none"
# Nothing that a phone puts right by itself.
AS_TYPED = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said of one thing somebody typed."""

    label: str
    typed: str
    is_right: bool
    sentence: str


class CheckForm(forms.Form):
    """The settings as the program shows them."""

    protocol = forms.ChoiceField(label=gettext_lazy("For"), choices=PROTOCOLS)
    server = forms.CharField(
        label=gettext_lazy("Server"),
        max_length=255,
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    port = forms.IntegerField(
        label=gettext_lazy("Port"),
        min_value=1,
        max_value=65535,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    security = forms.ChoiceField(
        label=gettext_lazy("Security"),
        choices=[
            (Security.TLS, gettext_lazy("SSL, TLS, or SSL/TLS")),
            (Security.STARTTLS, "STARTTLS"),
            (NO_SECURITY, gettext_lazy("none")),
        ],
    )
    user_name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=320,
        widget=forms.TextInput(attrs=AS_TYPED),
    )

    def __init__(self, mailbox: Mailbox, told: Instructions, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mailbox, self.told = mailbox, told
        offered = {endpoint.protocol for endpoint in (told.imap, told.pop3, told.smtp) if endpoint}
        choices = [(key, words) for key, words in PROTOCOLS if key in offered]
        field = self.fields["protocol"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    @property
    def endpoint(self) -> Endpoint:
        """What it should be, for the protocol that was chosen."""
        endpoint: Endpoint = getattr(self.told, self.cleaned_data["protocol"])
        return endpoint

    def findings(self) -> list[Finding]:
        """One for each thing typed, right or wrong."""
        typed, right = self.cleaned_data, self.endpoint
        return [
            self._server(typed["server"], right),
            self._port(typed["port"], right),
            self._security(typed["security"], right),
            self._user_name(typed["user_name"]),
        ]

    def _server(self, typed: str, right: Endpoint) -> Finding:
        is_right = typed.strip().rstrip(".").casefold() == right.host.casefold()
        others = [point for point in (self.told.imap, self.told.pop3, self.told.smtp) if point]
        wrong = _("Server %(typed)s: use %(right)s.")
        if not is_right and "@" in typed:
            wrong = _("%(typed)s is an address, not a server: use %(right)s.")
        elif not is_right and typed.strip().casefold() in {point.host.casefold() for point in others}:
            wrong = _("%(typed)s is for other mail: use %(right)s here.")
        return self._finding("server", typed, is_right, wrong, right.host)

    def _port(self, typed: int, right: Endpoint) -> Finding:
        wrong = _("Port %(typed)s: use %(right)s.")
        if typed in (143, 110):
            wrong = _("Port %(typed)s is the one without encryption: use %(right)s.")
        elif typed == 25:
            wrong = _("Port %(typed)s is for mail between servers: use %(right)s.")
        return self._finding("port", str(typed), typed == right.port, wrong, str(right.port))

    def _security(self, typed: str, right: Endpoint) -> Finding:
        words = dict(self.fields["security"].choices)  # type: ignore[attr-defined]
        wrong = _("Security %(typed)s: choose %(right)s.")
        if typed == NO_SECURITY:
            wrong = _("Without security others could read along; the server refuses it: choose %(right)s.")
        return self._finding(
            "security", str(words[typed]), typed == right.security, wrong, str(words[right.security])
        )

    def _user_name(self, typed: str) -> Finding:
        given, login = typed.strip(), self.mailbox.login
        accepted = {login.casefold()}
        if self.told.takes_addresses:
            accepted.add(self.mailbox.address)
        is_right = given.casefold() in accepted
        wrong = _("User name %(typed)s: use %(right)s.")
        if given.casefold() == self.mailbox.address:
            wrong = _("The address %(typed)s is not the user name on this server: use %(right)s.")
        return self._finding("user_name", given, is_right, wrong, login)

    def _finding(self, name: str, typed: str, is_right: bool, wrong: str, right: str) -> Finding:
        sentence = _("This is right.") if is_right else wrong % {"typed": typed, "right": right}
        return Finding(str(self.fields[name].label), typed, is_right, sentence)


@dataclass(frozen=True, slots=True)
class Look:
    """How the server answered the portal."""

    is_good: bool
    sentence: str


def look_at_server(server: Server, endpoint: Endpoint) -> Look:
    """Connects as a program does, to the greeting and no further: no name and no password is told.

    Only ever to what the server's own row says, never to what somebody typed.
    """
    key = f"look-at-server:{server.pk}:{endpoint.protocol}"
    known: tuple[str, int] | None = cache.get(key)
    if known is None:
        try:
            known = ask(server.pk, partial(_connect, server, endpoint))
        except NoAnswer:
            known = "silent", 0
        cache.set(key, known, LOOK_AGAIN_AFTER_SECONDS)
    outcome, milliseconds = known
    sentences = {
        "good": _("The server answers: %(host)s, port %(port)s, after %(milliseconds)s ms, with a valid"
                  " certificate. If your program still can't reach it, your network or a virus scanner is"
                  " in the way."),
        "certificate": _("The server answers, but its certificate is not valid for %(host)s. It is not your"
                         " fault: tell your hoster."),
        "silent": _("The server does not answer at %(host)s, port %(port)s. It is not your fault: try again"
                    " later."),
        "strange": _("Something answers at %(host)s, port %(port)s, but it is not the mail server. Tell your"
                     " hoster."),
    }  # fmt: skip
    values = {"host": endpoint.host, "port": endpoint.port, "milliseconds": milliseconds}
    return Look(outcome == "good", sentences[outcome] % values)


def _connect(server: Server, endpoint: Endpoint) -> tuple[str, int]:
    """(good, certificate, silent or strange; milliseconds)."""
    ca_file = server.endpoints.get("ca_file") if isinstance(server.endpoints, dict) else None
    began = time.monotonic()
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        with (
            socket.create_connection((endpoint.host, endpoint.port), CONNECT_WITHIN_SECONDS) as plain,
            hang_up_after(began + CONNECT_WITHIN_SECONDS - time.monotonic(), plain.fileno()),
        ):
            if endpoint.is_tls:
                with context.wrap_socket(plain, server_hostname=endpoint.host) as secure:
                    greeting = secure.recv(512)
            else:
                greeting = _greeting_after_starttls(plain, endpoint, context)
    except ssl.SSLCertVerificationError:
        return "certificate", 0
    except ssl.SSLError:
        return "strange", 0
    except (OSError, ValueError):
        return "silent", 0
    is_good = greeting.startswith(GREETINGS[endpoint.protocol])
    return "good" if is_good else "strange", round((time.monotonic() - began) * 1000)


STARTTLS = {"imap": b"a STARTTLS\r\n", "pop3": b"STLS\r\n", "smtp": b"STARTTLS\r\n"}
READY = {"imap": b"a OK", "pop3": b"+OK", "smtp": b"220"}


def _greeting_after_starttls(plain: socket.socket, endpoint: Endpoint, context: ssl.SSLContext) -> bytes:
    """The plain greeting, once TLS stands."""
    greeting = plain.recv(512)
    if endpoint.protocol == "smtp":
        plain.sendall(b"EHLO localhost\r\n")
        plain.recv(4096)
    plain.sendall(STARTTLS[endpoint.protocol])
    if not plain.recv(512).startswith(READY[endpoint.protocol]):
        return b""
    with context.wrap_socket(plain, server_hostname=endpoint.host) as secure, suppress(OSError):
        secure.unwrap()
    return greeting
