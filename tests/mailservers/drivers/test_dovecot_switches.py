"""Signing in, sending and receiving, each switched apart on a real Dovecot; and hosters' older tables."""

import hashlib
import smtplib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from passlib.hash import sha512_crypt

from fleet.certificates import CertificateAuthority
from fleet.dovecot import TEMPLATES, Dovecot
from fleet.sink import Sink
from mailservers.drivers.base import AccountState, AppPasswordState, ServerAway, TryAgain
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.fitting import fit_account
from tests.mailservers.drivers.contract import OFF, SCRIPT, new_account
from tests.mailservers.drivers.mailbox import deliver, signs_in, tls

MAIN, PHONE = "correct horse battery", "abcd-efgh-ijkl"
MAIN_HASH, PHONE_HASH = (
    "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(text) for text in (MAIN, PHONE)
)
WAYS = list(product([True, False], repeat=3))
PHONES = [
    AppPasswordState(number, hashlib.sha256(PHONE.encode()).hexdigest()[:4], PHONE_HASH)
    for number in range(70_001, 70_009)
]
COLUMNS = ("sends", "receives")
# What docs/dovecot.md tells hosters whose table is older.
TO_MEND = (
    "ALTER TABLE mailbox ADD COLUMN sends INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE mailbox ADD COLUMN receives INTEGER NOT NULL DEFAULT 1",
    "UPDATE mailbox SET receives = active",
)


@pytest.fixture
def server(dovecot_with_sqlite: Dovecot) -> Dovecot:
    return dovecot_with_sqlite


@pytest.fixture
def driver(server: Dovecot) -> Iterator[DovecotDriver]:
    driver = DovecotDriver(server.endpoints(), server.credentials())
    yield driver
    driver.close()


def is_let_in(server: Dovecot, account: AccountState, *, password: str, service: str) -> bool:
    """What Dovecot answers to the service: "smtp" is Postfix, "submission" is Dovecot's own."""
    try:
        server.run_doveadm("auth", "test", "-x", f"service={service}", account.login, password)
    except RuntimeError:
        return False
    return True


def sends(server: Dovecot, account: AccountState, password: str) -> bool:
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], context=tls(server)) as smtp:
        try:
            return smtp.login(account.address, password)[0] == 235
        except smtplib.SMTPAuthenticationError:
            return False


def receives(server: Dovecot, account: AccountState, subject: str) -> bool:
    try:
        deliver(server, account, subject)
    except smtplib.SMTPRecipientsRefused as refusal:
        assert refusal.recipients[account.address][0] == 550  # noqa: PT017 - for good, not for now
        return False
    return subject in subjects_on_disk(server, account)


def subjects_on_disk(server: Dovecot, account: AccountState) -> list[str]:
    told = server.run_doveadm("fetch", "-u", account.login, "hdr.subject", "mailbox", "INBOX")
    return [line.removeprefix("hdr.subject: ") for line in told.split("\n") if line.startswith("hdr.subject")]


def test_each_is_switched_apart(server: Dovecot, driver: DovecotDriver) -> None:
    """All eight ways, with the main password and an app password; asked at once, as each no takes a while."""
    accounts = [
        new_account(
            password_hash=MAIN_HASH, app_passwords=(phone,), enabled=enabled, sends=may_send, receives=gets
        )
        for (enabled, may_send, gets), phone in zip(WAYS, PHONES, strict=True)
    ]
    for account in accounts:
        driver.put_account(account)
    with ThreadPoolExecutor(max_workers=16) as pool:
        told = {
            (account.login, what): pool.submit(ask, account)
            for account in accounts
            for what, ask in questions(server).items()
        }
        answers = {what: answer.result() for what, answer in told.items()}
    wanted: dict[tuple[str, object], bool] = {}
    for account in accounts:
        signs, may_send = account.enabled, account.enabled and account.sends
        right = dict.fromkeys(SIGNING_IN, signs) | dict.fromkeys(SENDING, may_send)
        right["receives"] = account.receives
        wanted |= {(account.login, what): yes for what, yes in right.items()}
    assert answers == wanted


SIGNING_IN = ("imap", *product(("pop3", "sieve"), (MAIN, PHONE)), ("imap", PHONE))
SENDING = ("submission", *product(("smtp", "submission"), (PHONE,)), ("smtp", MAIN))


def questions(server: Dovecot) -> dict[object, Callable[[AccountState], bool]]:
    """Whole sessions where it is by name alone; else what Dovecot answers to such a service."""
    asked: dict[object, Callable[[AccountState], bool]] = {
        what: partial(is_let_in, server, service=what[0], password=what[1])
        for what in (*SIGNING_IN, *SENDING)
        if isinstance(what, tuple)
    }
    asked["imap"] = lambda account: signs_in(server, account.address, MAIN)
    asked["submission"] = lambda account: sends(server, account, MAIN)
    asked["receives"] = lambda account: receives(server, account, "hello")
    return asked


