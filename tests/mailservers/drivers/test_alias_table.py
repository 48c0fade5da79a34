"""The table of aliases as Postfix reads it, and in the forms that other programs gave it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from fleet.dovecot import Dovecot
from fleet.postmap import Postmap
from mailservers.drivers.account_table import AccountTable
from mailservers.drivers.alias_table import AliasColumns, AliasTable
from mailservers.drivers.base import AliasState, ConfigurationError, Refused, TryAgain
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.dovecot_settings import read_settings
from tests.mailservers.drivers.contract import new_account

ALIASES = "SELECT goto FROM virtual_alias WHERE address = '%s'"
MAILBOXES = "SELECT address FROM mailbox WHERE address = '%s'"
POSTFIXADMIN = """
CREATE TABLE mailbox (
  login TEXT PRIMARY KEY, address TEXT UNIQUE, password TEXT, quota_bytes BIGINT, active INT
);
CREATE TABLE alias (
  address varchar(255) NOT NULL PRIMARY KEY, goto text NOT NULL, domain varchar(255) NOT NULL,
  created datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified datetime NOT NULL DEFAULT '2000-01-01 00:00:00',
  active tinyint(1) NOT NULL DEFAULT '1'
);
INSERT INTO mailbox VALUES ('anna', 'anna@a.test', '', 0, 1);
INSERT INTO alias (address, goto, domain) VALUES ('anna@a.test', 'anna@a.test,boss@a.test', 'a.test');
INSERT INTO alias (address, goto, domain, active) VALUES ('Old@a.test', 'x@a.test', 'a.test', 0);
INSERT INTO alias (address, goto, domain)
  VALUES ('Away@a.test', 'Anna@a.test, away#a.test@autoreply.a.test', 'a.test');
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


def settings_of(server: Dovecot, query: str) -> tuple[str, str]:
    """As docs/dovecot.md tells them: the kind of table, and what its file holds."""
    from_url = DovecotDriver(server.endpoints(), server.credentials())._settings.sql_url
    if from_url.get_backend_name() == "sqlite":
        return "sqlite", f"dbpath = {from_url.database}\nquery = {query}\n"
    where = (
        f"hosts = {from_url.host}:{from_url.port}\nuser = {from_url.username}\n"
        f"password = {from_url.password}\ndbname = {from_url.database}\n"
    )
    return "pgsql", f"{where}query = {query}\n"


def test_postfix_reads_what_the_portal_wrote(server: Dovecot, tmp_path: Path) -> None:
    try:
        postmap = Postmap(tmp_path)
    except LookupError as reason:
        pytest.skip(str(reason))
    driver = DovecotDriver(server.endpoints(), server.credentials())
    account = new_account("maps.test")
    driver.put_account(account)
    driver.put_alias(AliasState("list@maps.test", (account.address, "o'brien@x.test")))
    driver.put_alias(AliasState("@maps.test", (account.address,)))
    driver.close()
    aliases, mailboxes = settings_of(server, ALIASES), settings_of(server, MAILBOXES)
    assert postmap.ask(*aliases, "list@maps.test") == f"{account.address},o'brien@x.test"
    assert postmap.ask(*aliases, "@maps.test") == account.address
    # Both are asked for a whole address before the catch-all: a mailbox keeps its own mail.
    assert postmap.ask(*aliases, account.address) == ""
    assert postmap.ask(*mailboxes, account.address) == account.address
    assert postmap.ask(*mailboxes, "nobody@maps.test") == ""


@pytest.fixture
def postfixadmin(tmp_path: Path) -> Iterator[tuple[AliasTable, Path]]:
    path = tmp_path / "mail.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(POSTFIXADMIN)
    accounts = AccountTable(URL.create("sqlite", database=str(path)), connect_seconds=5, statement_seconds=5)
    yield AliasTable(accounts, AliasColumns("alias", domain="domain", active="active")), path
    accounts.close()


def test_postfixadmins_table_is_one_of_the_kind(postfixadmin: tuple[AliasTable, Path]) -> None:
    """A mailbox's own row is none, nor is one that is switched off; the robot that answers is no target."""
    table, path = postfixadmin
    assert table.read_domain("a.test") == [AliasState("away@a.test", ("anna@a.test",))]
    table.put(AliasState("old@a.test", ("anna@a.test",)))
    table.put(AliasState("new@a.test", ("anna@a.test", "x@b.test")))
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT address, goto, domain, active FROM alias ORDER BY rowid").fetchall()
    assert rows[1] == ("Old@a.test", "anna@a.test", "a.test", 1)
    assert rows[-1] == ("new@a.test", "anna@a.test,x@b.test", "a.test", 1)
    with pytest.raises(Refused):
        table.put(AliasState("anna@a.test", ("x@b.test",)))


def test_a_table_of_another_form_does_not_take_the_server_for_away(
    postfixadmin: tuple[AliasTable, Path],
) -> None:
    table, path = postfixadmin
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE alias")
    with pytest.raises(TryAgain, match="the table “alias” of aliases") as trouble:
        table.check()
    assert type(trouble.value) is TryAgain


def test_without_a_table_a_server_has_no_aliases(server: Dovecot) -> None:
    endpoints = {name: value for name, value in server.endpoints().items() if name != "alias_table"}
    driver = DovecotDriver(endpoints, server.credentials())
    assert not driver.limits.aliases
    assert list(driver.aliases("a.test")) == []
    with pytest.raises(Refused, match="does not know where this mail server keeps aliases"):
        driver.put_alias(AliasState("x@a.test", ("y@a.test",)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"alias_table": "Mailbox"}, "another table"),
        ({"alias_goto_column": "goto"}, "alias_table is missing"),
        ({"alias_table": "alias", "alias_goto_column": "address"}, "different names"),
    ],
)
def test_what_an_operator_may_mistake(given: dict[str, Any], words: str) -> None:
    endpoints = {"sql_url": "sqlite:////x", "sieve_host": "mx.test", "sieve_port": 4190, **given}
    with pytest.raises(ConfigurationError, match=words):
        read_settings(endpoints, {"master_user": "m", "master_password": "p"})
