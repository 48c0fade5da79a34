"""The names of RFC 2142 in a domain: where each leads, and which nobody reads."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.aliases import MUST_BE_READ, PROTECTED
from accounts.models import Alias, AliasQuerySet, Domain, Mailbox


@dataclass(frozen=True, slots=True)
class ProtectedNameRow:
    """One of them: a mailbox, an alias, what the catch-all takes, or nothing."""

    name: str
    address: str
    mailbox: Mailbox | None = None
    alias: Alias | None = None
    catch_all: Alias | None = None
    targets: list[str] = field(default_factory=list)

    @property
    def is_read(self) -> bool:
        """As far as the portal can tell: nobody looks into a mailbox that is switched off."""
        return bool(self.targets) or (self.mailbox is not None and self.mailbox.enabled)

    @property
    def is_needed(self) -> bool:
        return self.name in MUST_BE_READ


def protected_aliases(domain: Domain) -> AliasQuerySet:
    """Those of the names, and the catch-all, that are there."""
    addresses = [f"{name}@{domain.name}" for name in (*PROTECTED, "")]
    return Alias.objects.alive().filter(address__in=addresses)


def protected_names(domain: Domain, found: Iterable[Alias]) -> list[ProtectedNameRow]:
    """`found`: those of `protected_aliases`."""
    addresses = {name: f"{name}@{domain.name}" for name in PROTECTED}
    here = Mailbox.objects.alive().filter(address__in=addresses.values())
    mailboxes = {each.address: each for each in here}
    aliases = {each.address: each for each in found}
    catch_all = aliases.get(f"@{domain.name}")
    rows = []
    for name, address in addresses.items():
        if address in mailboxes:
            rows.append(ProtectedNameRow(name, address, mailbox=mailboxes[address]))
        elif address in aliases:
            alias = aliases[address]
            rows.append(ProtectedNameRow(name, address, alias=alias, targets=alias.addresses()))
        else:
            targets = catch_all.addresses() if catch_all is not None else []
            rows.append(ProtectedNameRow(name, address, catch_all=catch_all, targets=targets))
    return rows


def missing_names(rows: list[ProtectedNameRow]) -> list[str]:
    """Those that somebody has to read and nobody does, and that can be given to somebody."""
    return [row.name for row in rows if row.is_needed and not row.is_read and row.mailbox is None]
