"""The names of RFC 2142 in a domain: where each leads, and which nobody reads."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, IntegerField, Q, QuerySet, Subquery, Value

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
        """As far as the portal can tell: not in a mailbox that is switched off, or refuses its mail."""
        mailbox = self.mailbox
        return bool(self.targets) or (mailbox is not None and mailbox.enabled and mailbox.receives)

    @property
    def is_needed(self) -> bool:
        return self.name in MUST_BE_READ


def protected_aliases(domain: Domain) -> AliasQuerySet:
    """Those of the names, and the catch-all, that are there."""
    addresses = [f"{name}@{domain.name}" for name in (*PROTECTED, "")]
    return Alias.objects.alive().filter(address__in=addresses)


def read_together(
    rows: "QuerySet[Alias]", special: AliasQuerySet, count: Subquery
) -> tuple[list[Alias], list[Alias]]:
    """Both, `rows` in their order, each alias with its targets; `rows` with `count`. All in one query."""
    # SQLite takes no limits inside a union, so what is cut short is picked by its ids.
    parts = [
        Alias.objects.filter(pk__in=part.values("pk"))
        .order_by()
        .annotate(target=F("targets__address"), part=Value(number, IntegerField()), found_count=counted)
        for number, (part, counted) in enumerate(((rows, count), (special, Value(0))))
    ]
    found: tuple[dict[int, Alias], dict[int, Alias]] = ({}, {})
    both: Iterable[Any] = parts[0].union(parts[1], all=True).order_by("part", *rows.query.order_by)
    for row in both:
        alias = found[row.part].setdefault(row.pk, row)
        known = alias.known_addresses or []
        alias.known_addresses = sorted([*known, row.target]) if row.target else known
    return list(found[0].values()), list(found[1].values())


def people_of_names(domain: Domain) -> list[Mailbox]:
    """The mailboxes that have one of the names, and the oldest that is in use, in one query."""
    addresses = [f"{name}@{domain.name}" for name in PROTECTED]
    oldest = Mailbox.objects.alive().filter(domain=domain, enabled=True).order_by("pk").values("pk")[:1]
    wanted = Q(address__in=addresses) | Q(pk=Subquery(oldest))
    return list(Mailbox.objects.alive().filter(wanted).order_by("pk"))


def protected_names(
    domain: Domain, found: Iterable[Alias], here: Iterable[Mailbox]
) -> list[ProtectedNameRow]:
    """`found`: those of `protected_aliases`; `here`: those of `people_of_names`."""
    addresses = {name: f"{name}@{domain.name}" for name in PROTECTED}
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
