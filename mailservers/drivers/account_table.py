"""The SQL table Dovecot reads its accounts from."""

import os
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Any, TypeVar
from urllib.parse import quote

from django.utils.translation import gettext_noop
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    create_engine,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from mailservers.drivers.base import (
    AccountState,
    AppPasswordState,
    DriverError,
    Refused,
    ServerAway,
    TryAgain,
)
from mailservers.drivers.names_taken import another_has
from mailservers.drivers.time_limits import hang_up_after

_TABLES = MetaData()


def _mailbox(metadata: MetaData, *more: Column[int]) -> Table:
    return Table(
        "mailbox",
        metadata,
        Column("login", String, primary_key=True),
        Column("address", String, nullable=False, unique=True),
        Column("password", String, nullable=False),
        Column("quota_bytes", BigInteger, nullable=False),
        Column("active", Integer, nullable=False),
        *more,
    )


MAILBOX = _mailbox(_TABLES)
# The same table, where it has two columns more.
MAILBOX_APART = _mailbox(
    MetaData(), Column("sends", Integer, nullable=False), Column("receives", Integer, nullable=False)
)
APP_PASSWORD = Table(
    "app_password",
    _TABLES,
    Column("number", BigInteger, primary_key=True),
    Column("login", String, nullable=False),
    Column("selector", String, nullable=False),
    Column("password", String, nullable=False),
)
# Dovecot writes it; the portal reads it, and takes away what belongs to nobody any more.
APP_PASSWORD_USE = Table(
    "app_password_use",
    _TABLES,
    Column("login", String, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("used_at", BigInteger, nullable=False),
)
# No password has this hash. An empty one would lock as well, until somebody's configuration has a default.
LOCKED = "{SHA512-CRYPT}!"
# SQLite takes 32,766 values in a statement, PostgreSQL's driver 65,535.
LOGINS_IN_A_QUERY = 5_000
LARGEST_QUOTA = 2**63 - 1

# PostgreSQL's codes; of those for trouble with the server itself the first two characters.
_BUSY = frozenset(["40001", "40P01", "53300", "55P03", "57014", "57P03"])
_AWAY = frozenset(["08", "28", "53", "57", "58", "XX"])

T = TypeVar("T")


class AccountTable:
    """One table, reached through a pool of connections; to be shared by threads, and over forks."""

    def __init__(
        self,
        url: URL,
        *,
        connect_seconds: float,
        statement_seconds: float,
        app_passwords: bool = False,
        switches_apart: bool = False,
    ) -> None:
        """`app_passwords`: their tables are there as well; `switches_apart`: so are two more columns."""
        self._url = url
        self._mailbox = MAILBOX_APART if switches_apart else MAILBOX
        self._app_passwords = app_passwords
        self._connect_seconds = connect_seconds
        self._statement_seconds = statement_seconds
        # By process: a connection that came over a fork is the parent's, and must not even be closed.
        self._engines: dict[int, Engine] = {}

    def put(self, account: AccountState) -> None:
        _refuse_unstorable(account)
        values = {
            "address": account.address,
            "password": account.password_hash or LOCKED,
            "quota_bytes": account.quota_bytes,
            "active": int(account.enabled),
        }
        if self._mailbox is MAILBOX_APART:
            values |= {"sends": int(account.sends), "receives": int(account.receives)}

        def write(connection: Connection) -> None:
            # The change first: it takes SQLite's write lock, so that what is read after it holds.
            here = self._mailbox.c.login == account.login
            if not connection.execute(update(self._mailbox).where(here).values(values)).rowcount:
                connection.execute(insert(self._mailbox).values(login=account.login, **values))
            # People sign in with either name: neither may lead to another's mailbox.
            if name := _taken(connection, account):
                raise another_has(name)
            if self._app_passwords:
                _put_app_passwords(connection, account)

        try:
            self.run(write)
        except ConstraintBroken as broken:
            if name := self.run(lambda connection: _taken(connection, account)):
                raise another_has(name) from None
            if broken.unique:  # the same account was created at the same moment
                raise TryAgain(gettext_noop("The mail server's account database is busy.")) from None
            raise Refused(
                gettext_noop("The mail server's account database has a rule against this account.")
            ) from None

    def read(self, login: str) -> AccountState | None:
        query = select(self._mailbox).where(self._mailbox.c.login == login)

        def look(connection: Connection) -> AccountState | None:
            row = connection.execute(query).one_or_none()
            return None if row is None else _state(row, self._app_passwords_of(connection, [login]))

        return self.run(look)

    def read_many(self, logins: Sequence[str]) -> dict[str, AccountState]:
        """Those that are there, by login: one query for as many as a statement may name."""
        found: dict[str, AccountState] = {}
        for start in range(0, len(logins), LOGINS_IN_A_QUERY):
            some = logins[start : start + LOGINS_IN_A_QUERY]
            rows = self.run(partial(_rows_of, select(self._mailbox).where(self._mailbox.c.login.in_(some))))
            apps = self.run(partial(self._app_passwords_of, logins=some))
            found.update((row.login, _state(row, apps)) for row in rows)
        return found

    def app_passwords_used(self, since: datetime) -> dict[int, datetime]:
        """When each was last used that was used since then, by its number."""
        query = select(APP_PASSWORD_USE.c.number, APP_PASSWORD_USE.c.used_at).where(
            APP_PASSWORD_USE.c.number > 0, APP_PASSWORD_USE.c.used_at >= int(since.timestamp())
        )
        used = {}
        for row in self.run(partial(_rows_of, query)):
            # One that is out of the calendar hides no other.
            with suppress(ValueError, TypeError, OverflowError, OSError):
                used[row.number] = datetime.fromtimestamp(row.used_at, UTC)
        return used

    def _app_passwords_of(
        self, connection: Connection, logins: Sequence[str]
    ) -> dict[str, tuple[AppPasswordState, ...]]:
        if not self._app_passwords:
            return {}
        query = select(APP_PASSWORD).where(APP_PASSWORD.c.login.in_(logins)).order_by(APP_PASSWORD.c.number)
        found: dict[str, tuple[AppPasswordState, ...]] = {}
        for row in connection.execute(query):
            one = AppPasswordState(row.number, row.selector, row.password)
            found[row.login] = (*found.get(row.login, ()), one)
        return found

    def remove(self, login: str) -> None:
        tables = [MAILBOX, APP_PASSWORD, APP_PASSWORD_USE] if self._app_passwords else [MAILBOX]

        def remove(connection: Connection) -> None:
            for table in tables:
                connection.execute(delete(table).where(table.c.login == login))

        self.run(remove)

    def logins_in(self, domain: str) -> list[str]:
        """Of the accounts whose address is in the domain and that are in use: signed in to, or sent mail."""
        table = self._mailbox
        inside = func.lower(table.c.address).endswith(f"@{domain.lower()}", autoescape=True)
        in_use = table.c.active == 1
        if table is MAILBOX_APART:
            in_use = or_(in_use, table.c.receives == 1)
        query = select(table.c.login).where(inside, in_use).order_by(table.c.login)
        return self.run(lambda connection: list(connection.scalars(query)))

    def count_beginning_with(self, start: str) -> int:
        """How many accounts there are whose login begins so, whatever their domain."""
        query = select(func.count()).where(MAILBOX.c.login.startswith(start, autoescape=True))
        return self.run(lambda connection: connection.execute(query).scalar_one())

    def domains(self) -> list[str]:
        """Those that addresses are in, in lower case."""
        query = select(MAILBOX.c.address)
        addresses: list[str] = self.run(lambda connection: list(connection.scalars(query)))
        return sorted({address.rpartition("@")[2].lower() for address in addresses})

    def accounts_in(self, domain: str) -> list[AccountState]:
        """All of them, those that are switched off included."""
        table = self._mailbox
        inside = func.lower(table.c.address).endswith(f"@{domain.lower()}", autoescape=True)
        rows = self.run(partial(_rows_of, select(table).where(inside).order_by(table.c.login)))
        return [_state(row) for row in rows]

    def any_login(self) -> str:
        """Some enabled account's login, or empty; asks for every column, to see that all are there."""
        table = self._mailbox
        query = select(table).where(table.c.active == 1).order_by(table.c.login).limit(1)
        if self._app_passwords:
            self.run(partial(_rows_of, select(APP_PASSWORD).limit(1)))
        row = self.run(lambda connection: connection.execute(query).one_or_none())
        return "" if row is None else str(row.login)

    def close(self) -> None:
        """Close this process's connections; the next call opens new ones."""
        if engine := self._engines.pop(os.getpid(), None):
            engine.dispose()

    def run(self, work: Callable[[Connection], T], *, table: str = "") -> T:
        """The work in one transaction. A kept connection may have died meanwhile: then once more.

        `table`: another one than that of accounts; trouble with it alone does not mean a server away.
        """
        for last_attempt in (False, True):
            try:
                return self._attempt(work)
            except SQLAlchemyError as error:
                trouble = _in_words(error, table)
                if last_attempt or not (isinstance(error, DBAPIError) and error.connection_invalidated):
                    break
        # Out here, as no trace of the database's own error may go with it: that one can quote the hash.
        raise trouble

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        # setdefault: should two threads come at once, both get the same engine.
        engine = self._engines.get(os.getpid()) or self._engines.setdefault(os.getpid(), self._new_engine())
        with engine.connect() as connection, self._time_limit(connection), connection.begin():
            return work(connection)

    def _time_limit(self, connection: Connection) -> AbstractContextManager[None]:
        """Later than the server's own limit for a statement, which is of no help when the server hangs."""
        line = connection.connection.driver_connection
        if line is None or isinstance(line, sqlite3.Connection):
            return nullcontext()
        return hang_up_after(self._statement_seconds + self._connect_seconds, line.fileno())

    def _new_engine(self) -> Engine:
        pool: dict[str, object] = {"pool_size": 5, "max_overflow": 5, "pool_timeout": self._connect_seconds}
        if self._url.get_backend_name() == "sqlite":
            return create_engine(
                # As an SQLite URI, for mode=rw: a mistyped path must not become a new, empty database.
                self._url.set(
                    database=f"file:{quote(self._url.database or '')}", query={"mode": "rw", "uri": "true"}
                ),
                connect_args={"timeout": self._statement_seconds},
                hide_parameters=True,
                **pool,
            )
        limit = ceil(self._statement_seconds * 1000)
        return create_engine(
            self._url,
            connect_args={
                "connect_timeout": ceil(self._connect_seconds),
                "options": f"-c statement_timeout={limit} -c lock_timeout={limit}",
            },
            hide_parameters=True,
            **pool,
        )


class ConstraintBroken(Exception):
    """A rule of the table; `unique` when another row has the value already."""

    def __init__(self, *, unique: bool) -> None:
        super().__init__()
        self.unique = unique


def _rows_of(query: Select[Any], connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(query).all()


def _put_app_passwords(connection: Connection, account: AccountState) -> None:
    """Exactly the account's; what is right already stays untouched."""
    wanted = {each.number: each for each in account.app_passwords}
    here = APP_PASSWORD.c.login == account.login
    rows = connection.execute(select(APP_PASSWORD).where(here)).all()
    held = {row.number: AppPasswordState(row.number, row.selector, row.password) for row in rows}
    over = [number for number, one in held.items() if wanted.get(number) != one]
    if over:
        connection.execute(delete(APP_PASSWORD).where(here, APP_PASSWORD.c.number.in_(over)))
        forgotten = delete(APP_PASSWORD_USE).where(APP_PASSWORD_USE.c.login == account.login)
        connection.execute(forgotten.where(APP_PASSWORD_USE.c.number.in_(over)))
    new = [one for number, one in wanted.items() if held.get(number) != one]
    if new:
        connection.execute(
            insert(APP_PASSWORD),
            [
                {
                    "number": one.number,
                    "login": account.login,
                    "selector": one.selector,
                    "password": one.password_hash,
                }
                for one in new
            ],
        )


def _state(row: Row[Any], apps: Mapping[str, tuple[AppPasswordState, ...]] | None = None) -> AccountState:
    return AccountState(
        login=row.login,
        address=row.address,
        password_hash="" if row.password == LOCKED else row.password,
        quota_bytes=row.quota_bytes,
        enabled=bool(row.active),
        # Without columns of its own: Dovecot, set up as in docs/dovecot.md, refuses mail for one that is off.
        sends=bool(getattr(row, "sends", True)),
        receives=bool(getattr(row, "receives", row.active)),
        app_passwords=(apps or {}).get(row.login, ()),
    )


def _taken(connection: Connection, account: AccountState) -> str:
    """The name of this account that another one has already, as login or as address; else empty."""
    names = [account.login, account.address]
    rows = connection.execute(
        select(MAILBOX.c.login, MAILBOX.c.address).where(
            MAILBOX.c.login != account.login,
            or_(MAILBOX.c.login == account.address, MAILBOX.c.address.in_(names)),
        )
    ).all()
    used = {name for row in rows for name in row}
    return next((name for name in names[::-1] if name in used), "")


def _refuse_unstorable(account: AccountState) -> None:
    for name in (account.login, account.address):
        refuse_unspeakable(name)
    if not 0 <= account.quota_bytes <= LARGEST_QUOTA:
        raise Refused(gettext_noop("The mail server cannot have a quota of this size."))


def is_unspeakable(name: str) -> bool:
    """Names with control characters or halves of characters, which no protocol can carry."""
    return not name or any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def refuse_unspeakable(name: str) -> None:
    if is_unspeakable(name):
        raise Refused(gettext_noop("A login or address has characters in it that no mail server takes."))


def _in_words(error: SQLAlchemyError, table: str) -> DriverError | ConstraintBroken:
    """Without any of the database's own words: those may quote what was to be written."""
    orig = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(orig, "sqlstate", None) or ""
    text = str(orig).lower() if isinstance(orig, sqlite3.Error) else ""
    if isinstance(error, IntegrityError):
        return ConstraintBroken(unique=code == "23505" or "unique" in text)
    if isinstance(error, DataError):
        return Refused(gettext_noop("The mail server's account database has no room for these values."))
    if code in _BUSY or "locked" in text or "busy" in text:
        return TryAgain(gettext_noop("The mail server's account database is busy."))
    if (code and code[:2] not in _AWAY) or (text and "unable to open" not in text):
        if table:
            return TryAgain(
                gettext_noop(
                    "The mail server's database does not let the portal write the table “%(table)s” of"
                    " aliases, or it has other columns than the portal was told."
                ),
                table=table,
            )
        return ServerAway(
            gettext_noop(
                "The mail server's account database does not let the portal write the table “mailbox”"
                " or “app_password”, or these have another form than the portal knows."
            )
        )
    return ServerAway(
        gettext_noop(
            "The mail server's account database cannot be reached, or does not let the portal sign in."
        )
    )
