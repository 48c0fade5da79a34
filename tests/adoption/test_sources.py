"""Mailboxes from a file, and from PostfixAdmin's database as it publishes its tables."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Mailbox
from accounts.passwords import matches
from adoption.sources import CsvFile, PostfixAdmin
from mailservers.drivers.base import AliasState, DriverError, ForwardRule, Refused
from mailservers.models import Change
from tests.conftest import PASSWORD, PASSWORD_HASH
from vacation.models import AutoReply

SCHEMA = """
CREATE TABLE domain (domain varchar(255) PRIMARY KEY, description varchar(255) NOT NULL, aliases int(10),
  mailboxes int(10), maxquota bigint(20), quota bigint(20), transport varchar(255), backupmx tinyint(1),
  created datetime, modified datetime, active tinyint(1) NOT NULL DEFAULT 1, password_expiry int DEFAULT 0);
CREATE TABLE mailbox (username varchar(255) PRIMARY KEY, password varchar(255) NOT NULL, name varchar(255),
  maildir varchar(255), quota bigint(20) DEFAULT 0, local_part varchar(255), domain varchar(255),
  created datetime, modified datetime, active tinyint(1) DEFAULT 1, phone varchar(30) DEFAULT '',
  email_other varchar(255) DEFAULT '', token varchar(255) DEFAULT '', token_validity datetime,
  password_expiry datetime);
CREATE TABLE alias (address varchar(255) PRIMARY KEY, goto text NOT NULL, domain varchar(255),
  created datetime, modified datetime, active tinyint(1) DEFAULT 1);
CREATE TABLE vacation (email varchar(255) PRIMARY KEY, subject varchar(255), body text, activefrom timestamp,
  activeuntil timestamp, cache text DEFAULT '', domain varchar(255), interval_time int(11) DEFAULT 0,
  created datetime, modified timestamp, active tinyint(1));
INSERT INTO domain (domain, description) VALUES ('ALL', ''), ('alt.test', 'Alt'), ('leer.test', '');
INSERT INTO mailbox (username, password, name, quota, domain, active) VALUES
  ('anna@alt.test', :hash, 'Anna', 1048576, 'alt.test', 1),
  ('bert@alt.test', '$1$old$0123456789012345678901', 'Bert', 0, 'alt.test', 0);
INSERT INTO alias (address, goto, domain, active) VALUES
  ('anna@alt.test', 'anna@alt.test,anna#alt.test@autoreply.alt.test', 'alt.test', 1),
  ('bert@alt.test', 'b@elsewhere.test', 'alt.test', 1),
  ('info@alt.test', 'anna@alt.test,bert@alt.test', 'alt.test', 1),
  ('old@alt.test', 'anna@alt.test', 'alt.test', 0);
INSERT INTO vacation (email, subject, body, activefrom, activeuntil, domain, interval_time, active) VALUES
  ('anna@alt.test', 'Weg', 'Bis Montag.', '2026-11-01 00:00:00', '2038-01-18 00:00:00', 'alt.test', 90000, 1),
  ('bert@alt.test', 'Alt', 'Alt', '2000-01-01 00:00:00', '2000-01-01 00:00:00', 'alt.test', 0, 0);
