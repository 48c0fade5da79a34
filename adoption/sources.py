"""Other places that tell which mailboxes a server holds: PostfixAdmin's database, and files of CSV."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop
from sqlalchemy import Column, Connection, MetaData, String, Table, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType

from accounts.passwords import can_check
from mailservers.drivers.alias_table import split_goto
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    ForwardRule,
    FoundMailbox,
    MailRules,
    Refused,
    ReplyRule,
    TryAgain,
)
from mailservers.drivers.virtualmin_rows import dovecot_hash

COLUMNS = ("address", "login", "name", "quota", "password_hash", "enabled", "recovery_address")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


class CsvFile:
    """One mailbox a line, with a heading line that names the columns; `address` alone is needed.

    Read whole at once: a mistake anywhere stops it before anything is taken over. Raises Refused.
    """

    def __init__(self, path: Path) -> None:
        self._by_domain: dict[str, list[FoundMailbox]] = {}
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, strict=True)
                unknown = set(reader.fieldnames or ()) - set(COLUMNS)
                if "address" not in (reader.fieldnames or ()) or unknown:
                    raise Refused(
                        gettext_noop("The first line must name the columns; known are: %(columns)s."),
                        columns=", ".join(COLUMNS),
                    )
                for row in reader:
                    self._keep(reader.line_num, row)
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise Refused(
                gettext_noop("The file cannot be read (%(kind)s)."), kind=type(error).__name__
            ) from None

    def domains(self) -> list[str]:
        return sorted(self._by_domain)

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        return iter(self._by_domain.get(domain, []))

    def aliases(self, domain: str) -> Iterator[AliasState]:  # noqa: ARG002 - the contract's signature
        return iter(())

    def _keep(self, line: int, row: Mapping[str | None, Any]) -> None:
        if None in row or None in row.values():
            raise Refused(gettext_noop("Line %(line)s has not as many fields as the first one."), line=line)
        address = _in_ascii(str(row["address"]).strip().lower())
        if not _ADDRESS.fullmatch(address):
            raise Refused(
                gettext_noop("Line %(line)s: “%(what)s” is no address."), line=line, what=address[:80]
            )
        enabled = str(row.get("enabled", "") or "yes").strip().lower()
        if enabled not in ("yes", "no", "1", "0", "true", "false"):
            raise Refused(gettext_noop("Line %(line)s: enabled must be yes or no."), line=line)
        password_hash = str(row.get("password_hash", "")).strip()
        if password_hash and not can_check(password_hash):
            raise Refused(
                gettext_noop(
                    "Line %(line)s: the hash must look like {ARGON2ID}…, {BLF-CRYPT}… or {SHA512-CRYPT}…."
                ),
                line=line,
            )
        account = AccountState(
            login=str(row.get("login", "") or address).strip(),
            address=address,
            password_hash=password_hash,
            quota_bytes=_bytes(line, str(row.get("quota", "") or "0")),
            enabled=enabled in ("yes", "1", "true"),
            receives=enabled in ("yes", "1", "true"),
            name=str(row.get("name", "")).strip(),
            recovery_address=str(row.get("recovery_address", "")).strip(),
        )
        self._by_domain.setdefault(address.rpartition("@")[2], []).append(FoundMailbox(account))


def _in_ascii(address: str) -> str:
    """With the domain's name as mail servers know it (IDNA); as it is when it is none."""
    local_part, at, domain = address.rpartition("@")
    try:
        return f"{local_part}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _bytes(line: int, text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise Refused(
            gettext_noop("Line %(line)s: the quota must be bytes, or a size such as 500 MB or 1 GB."),
            line=line,
        )
    return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))


def _table(name: str, *columns: str) -> Table:
    # No types: PostgreSQL has booleans where MySQL and SQLite have numbers.
    return Table(name, MetaData(), *(Column(column, NullType) for column in columns))


_DOMAIN = _table("domain", "domain", "backupmx", "active")
_MAILBOX = _table("mailbox", "username", "password", "name", "quota", "domain", "active")
_ALIAS = _table("alias", "address", "goto", "domain", "active")
_VACATION = _table(
    "vacation", "email", "subject", "body", "activefrom", "activeuntil", "interval_time", "domain", "active"
)


class PostfixAdmin:
    """PostfixAdmin's database, by its published tables (version 3 and later); only read from."""

    def __init__(self, url: str) -> None:
        """Raises Refused; an error never holds the address, as that may hold a password."""
        try:
            self._engine = create_engine(url, hide_parameters=True)
        except (SQLAlchemyError, ImportError, ValueError):
            raise Refused(
                gettext_noop("The database's address is not understood, or its driver is not installed.")
            ) from None

    def domains(self) -> list[str]:
        rows = self._all(select(_DOMAIN))
        return sorted(
            row["domain"].lower() for row in rows if "@" not in row["domain"] and row["domain"] != "ALL"
        )

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        goto = {
            row["address"].lower(): split_goto(row["goto"])
            for row in self._all(select(_ALIAS).where(_is(_ALIAS, domain)))
            if row["active"]
        }
        away = {
            row["email"].lower(): row
            for row in self._all(select(_VACATION).where(_is(_VACATION, domain)))
            if row["active"]
        }
        for row in self._all(select(_MAILBOX).where(_is(_MAILBOX, domain))):
            address = row["username"].lower()
            hashed = row["password"] or ""
            yield FoundMailbox(
                AccountState(
                    login=row["username"],
                    address=address,
                    password_hash=hashed if hashed.startswith("{") else dovecot_hash(hashed),
                    quota_bytes=max(0, int(row["quota"] or 0)),
                    enabled=bool(row["active"]),
                    # Postfix asks for active ones.
                    receives=bool(row["active"]),
                    name=row["name"] or "",
                ),
                MailRules(_reply(away.get(address)), _forward(address, goto.get(address, [address]))),
            )

    def aliases(self, domain: str) -> Iterator[AliasState]:
        """Every mailbox has an entry of its own there, which is none."""
        own = {row["username"].lower() for row in self._all(select(_MAILBOX).where(_is(_MAILBOX, domain)))}
        for row in self._all(select(_ALIAS).where(_is(_ALIAS, domain))):
            if row["active"] and row["address"].lower() not in own:
                yield AliasState(row["address"].lower(), tuple(split_goto(row["goto"])))

    def _all(self, query: Any) -> list[dict[str, Any]]:
        try:
            with self._engine.connect() as connection:
                return _read(connection, query)
        except SQLAlchemyError:
            raise TryAgain(
                gettext_noop(
                    "PostfixAdmin's database cannot be read, or has other tables than the portal knows."
                )
            ) from None


def _read(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(query)]


def _is(table: Table, domain: str) -> Any:
    return func.lower(table.c.domain, type_=String) == domain


def _forward(address: str, targets: list[str]) -> ForwardRule:
    others = tuple(sorted(target for target in targets if target != address))
    return ForwardRule(others, keep_copy=address in targets or not others)


def _reply(row: Mapping[str, Any] | None) -> ReplyRule | None:
    if row is None:
        return None
    return ReplyRule(
        text=row["body"] or "",
        subject=row["subject"] or "",
        starts=_moment(row["activefrom"]),
        ends=_moment(row["activeuntil"]),
        days=-(-int(row["interval_time"] or 0) // 86_400),
    )


def _moment(told: Any) -> datetime | None:
    """MySQL and SQLite tell no zone: PostfixAdmin writes the server's, which is taken for UTC here.

    Its way to say "always" is a year long ago or far ahead.
    """
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            return None
    if not isinstance(told, datetime) or not 2010 < told.year < 2037:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
