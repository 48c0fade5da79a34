"""The SQL table from which Postfix reads aliases: an address, and where it leads to, with commas between.

It lies in the same database as Dovecot's accounts. PostfixAdmin's table ``alias`` is one of the kind.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.translation import gettext_noop
from sqlalchemy import Column, Connection, MetaData, String, Table, delete, func, insert, select, update
from sqlalchemy.types import NullType

from mailservers.drivers.account_table import MAILBOX, AccountTable, ConstraintBroken
from mailservers.drivers.alias_names import is_unfit, refuse_unfit
from mailservers.drivers.base import AliasState, Refused, TryAgain
from mailservers.drivers.names_taken import mailbox_or_alias_has

_ROBOT = "@autoreply."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AliasColumns:
    """How the table and its columns are named; empty: there is no such column."""

    table: str
    address: str = "address"
    goto: str = "goto"
    domain: str = ""
    active: str = ""


class AliasTable:
    """One table, reached over the connections of the table of accounts."""

    def __init__(self, accounts: AccountTable, names: AliasColumns) -> None:
        self._accounts = accounts
        self._names = names
        # Without types: where SQLite has numbers for what is active, PostgreSQL may have booleans.
        columns = [Column(name, NullType) for name in (names.domain, names.active) if name]
        texts = [Column(name, String) for name in (names.address, names.goto)]
        self._table = Table(names.table, MetaData(), *texts, *columns)
        self._address, self._goto = self._table.c[names.address], self._table.c[names.goto]

    def put(self, alias: AliasState) -> None:
        refuse_unfit(alias)

        def write(connection: Connection) -> None:
            # The change first: it takes SQLite's write lock, so that what is read after it holds.
            values = {self._names.goto: ",".join(alias.targets), **self._switched_on(connection)}
            changed = update(self._table).where(self._is(alias.address)).values(values)
            if not connection.execute(changed).rowcount:
                domain = {self._names.domain: alias.address.rpartition("@")[2]} if self._names.domain else {}
                values |= {self._names.address: alias.address, **domain}
                connection.execute(insert(self._table).values(values))
            taken = select(MAILBOX.c.login).where(func.lower(MAILBOX.c.address) == alias.address.lower())
            if connection.execute(taken).first() is not None:
                raise mailbox_or_alias_has(alias.address)

        self._run(write)

    def read(self, address: str) -> AliasState | None:
        if is_unfit(address):
            return None
        found = list(self._states(self._is(address)))
        return found[0] if found else None

    def remove(self, address: str) -> None:
        if is_unfit(address):
            return
        command = delete(self._table).where(self._is(address))
        self._run(lambda connection: connection.execute(command))

    def read_domain(self, domain: str) -> list[AliasState]:
        """Without those of mailboxes themselves, as PostfixAdmin has one for each."""
        inside = func.lower(self._address).endswith(f"@{domain.lower()}", autoescape=True)
        of_mailboxes = select(func.lower(MAILBOX.c.address))
        return list(self._states(inside & func.lower(self._address).not_in(of_mailboxes)))

    def check(self) -> None:
        """Whether it is there, with all its columns."""
        self._run(lambda connection: connection.execute(select(self._table).limit(1)).first())

    def _states(self, which: Any) -> Iterator[AliasState]:
        query = select(self._table).where(which).order_by(self._address)
        for row in self._run(lambda connection: connection.execute(query).all()):
            if not self._names.active or row._mapping[self._names.active]:
                targets = split_goto(row._mapping[self._names.goto])
                yield AliasState(str(row._mapping[self._names.address]).lower(), tuple(targets))

    def _is(self, address: str) -> Any:
        return func.lower(self._address) == address.lower()

    def _switched_on(self, connection: Connection) -> dict[str, Any]:
        """PostgreSQL takes no number for a boolean, and no boolean for a number."""
        if not self._names.active:
            return {}
        if connection.dialect.name != "postgresql":
            return {self._names.active: 1}
        kind = connection.exec_driver_sql(
            "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
            (self._names.table, self._names.active),
        ).scalar()
        return {self._names.active: True if kind == "boolean" else 1}

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._accounts.run(work, table=self._names.table)
        except ConstraintBroken as broken:
            if broken.unique:  # the same alias was created at the same moment
                raise TryAgain(gettext_noop("The mail server's account database is busy.")) from None
            raise Refused(gettext_noop("The mail server's database has a rule against this alias.")) from None


def split_goto(goto: str | None) -> list[str]:
    """Where mail goes; the robot of PostfixAdmin that answers is no target."""
    targets = [target.strip().lower() for target in (goto or "").split(",")]
    return [target for target in targets if target and _ROBOT not in target]
