"""What of a mailbox is switched apart: signing in, sending, receiving; and what its server can do of that."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Mailbox
from mailservers.drivers.base import Limits

SWITCHES = ("enabled", "sends", "receives")


def fit_switches(wanted: Mapping[str, bool], limits: Limits | None) -> dict[str, bool]:
    """All three, as a server with these limits does them; None: as one that can do everything."""
    limits = limits or Limits()
    by_itself = wanted["enabled"] or limits.disabled_receives
    return {
        "enabled": wanted["enabled"],
        "sends": wanted["sends"] if limits.sends_apart else True,
        "receives": wanted["receives"] if limits.receives_apart else by_itself,
    }


def can_switch(name: str, limits: Limits | None) -> bool:
    """Whether the server can do this one apart from signing in."""
    if limits is None or name == "enabled":
        return True
    return limits.sends_apart if name == "sends" else limits.receives_apart


def why_not_apart(name: str, limits: Limits | None) -> str:
    """What the server does instead, a sentence yet to be translated; "" where it can do it apart."""
    if limits is None or can_switch(name, limits):
        return ""
    if name == "sends":
        return gettext_noop(
            "This mail server can't stop sending alone: whoever can sign in can send, and nobody else can."
        )
    if limits.disabled_receives:
        return gettext_noop("This mail server takes new mail in any case, also while nobody can sign in.")
    return gettext_noop(
        "This mail server refuses new mail while signing in is switched off: senders get their mail back."
    )


def switches_of(mailbox: Mailbox) -> dict[str, bool]:
    """All three, as they are set."""
    return {name: bool(getattr(mailbox, name)) for name in SWITCHES}


def state_of(mailbox: Mailbox) -> str:
    """What is not as usual, in a few words; "" when all is on."""
    if not mailbox.enabled:
        return _("switched off, still receives") if mailbox.receives else _("switched off, refuses mail")
    if not mailbox.sends:
        return _("cannot send") if mailbox.receives else _("cannot send, refuses mail")
    return "" if mailbox.receives else _("refuses mail")
