"""The Dovecot driver on real Dovecots, with accounts in SQLite and in PostgreSQL."""

import hashlib
import imaplib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from passlib.hash import argon2, bcrypt, sha512_crypt
from sqlalchemy import Engine, delete, event, insert

from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.sink import Sink
from mailservers.drivers import dovecot_usage
from mailservers.drivers.account_table import MAILBOX
from mailservers.drivers.base import AccountState, AppPasswordState, DriverError, Refused, ScriptState
from mailservers.drivers.dovecot import DovecotDriver
from tests.mailservers.drivers.contract import HASH, OFF, SCRIPT, DriverContract, new_account
from tests.mailservers.drivers.mailbox import deliver, imap, sign_in, signs_in, webmail

PASSWORD = "correct horse bättery"
PASSWORD_HASH = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(PASSWORD)
OTHER_PASSWORD = "another one"
OTHER_HASH = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(OTHER_PASSWORD)


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def server(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


@pytest.fixture
def driver(server: Dovecot) -> Iterator[DovecotDriver]:
    driver = DovecotDriver(server.endpoints(), server.credentials())
    yield driver
    driver.close()


class TestContract(DriverContract):
    pass


# --- what people notice


@pytest.mark.parametrize(
    "password_hash",
    [
        PASSWORD_HASH,
        "{ARGON2ID}" + argon2.using(type="ID", memory_cost=1024, rounds=1).hash(PASSWORD),
        "{BLF-CRYPT}" + bcrypt.using(rounds=4).hash(PASSWORD),
    ],
    ids=["sha512-crypt", "argon2id", "bcrypt"],
)
def test_people_sign_in_with_either_name(password_hash: str, server: Dovecot, driver: DovecotDriver) -> None:
    account = new_account(password_hash=password_hash)
    driver.put_account(account)
    for name in (account.login, account.address):
        assert signs_in(server, name, PASSWORD)
        assert not signs_in(server, name, OTHER_PASSWORD)


def test_a_new_password_holds_at_once_and_the_old_one_no_longer(
    server: Dovecot, driver: DovecotDriver
) -> None:
    account = new_account(password_hash=PASSWORD_HASH)
    driver.put_account(account)
    assert signs_in(server, account.login, PASSWORD)
    driver.put_account(AccountState(account.login, account.address, OTHER_HASH, 0, enabled=True))
    assert signs_in(server, account.login, OTHER_PASSWORD)
    assert not signs_in(server, account.login, PASSWORD)


@pytest.mark.parametrize("change", [{"password_hash": ""}, {"enabled": False}])
def test_who_is_locked_out(change: dict[str, Any], server: Dovecot, driver: DovecotDriver) -> None:
    account = new_account(password_hash=PASSWORD_HASH)
    driver.put_account(account)
    values: dict[str, Any] = {"password_hash": PASSWORD_HASH, "enabled": True, **change}
    driver.put_account(AccountState(account.login, account.address, quota_bytes=0, **values))
    for password in (PASSWORD, ""):
        assert not signs_in(server, account.login, password)
    driver.remove_account(account.login)
    assert not signs_in(server, account.login, PASSWORD)


def until_it_hangs_up(ask: Callable[[], object]) -> None:
    """A busy server takes a moment; after five seconds this just returns."""
    for _each in range(50):
        ask()
        time.sleep(0.1)


def test_open_sessions_are_ended(server: Dovecot, driver: DovecotDriver) -> None:
    account, neighbour = new_account(password_hash=PASSWORD_HASH), new_account(password_hash=PASSWORD_HASH)
    for each in (account, neighbour):
        driver.put_account(each)
    with webmail(server, account.login) as sieve, imap(server) as other:
        theirs = imap(server)
        sign_in(theirs, account.address, PASSWORD)
        sign_in(other, neighbour.login, PASSWORD)
        driver.end_sessions(account.login)
        with pytest.raises(imaplib.IMAP4.abort):
            until_it_hangs_up(theirs.noop)
        theirs.shutdown()
        with pytest.raises(Exception, match=r"closed|shutting down|broke"):
            until_it_hangs_up(sieve.list_scripts)
        assert other.noop()[0] == "OK"


def test_usage_tells_what_was_delivered(
    server: Dovecot, driver: DovecotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [new_account("filled.test") for _ in range(5)]
    for number, account in enumerate(accounts):
        driver.put_account(account)
        for _ in range(number):
            deliver(server, account, "x" * 3000)
    usage = driver.usage(accounts[3].login)
    assert usage.messages == 3
    assert 9_000 < usage.bytes_used < 30_000
    monkeypatch.setattr(dovecot_usage, "BY_NAME", 2)
    found = {usage.login: usage.messages for usage in driver.usages("filled.test")}
    assert found == {account.login: number for number, account in enumerate(accounts)}


@pytest.mark.parametrize("login", ["exa*", "example000?", "*"])
def test_a_login_is_never_a_pattern(login: str, server: Dovecot, driver: DovecotDriver) -> None:
    """doveadm would take it as one, and act on all who match."""
    account = new_account(password_hash=PASSWORD_HASH)
    driver.put_account(account)
    with imap(server) as client:
        sign_in(client, account.login, PASSWORD)
        for call in (driver.end_sessions, driver.usage):
            with pytest.raises(Refused):
                call(login)
        assert client.noop()[0] == "OK"
    with pytest.raises(Refused):
        driver.put_account(new_account(login=login))


@pytest.mark.parametrize("name", ["", "a\0b", "line\nbreak", "\ud800"])
def test_names_no_protocol_can_carry(name: str, driver: DovecotDriver) -> None:
    with pytest.raises(Refused):
        driver.put_account(new_account(login=name))
    with pytest.raises(Refused):
        driver.put_account(new_account(address=name))
    for call in (driver.read_account, driver.remove_account, driver.read_script, driver.usage):
        with pytest.raises(Refused):
            call(name)
    with pytest.raises(Refused):
        driver.end_sessions(name)


@pytest.mark.parametrize("quota", [-1, 2**63])
def test_quotas_no_table_can_hold(quota: int, driver: DovecotDriver) -> None:
    with pytest.raises(Refused, match="quota"):
        driver.put_account(new_account(quota_bytes=quota))


def test_health_knows_the_server(server: Dovecot, driver: DovecotDriver) -> None:
    driver.put_account(new_account())
    health = driver.check()
    assert "Pigeonhole" in health.version
    assert "fileinto" in health.sieve_extensions


# --- several calls in a row


def test_calls_in_a_session_share_a_connection(server: Dovecot, driver: DovecotDriver) -> None:
    account, other = new_account(), new_account()
    for each in (account, other):
        driver.put_account(each)
    with driver.session(account.login):
        driver.put_script(account.login, SCRIPT)
        assert driver.read_script(account.login) == SCRIPT
        driver.put_script(other.login, SCRIPT)
        with pytest.raises(Refused):
            driver.put_script(account.login, ScriptState("nonsense;", active=True))
        assert driver.read_script(account.login) == SCRIPT
        driver.put_script(account.login, OFF)
    assert sieve_sign_ins(server, account) == 2  # one more after the mistake
    assert driver.read_script(other.login) == SCRIPT
    assert sieve_sign_ins(server, other) == 2
    with driver.session(account.login):
        driver.put_account(account)
    assert sieve_sign_ins(server, account) == 2


def sieve_sign_ins(server: Dovecot, account: AccountState) -> int:
    log = (server.directory / "dovecot.log").read_text()
    return log.count(f"managesieve-login: Info: Login: user=<{account.login}>")


# --- many at once


def test_threads_share_a_driver(driver: DovecotDriver) -> None:
    accounts = [new_account() for _ in range(12)]
    same = new_account()
    troubles: list[DriverError] = []

    def put(account: AccountState) -> None:
        try:
            for _ in range(3):
                driver.put_account(account)
                driver.put_account(same)
        except DriverError as error:
            troubles.append(error)

    threads = [threading.Thread(target=put, args=[account]) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who creates the same account in the same moment may be asked to come again.
    assert {str(trouble) for trouble in troubles} <= {"The mail server's account database is busy."}
    for account in (*accounts, same):
        driver.put_account(account)
        assert driver.read_account(account.login) == account


def test_ten_thousand_accounts_take_two_queries(driver: DovecotDriver) -> None:
    rows: list[dict[str, Any]] = [
        {
            "login": f"many{n:05}",
            "address": f"many{n:05}@many.test",
            "password": HASH,
            "quota_bytes": n,
            "active": 1,
        }
        for n in range(10_000)
    ]
    table = driver._accounts
    table.run(lambda connection: connection.execute(insert(MAILBOX), rows))
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        found = driver.read_accounts([row["login"] for row in rows])
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        table.run(lambda connection: connection.execute(delete(MAILBOX).where(MAILBOX.c.login.like("many%"))))
    assert len(found) == len(rows)
    assert found["many09999"] == AccountState("many09999", "many09999@many.test", HASH, 9999, enabled=True)
    assert len([statement for statement in asked if "mailbox" in statement]) == 2


def test_a_fork_gets_connections_of_its_own(driver: DovecotDriver) -> None:
    """Celery forks its workers; a connection used from two processes mixes up their answers."""
    parents, childs = new_account(), new_account()
    driver.put_account(parents)
    child = os.fork()
    if child == 0:
        done = 1
        try:
            for _ in range(20):
                driver.put_account(childs)
            driver.close()
            done = 0
        finally:
            os._exit(done)
    for _ in range(20):
        assert driver.read_account(parents.login) == parents
    assert os.waitpid(child, 0)[1] == 0
    assert driver.read_account(childs.login) == childs
    assert driver.read_account(parents.login) == parents


# --- a server that caches sign-ins


@pytest.fixture(scope="module")
def caching_server(
    tmp_path_factory: pytest.TempPathFactory, directory: Path, certificates: CertificateAuthority, sink: Sink
) -> Iterator[Dovecot]:
    server = Dovecot("caching", directory / "d3", certificates, sink.port)
    config = server.directory / "dovecot.conf"
    config.write_text(config.read_text().replace("auth_cache_size = 0", "auth_cache_size = 1M"))
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("typed", ["login", "address"])
def test_cached_sign_ins_are_forgotten(typed: str, caching_server: Dovecot) -> None:
    driver = DovecotDriver(caching_server.endpoints(), caching_server.credentials())
    account = new_account(password_hash=PASSWORD_HASH)
    driver.put_account(account)
    name = getattr(account, typed)
    assert signs_in(caching_server, name, PASSWORD)
    driver.put_account(AccountState(account.login, account.address, OTHER_HASH, 0, enabled=True))
    assert signs_in(caching_server, name, PASSWORD)  # the cache at work
    driver.end_sessions(account.login)
    assert not signs_in(caching_server, name, PASSWORD)
    driver.put_account(AccountState(account.login, account.address, HASH, 0, enabled=False))
    driver.end_sessions(account.login)
    assert not signs_in(caching_server, name, OTHER_PASSWORD)
    driver.close()


def test_an_ended_app_password_is_forgotten_by_the_cache(caching_server: Dovecot) -> None:
    """Each is cached apart: one that was refused does not keep another one out."""
    driver = DovecotDriver(caching_server.endpoints(), caching_server.credentials())
    text = "abcd-efgh-ijkl"
    app_hash = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(text)
    one = AppPasswordState(1, hashlib.sha256(text.encode()).hexdigest()[:4], app_hash)
    account = new_account(password_hash=PASSWORD_HASH, app_passwords=(one,))
    driver.put_account(account)
    for password in (PASSWORD, text, PASSWORD):
        assert signs_in(caching_server, account.login, password)
    driver.put_account(replace(account, app_passwords=()))
    driver.end_sessions(account.login)
    assert not signs_in(caching_server, account.login, text)
    assert signs_in(caching_server, account.login, PASSWORD)
    driver.close()


def test_a_cached_sign_in_lets_nobody_send(caching_server: Dovecot) -> None:
    """Each service is answered for itself, whichever asked before."""
    driver = DovecotDriver(caching_server.endpoints(), caching_server.credentials())
    account = new_account(password_hash=PASSWORD_HASH, sends=False)
    driver.put_account(account)

    def is_let_in(service: str) -> bool:
        try:
            caching_server.run_doveadm("auth", "test", "-x", f"service={service}", account.login, PASSWORD)
        except RuntimeError:
            return False
        return True

    wanted = {"imap": True, "smtp": False, "submission": False, "pop3": True}
    for _ in range(2):
        assert {service: is_let_in(service) for service in wanted} == wanted
    driver.put_account(replace(account, sends=True))
    driver.end_sessions(account.login)
    assert is_let_in("smtp")
    driver.put_account(account)
    driver.end_sessions(account.login)
    assert not is_let_in("smtp")
    driver.close()
