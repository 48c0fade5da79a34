"""App passwords on real Dovecots: what lets in, what no longer does, and what is told of their use."""

import hashlib
import imaplib
import poplib
import smtplib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from passlib.hash import sha512_crypt
from sqlalchemy.engine import URL

from fleet.dovecot import Dovecot
from mailservers.drivers.account_table import AccountTable
from mailservers.drivers.base import AccountState, AppPasswordState, ServerAway
from mailservers.drivers.dovecot import DovecotDriver
from tests.mailservers.drivers.contract import new_account
from tests.mailservers.drivers.mailbox import deliver, imap, sign_in, signs_in, subjects, tls, webmail

MAIN, PHONE, TABLET = "correct horse bättery", "abcd-efgh-ijkl", "mnop-qrst-uvwx"
_numbers = count(1)


def hash_of(text: str) -> str:
    return "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(text)


MAIN_HASH = hash_of(MAIN)


def app_password(text: str) -> AppPasswordState:
    return AppPasswordState(next(_numbers), hashlib.sha256(text.encode()).hexdigest()[:4], hash_of(text))


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def server(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


@pytest.fixture
def driver(server: Dovecot) -> Iterator[DovecotDriver]:
    driver = DovecotDriver(server.endpoints(), server.credentials())
    yield driver
    driver.close()


@pytest.fixture
def account(driver: DovecotDriver) -> AccountState:
    """With two app passwords, on the server."""
    both = (app_password(PHONE), app_password(TABLET))
    account = new_account(password_hash=MAIN_HASH, app_passwords=both)
    driver.put_account(account)
    return account


def test_each_of_them_and_the_main_password_let_in(server, driver, account):
    assert driver.read_account(account.login) == account
    for text in (PHONE, TABLET, MAIN):
        assert signs_in(server, account.login, text)
    assert signs_in(server, account.address, PHONE)
    assert not signs_in(server, account.login, "abcd-efgh-ijkm")


def test_the_selector_alone_opens_nothing(server, driver):
    """Two texts may share its 16 bits: the hash decides, and the main password is still tried."""
    clash = AppPasswordState(next(_numbers), hashlib.sha256(MAIN.encode()).hexdigest()[:4], hash_of(PHONE))
    account = new_account(password_hash=MAIN_HASH, app_passwords=(clash,))
    driver.put_account(account)
    assert signs_in(server, account.login, MAIN)
    driver.put_account(replace(account, password_hash=""))
    assert not signs_in(server, account.login, MAIN)


def test_one_opens_no_other_mailbox(server, driver, account):
    other = new_account(password_hash=MAIN_HASH)
    driver.put_account(other)
    assert not signs_in(server, other.login, PHONE)


def test_they_read_by_pop3_and_send(server, account):
    pop = poplib.POP3_SSL("localhost", server.ports["pop3s"], context=tls(server))
    pop.user(account.login)
    assert pop.pass_(PHONE).startswith(b"+OK")
    pop.quit()
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], context=tls(server)) as smtp:
        assert smtp.login(account.address, TABLET)[0] == 235


def test_an_ended_one_is_thrown_out_and_the_others_stay(server, driver, account):
    theirs = imap(server)
    sign_in(theirs, account.login, PHONE)
    driver.put_account(replace(account, app_passwords=account.app_passwords[1:]))
    driver.end_sessions(account.login)
    with pytest.raises(imaplib.IMAP4.abort):
        theirs.noop()
    theirs.shutdown()
    assert not signs_in(server, account.login, PHONE)
    assert signs_in(server, account.login, TABLET)


def test_without_the_main_password_they_alone_let_in_and_all_else_goes_on(server, driver, account):
    driver.put_account(replace(account, password_hash=""))
    assert not signs_in(server, account.login, MAIN)
    assert signs_in(server, account.login, PHONE)
    with webmail(server, account.login) as portal:
        assert portal.list_scripts() == []
    deliver(server, account, "hello")
    assert subjects(server, account.login) == ["hello"]
    # A domain's rule was taken back, say.
    driver.put_account(account)
    assert signs_in(server, account.login, MAIN)


def test_of_a_mailbox_that_is_switched_off_or_gone_none_lets_in(server, driver, account):
    driver.put_account(replace(account, enabled=False))
    assert not signs_in(server, account.login, PHONE)
    driver.remove_account(account.login)
    driver.put_account(replace(account, app_passwords=()))
    assert not signs_in(server, account.login, PHONE)


def test_it_tells_which_was_used_when(server, driver, account):
    phone, tablet = (each.number for each in account.app_passwords)
    before = datetime.now(UTC) - timedelta(seconds=1)
    for text in (PHONE, MAIN):
        assert signs_in(server, account.login, text)
    deadline = time.monotonic() + 5
    # Dovecot writes it down after it has answered.
    while phone not in (used := driver.app_passwords_used(before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert before <= used[phone] <= datetime.now(UTC)
    assert tablet not in used
    assert driver.app_passwords_used(datetime.now(UTC) + timedelta(minutes=1)) == {}
    driver.put_account(replace(account, app_passwords=()))
    assert phone not in driver.app_passwords_used(before)


def test_the_log_names_no_app_password(server, account):
    assert signs_in(server, account.login, PHONE)
    log = (server.directory / "dovecot.log").read_text()
    assert PHONE not in log
    assert "unknown user" not in [line for line in log.splitlines() if account.login in line][-1]


def test_settings_that_promise_a_table_that_is_not_there_are_told(tmp_path):
    path = tmp_path / "accounts.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mailbox (login, address, password, quota_bytes, active)")
    url = URL.create("sqlite", database=str(path))
    table = AccountTable(url, connect_seconds=5, statement_seconds=5, app_passwords=True)
    with pytest.raises(ServerAway, match="app_password"):
        table.any_login()
    table.close()


def test_a_server_without_their_table_is_none_the_worse(server, account):
    driver = DovecotDriver({**server.endpoints(), "app_passwords": False}, server.credentials())
    assert not driver.limits.app_passwords
    held = driver.read_account(account.login)
    assert held is not None
    assert held.app_passwords == ()
    driver.put_account(replace(held, quota_bytes=7))
    driver.close()
    assert signs_in(server, account.login, PHONE)
