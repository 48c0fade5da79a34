"""Which domain a mail program asks about. An address is only ever looked at for its domain."""

import idna

from accounts.models import Domain
from clientsetup.instructions import Instructions, instructions_of

# RFC 5321, 4.5.3.1: 64 octets, "@", 255 octets.
LONGEST_ADDRESS = 320
# Under these names of a domain programs look for its settings.
ASKED_NAMES = ("autoconfig.", "autodiscover.")


def domain_name(text: str) -> str | None:
    """A host or domain in its ASCII form (IDNA 2008); None when it can't be one."""
    text = text.strip().rstrip(".")
    if not text or len(text) > 253:
        return None
    try:
        name = idna.encode(text, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError, IndexError):
        return None
    return name.casefold() if "." in name else None


def domain_of(address: str) -> str | None:
    """The domain of an address, whatever stands before the @."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or len(address) > LONGEST_ADDRESS:
        return None
    return domain_name(domain)


def asked_domain(host: str) -> str | None:
    """The domain meant by the name a program came to: autoconfig.example.org means example.org."""
    name = domain_name(host.partition(":")[0])
    if name is None:
        return None
    for prefix in ASKED_NAMES:
        name = name.removeprefix(prefix)
    return name


def settings_for(*names: str | None) -> tuple[Domain, Instructions] | None:
    """The first of the names that is a domain here whose server has all its settings."""
    for name in names:
        if not name:
            continue
        domain = Domain.objects.select_related("server").filter(name=name).first()
        if domain:
            found = instructions_of(domain.server)
            return (domain, found) if found.is_complete else None
    return None
