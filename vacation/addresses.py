"""Addresses as people type them: one or more, with names, in capitals, with letters of their own."""

import difflib
import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.domain_names import BadDomainName, in_ascii
from accounts.models import Domain, Person
from accounts.naming import BadName, refuse_unseen
from accounts.pasted import address_in, addresses_in, is_one
from mailservers.drivers.alias_names import is_unfit
from mailservers.models import say
from vacation.rendering import fit_address
from vacation.sieve import UnfitText

# Those that most people use; a near miss of one of them is most likely a slip of the finger.
WELL_KNOWN = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com"),
    *("icloud.com", "me.com", "aol.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "web.de", "t-online.de"),
    *("freenet.de", "posteo.de", "mailbox.org", "proton.me", "protonmail.com", "telenet.be", "skynet.be"),
    *("proximus.be", "scarlet.be", "hotmail.be", "ziggo.nl", "kpnmail.nl", "xs4all.nl", "planet.nl"),
    *("hotmail.nl", "live.nl", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "hotmail.fr"),
    *("yahoo.fr", "yahoo.de", "yahoo.co.uk", "btinternet.com", "hotmail.co.uk", "hotmail.de", "outlook.de"),
)
_NEAR = 0.82
MANY_DOMAINS = 2000


class NoAddress(ValidationError):
    """What was typed is no mail address: a form tells which part."""

    def __init__(self, typed: str, why: str = "") -> None:
        """`why`: where something else is wrong with it than meets the eye."""
        words = _("“%(typed)s” is not a mail address. It should look like name@example.org.")
        super().__init__(
            _("“%(typed)s”: %(why)s") if why else words, params={"typed": typed[:100], "why": why}
        )


def read_addresses(text: str) -> list[str]:
    """In lower case and in ASCII, each once, in the order they were typed; raises NoAddress."""
    return list(dict.fromkeys(map(_read, addresses_in(text))))


def near_miss(address: str, ours: list[str]) -> str:
    """The address that was most likely meant; empty when there is no reason to doubt."""
    local, _, domain = address.rpartition("@")
    known = [*WELL_KNOWN, *ours]
    if domain in known:
        return ""
    near = difflib.get_close_matches(domain, known, n=1, cutoff=_NEAR)
    return f"{local}@{near[0]}" if near else ""


def names_known_to(person: Person, domain: Domain) -> list[str]:
    """Domains in which a near miss is looked for; of the portal's others nobody learns here."""
    known = list(Domain.objects.known_to(person).values_list("name", flat=True)[:MANY_DOMAINS])
    return [domain.name] if len(known) == MANY_DOMAINS else list({domain.name: "", **dict.fromkeys(known)})


def _read(part: str) -> str:
    if not is_one(part):
        raise NoAddress(part)
    local, _, domain = address_in(part).rpartition("@")
    try:
        refuse_unseen(local)
        domain = domain.rstrip(".")
        # ß is a letter of its own (IDNA 2008): straße.example is not strasse.example.
        host = domain if domain.isascii() else in_ascii(domain)
        address = fit_address(f"{local}@{host}").lower()
        if is_unfit(address):
            raise NoAddress(part)
    except BadName as hidden:
        raise NoAddress(part, say(hidden.sentence, hidden.values)) from None
    except (BadDomainName, UnfitText):
        raise NoAddress(part) from None
    labels = host.split(".")
    if len(labels) < 2 or len(local) > 64 or len(address) > 254 or not all(map(_is_label, labels)):
        raise NoAddress(part)
    return address


def _is_label(label: str) -> bool:
    return re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", label) is not None