def test_so_it_is_with_accounts_in_postgresql(dovecot_with_postgresql: Dovecot) -> None:
    server = dovecot_with_postgresql
    driver = DovecotDriver(server.endpoints(), server.credentials())
    reads, gets = (new_account(password_hash=MAIN_HASH) for _ in range(2))
    driver.put_account(replace(reads, sends=False, receives=False))
    driver.put_account(replace(gets, enabled=False))
    driver.close()
    assert is_let_in(server, reads, password=MAIN, service="imap")
    assert not is_let_in(server, reads, password=MAIN, service="smtp")
    assert not receives(server, reads, "no")
    assert not is_let_in(server, gets, password=MAIN, service="imap")
    assert receives(server, gets, "yes")


def test_one_that_is_off_is_looked_after_all_the_same(server: Dovecot, driver: DovecotDriver) -> None:
    """Somebody has left: mail comes, is answered, and takes room, and no sign-in changes any of it."""
    account = new_account("left.test", password_hash=MAIN_HASH, enabled=False)
    deleted = new_account("left.test", password_hash=MAIN_HASH, enabled=False, receives=False)
    for each in (account, deleted):
        driver.put_account(each)
        driver.put_script(each.login, SCRIPT)
        assert driver.read_script(each.login) == SCRIPT
        driver.put_script(each.login, OFF)
    deliver(server, account, "hello")
    assert driver.usage(account.login).messages == 1
    assert [usage.login for usage in driver.usages("left.test")] == [account.login]
    driver.end_sessions(account.login)


# --- hosters' older tables


@pytest.fixture(scope="module")
def older(directory: Path, certificates: CertificateAuthority, sink: Sink) -> Iterator[Dovecot]:
    """As docs/dovecot.md described it before: no such columns, and each query asks for `active` alone."""
    server = Dovecot("older", directory / "d4", certificates, sink.port)
    with closing(sqlite3.connect(database_of(server))) as database:
        for column in COLUMNS:
            database.execute(f"ALTER TABLE mailbox DROP COLUMN {column}")
    etc = server.directory / "etc"
    (etc / "accounts.conf.ext").write_text(OLDER_QUERIES % database_of(server))
    for_apps = etc / "app-passwords.conf.ext"
    for_apps.write_text(for_apps.read_text().replace("sends = 1", "1 = 1"))
    server.start()
    yield server
    server.stop()


def database_of(server: Dovecot) -> str:
    return str(server.directory / "db" / "accounts.sqlite3")


OLDER_QUERIES = """
driver = sqlite
connect = %s
default_pass_scheme = SHA512-CRYPT
password_query = SELECT login AS user, password FROM mailbox \\
  WHERE (login = '%%Lu' OR address = '%%Lu') AND active = 1
user_query = SELECT login AS user FROM mailbox WHERE (login = '%%Lu' OR address = '%%Lu') AND active = 1
"""


def open_older(server: Dovecot, *, apart: bool) -> DovecotDriver:
    endpoints = {**server.endpoints(), "app_passwords": False, "switches_apart": apart}
    return DovecotDriver(endpoints, server.credentials())


def test_an_older_table_goes_on_until_it_gets_the_columns(older: Dovecot) -> None:
    driver = open_older(older, apart=False)
    off = fit_account(new_account("old.test", password_hash=MAIN_HASH, enabled=False), driver.limits)
    on = fit_account(new_account("old.test", password_hash=MAIN_HASH, sends=False), driver.limits)
    assert (off.receives, on.sends) == (False, True)  # what it does by itself
    for each in (off, on):
        driver.put_account(each)
        assert driver.read_account(each.login) == each
    assert driver.read_accounts([off.login, on.login]) == {off.login: off, on.login: on}
    assert [found.account for found in driver.mailboxes("old.test")] == [off, on]
    assert [usage.login for usage in driver.usages("old.test")] == [on.login]
    assert driver.check().version
    assert not receives(older, off, "no")
    assert receives(older, on, "yes")
    with pytest.raises(TryAgain, match="switched off"):
        driver.put_script(off.login, SCRIPT)
    # Who says too early that the columns are there is told.
    hasty = open_older(older, apart=True)
    with pytest.raises(ServerAway, match="another form"):
        hasty.check()
    hasty.close()

    with closing(sqlite3.connect(database_of(older))) as database:
        for statement in TO_MEND:
            database.execute(statement)
        database.commit()
    assert driver.read_account(off.login) == off  # between the steps all goes on
    driver.close()
    give_new_queries(older)
    mended = open_older(older, apart=True)
    assert mended.read_account(off.login) == off  # nothing differs, and nobody gets mail who got none
    assert not receives(older, off, "still no")
    mended.put_account(replace(off, receives=True))
    assert receives(older, off, "now yes")
    mended.close()


def give_new_queries(server: Dovecot) -> None:
    for name in ("accounts.conf.ext", "app-passwords.conf.ext"):
        text = (TEMPLATES / f"{name}.in").read_text()
        text = text.replace("@SQL_DRIVER@", "sqlite").replace("@SQL_CONNECT@", database_of(server))
        (server.directory / "etc" / name).write_text(text)
    server.restart()
