"""What the database knows of the addresses and logins in a file; read once for all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts import names
from accounts.alias_leads import last_readers
from accounts.logins import not_free
from accounts.models import Alias, Domain, Mailbox, Person
from accounts.room import held_by
from accounts.slices import slices
from batches import columns
from batches.reading import Table


@dataclass(slots=True)
class Here:
    """What is there already, of what the file names."""

    mailboxes: dict[str, Mailbox]
    aliases: set[str]
    logins: set[str]
    """That the file asks for, and that somebody has or had on the domain's server."""
    asked: set[str]
    """Logins that the file asks for: no other row is proposed one of them."""
    needed: dict[str, str]
    """Addresses whose deletion would leave an alias without a reader, each with that alias."""
    held: dict[int, int]
    """What each mailbox holds."""
    names: set[str]
    """Addresses that are no mailbox's here, and with which somebody signs in all the same."""


def look_up(table: Table, domain: Domain, by: Person) -> Here:
    rows_addresses = [_whole(typed, domain) for typed in _cells(table, "address")]
    addresses = sorted(set(rows_addresses) - {""})
    logins = sorted(set(_cells(table, "login")) - {""})
    found: dict[str, Mailbox] = {}
    aliases: set[str] = set()
    for some in slices(addresses):
        found |= {m.address: m for m in Mailbox.objects.filter(domain=domain, address__in=some)}
        aliases.update(Alias.objects.alive().filter(address__in=some).values_list("address", flat=True))
    to_be_deleted = [
        address
        for address, action in zip(rows_addresses, _cells(table, "action"), strict=False)
        if address in found and columns.fold(action) in columns.DELETE
    ]
    return Here(
        mailboxes=found,
        aliases=aliases,
        logins=not_free(domain.server, logins),
        asked=set(logins),
        needed=last_readers(to_be_deleted, by) if to_be_deleted else {},
        held=held_by(mailbox.pk for mailbox in found.values()) if "quota_bytes" in table.keys else {},
        names=names.taken_names(set(addresses) - set(found)),
    )


def _cells(table: Table, key: str) -> Sequence[str]:
    """Of a column, one for each line; none when the file has no such column."""
    if key not in table.keys:
        return []
    place = table.keys.index(key)
    return [line.cells[place].strip().casefold() if len(line.cells) > place else "" for line in table.lines]


def _whole(typed: str, domain: Domain) -> str:
    """A name alone is one of the domain's."""
    return f"{typed.rpartition('@')[0] or typed.strip('@')}@{domain.name}" if typed else ""