"""


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "postfixadmin.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA.replace(":hash", f"'{PASSWORD_HASH}'"))
    return f"sqlite:///{path}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mailboxes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("adopt", *arguments, stdout=out)
    return out.getvalue()


def test_postfixadmin_tells_mailboxes_with_their_rules(database: str):
    source = PostfixAdmin(database)
    assert source.domains() == ["alt.test", "leer.test"]
    anna, bert = source.mailboxes("alt.test")
    assert anna.rules
    assert bert.rules
    assert (anna.account.address, anna.account.quota_bytes, anna.account.enabled) == (
        "anna@alt.test",
        1048576,
        True,
    )
    assert matches(PASSWORD, anna.account.password_hash)
    assert anna.rules.forward == ForwardRule()
    reply = anna.rules.reply
    assert reply
    assert (reply.subject, reply.text, reply.days) == ("Weg", "Bis Montag.", 2)
    assert (reply.starts, reply.ends) == (datetime(2026, 11, 1, tzinfo=UTC), None)
    assert (bert.account.enabled, bert.rules.reply) == (False, None)
    assert bert.rules.forward == ForwardRule(("b@elsewhere.test",), keep_copy=False)
    assert list(source.aliases("alt.test")) == [
        AliasState("info@alt.test", ("anna@alt.test", "bert@alt.test"))
    ]
    assert list(source.mailboxes("leer.test")) == []


def test_postfixadmin_is_taken_over(server, database: str, monkeypatch):
    monkeypatch.setenv("POSTFIXADMIN_URL", database)
    printed = run(server.name, "--postfixadmin")
    assert "2 mailboxes and 1 aliases taken over" in printed
    assert [mailbox.login for mailbox in Mailbox.objects.order_by("login")] == [
        "anna@alt.test",
        "bert@alt.test",
    ]
    # The robot that answers there knows nothing of the portal: it goes on, and the portal's text stays off.
    reply = AutoReply.objects.get()
    assert (reply.subject, reply.enabled) == ("Weg", False)
    assert not Change.objects.exists()


def test_a_database_that_is_none(server, monkeypatch, tmp_path: Path):
    monkeypatch.delenv("POSTFIXADMIN_URL", raising=False)
    with pytest.raises(CommandError, match="POSTFIXADMIN_URL"):
        run(server.name, "--postfixadmin")
    for url in ("nonsense", "mysql+nothing://u:secret@h/d", f"sqlite:///{tmp_path}/empty.sqlite3"):
        monkeypatch.setenv("POSTFIXADMIN_URL", url)
        with pytest.raises(CommandError) as trouble:
            run(server.name, "--postfixadmin")
        assert "secret" not in str(trouble.value)


def test_a_file_is_taken_over(server, tmp_path: Path):
    path = written(
        tmp_path,
        "address,login,name,quota,password_hash,enabled\n"
        f'Anna@Neu.test,neu0001,"Jansen, Anna",1.5 GB,"{PASSWORD_HASH}",yes\n'
        "bert@neu.test,,,,,no\n"
        "c@Münze.test,,,,,\n",
    )
    run(server.name, "--csv", str(path))
    anna, bert, coin = Mailbox.objects.order_by("address")
    assert (coin.address, coin.domain.name) == ("c@xn--mnze-0ra.test", "xn--mnze-0ra.test")
    assert (anna.address, anna.login, anna.name) == ("anna@neu.test", "neu0001", "Jansen, Anna")
    assert (anna.quota_bytes, anna.enabled) == (1536 * 1024**2, True)
    assert matches(PASSWORD, anna.password_hash)
    assert (bert.login, bert.quota_bytes, bert.enabled) == ("bert@neu.test", 0, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must name the columns"),
        ("address,colour\n", "must name the columns"),
        ("name\nx\n", "must name the columns"),
        ("address\nanna\n", "Line 2: “anna” is no address"),
        ("address,quota\na@b.test,much\n", "Line 2: the quota"),
        ("address,enabled\na@b.test,perhaps\n", "Line 2: enabled"),
        ("address,password_hash\na@b.test,clear text\n", "Line 2: the hash"),
        ("address,name\na@b.test\n", "Line 2 has not as many fields"),
        ("address\na@b.test,more\n", "Line 2 has not as many fields"),
        ('address\n"a@b.test\n', "cannot be read"),
    ],
)
def test_a_mistake_anywhere_takes_over_nothing(text: str, words: str, tmp_path: Path):
    with pytest.raises(Refused, match=words):
        CsvFile(written(tmp_path, text))


def test_a_file_that_is_not_there_or_in_other_letters(tmp_path: Path):
    with pytest.raises(DriverError, match="cannot be read"):
        CsvFile(tmp_path / "nothing.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes("address,name\na@b.test,Zoë\n".encode("latin-1"))
    with pytest.raises(DriverError, match="cannot be read"):
        CsvFile(path)
