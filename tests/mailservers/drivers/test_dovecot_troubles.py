"""What the Dovecot driver says when a server is away, slow, or set up wrongly; and what it never says."""

import json
import os
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet.dovecot import Dovecot
from fleet.postgresql import PostgreSQL
from mailservers.drivers.base import (
    AccountState,
    DriverError,
    FolderKind,
    Refused,
    ScriptState,
    ServerAway,
    TryAgain,
)
from mailservers.drivers.dovecot import DovecotDriver
from tests.mailservers.drivers.contract import HASH, OFF, SCRIPT, new_account
from tests.mailservers.drivers.scripted import CAPABILITIES, GREETING, Line, Script, ScriptedServer

# For servers that keep us waiting on purpose; real ones get the usual limits.
SHORT = {"connect_seconds": 0.5, "read_seconds": 0.5, "total_seconds": 1.5}

Serve = Callable[..., ScriptedServer]
Open = Callable[..., DovecotDriver]


@pytest.fixture
def server(dovecot_with_sqlite: Dovecot) -> Dovecot:
    return dovecot_with_sqlite


@pytest.fixture
def open_driver(server: Dovecot) -> Iterator[Open]:
    """A driver for the real server, some of its endpoints or credentials changed."""
    drivers = []

    def open_driver(server: Dovecot = server, **changes: Any) -> DovecotDriver:
        credentials = server.credentials()
        secrets = {
            name: changes.pop(name) for name in list(changes) if name in (*credentials, "sql_password")
        }
        drivers.append(DovecotDriver({**server.endpoints(), **changes}, {**credentials, **secrets}))
        return drivers[-1]

    yield open_driver
    for driver in drivers:
        driver.close()


@pytest.fixture
def account(open_driver: Open) -> AccountState:
    account = new_account()
    open_driver().put_account(account)
    return account


@contextmanager
def told(kind: type[DriverError], words: str, *, within: float = 4) -> Iterator[None]:
    """This kind of error, in these words, in time, with no secret anywhere in it."""
    start = time.monotonic()
    with pytest.raises(DriverError) as trouble:
        yield
    assert time.monotonic() - start < within
    assert isinstance(trouble.value, kind)
    assert isinstance(trouble.value, ServerAway) == (kind is ServerAway)
    assert words in str(trouble.value)
    # As a log would show it, causes that are not suppressed included.
    shown = "".join(traceback.format_exception(trouble.value)) + repr(trouble.value)
    for secret in (HASH, "$6$rounds", "secret-word"):
        assert secret not in shown


# --- ManageSieve


def test_nobody_listens(open_driver: Open, account: AccountState) -> None:
    driver = open_driver(sieve_port=1)
    with told(ServerAway, "cannot be reached"):
        driver.put_script(account.login, SCRIPT)
    with told(ServerAway, "cannot be reached"):
        driver.check()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (lambda line: line.hear(), "did not answer in time"),
        (lambda line: line.say(b'BYE "Too many connections."\r\n'), "ended the connection"),
        (lambda line: line.say(b"220 smtp.test ESMTP\r\n"), "does not know"),
        (lambda line: line.say(CAPABILITIES + b"OK\r\n"), "does not know"),
        (lambda line: line.say(GREETING).answer(b'OK\r\nOK "injected"\r\n'), "does not know"),
        (Line.reset, "cannot be reached, or broke off"),
        (
            lambda line: line.start_tls().answer(b'NO (TRYLATER) "Temporary authentication failure."\r\n'),
            "asks to try again later",
        ),
        (
            lambda line: line.start_tls().answer(b'NO "Authentication failed."\r\n'),
            "does not accept the portal's master user or password",
        ),
    ],
)
def test_trouble_before_the_mailbox_concerns_the_whole_server(
    script: Script, words: str, serve: Serve, open_driver: Open
) -> None:
    driver = open_driver(**SHORT, sieve_port=serve(script).port, master_password="secret-word")
    with told(ServerAway, words):
        driver.read_script("anna")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (lambda line: line.sign_in().hear(), "did not answer in time"),
        (lambda line: line.sign_in().answer(b'BYE "Shutting down."\r\n'), "ended the connection"),
        (lambda line: line.sign_in().hear() and line.reset(), "broke off"),
        (lambda line: line.sign_in().answer(b'NO "Internal error."\r\n'), "did not carry out"),
        (lambda line: line.sign_in().answer(b'NO (TRYLATER) "Busy."\r\n'), "try again later"),
        (
            lambda line: line.sign_in().answer(b'"portal"\r\nOK\r\n', b'NO (NONEXISTENT) "Gone."\r\n'),
            "changed in between",
        ),
        (
            lambda line: line.sign_in().answer(b'"portal"\r\nOK\r\n', b'NO (ACTIVE) "It is."\r\n'),
            "changed in between",
        ),
        (
            lambda line: line.start_tls().answer(b'NO "Authorization failed"\r\n'),
            "not on the mail server yet, or is switched off",
        ),
    ],
)
def test_trouble_within_a_mailbox_is_its_own(
    script: Script, words: str, serve: Serve, open_driver: Open
) -> None:
    driver = open_driver(**SHORT, sieve_port=serve(script).port, master_password="secret-word")
    with told(TryAgain, words):
        driver.read_script("anna")


def test_a_dripping_server_holds_no_worker(serve: Serve, open_driver: Open) -> None:
    slow: ScriptedServer = serve(lambda line: line.drip(GREETING * 100, 0.1, slow.stopping))
    with told(ServerAway, "did not answer in time", within=2.5):
        open_driver(**SHORT, sieve_port=slow.port).put_script("anna", SCRIPT)


def test_a_certificate_nobody_vouches_for(open_driver: Open, account: AccountState) -> None:
    driver = open_driver(ca_file="")
    with told(ServerAway, "certificate is not trusted"):
        driver.put_script(account.login, SCRIPT)
    with told(TryAgain, "certificate of the mail server's doveadm interface is not trusted"):
        driver.usage(account.login)


def test_a_certificate_for_another_name(open_driver: Open, account: AccountState) -> None:
    driver = open_driver(tls_name="other.test")
    with told(ServerAway, "certificate is not trusted"):
        driver.put_script(account.login, SCRIPT)
    with told(TryAgain, "is not trusted"):
        driver.end_sessions(account.login)
    other_name = open_driver(tls_name="sqlite.test")
    other_name.put_script(account.login, SCRIPT)
    other_name.end_sessions(account.login)


def test_wrong_credentials(open_driver: Open, account: AccountState) -> None:
    wrong = open_driver(master_password="secret-word", doveadm_key="secret-word")
    wrong_master = "does not accept the portal's master user or password"
    with told(ServerAway, wrong_master):
        wrong.check()
    with told(ServerAway, wrong_master):
        wrong.put_script(account.login, SCRIPT)
    with told(TryAgain, "does not accept the portal's key"):
        wrong.usage(account.login)
    with told(TryAgain, "does not accept the portal's key"):
        wrong.end_sessions(account.login)
    assert open_driver().read_script(account.login) == OFF


def test_a_mailbox_that_is_not_there_yet(open_driver: Open) -> None:
    driver, account = open_driver(), new_account()
    with told(TryAgain, "not on the mail server yet, or is switched off"):
        driver.put_script(account.login, SCRIPT)
    with told(TryAgain, "not on the mail server yet, or is switched off"):
        driver.usage(account.login)
    assert driver.check().version  # one mailbox's trouble is not the server's


def test_a_stopped_server_serves_again_after_its_start(open_driver: Open, server: Dovecot) -> None:
    driver, account = open_driver(), new_account()
    server.stop()
    try:
        driver.put_account(account)  # SQL goes its own way
        with told(ServerAway, "cannot be reached"):
            driver.put_script(account.login, SCRIPT)
        with told(TryAgain, "cannot be reached"):
            driver.end_sessions(account.login)
    finally:
        server.start()
    driver.put_script(account.login, SCRIPT)
    assert driver.read_script(account.login) == SCRIPT


# --- doveadm


def http(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b"nonsense"), "does not know"),
        (http(b"[]"), "does not know"),
        (http(b'{"a": 1}'), "does not know"),
        (http(b'[["doveadmResponse", 5, "0"]]'), "does not know"),
        (http(b'[["error", {"type": "unknownMethod"}, "0"]]'), "does not know"),
        (http(b'[["error" {"type": "x"}, "0"]]'), "does not know"),
        (
            http(
                b'[["error", {"type": "exitCode", "exitCode": 75}, "0"],'
                b' ["error", {"type": "exitCode", "exitCode": 75}, "1"]]'
            ),
            "does not tell",
        ),
        (http(b'[["doveadmResponse", [], "0"], ["doveadmResponse", [], "1"]]'), "does not tell"),
        (
            http(
                b'[["doveadmResponse", [{"type": "STORAGE", "value": "x"}], "0"],'
                b' ["doveadmResponse", [], "1"]]'
            ),
            "does not tell",
        ),
        (http(b"", b"401 Unauthorized"), "does not accept the portal's key"),
        (http(b"", b"404 Not Found"), "HTTP 404"),
        (http(b"", b"302 Found\r\nLocation: https://elsewhere.test/"), "HTTP 302"),
        (b"", "cannot be reached, or broke off"),
        (b"220 smtp.test ESMTP\r\n", "cannot be reached, or broke off"),
        (http(b"x" * 9_000_000), "does not stop answering"),
    ],
    ids=lambda value: repr(value[:70]),
)
def test_odd_answers_of_doveadm(answer: bytes, words: str, serve: Serve, open_driver: Open) -> None:
    def script(line: Line) -> None:
        line.hear_request().say(answer).connection.close()

    server = serve(script)
    driver = open_driver(doveadm_url=f"https://localhost:{server.port}", doveadm_key="secret-word")
    with told(TryAgain, words):
        driver.usage("anna")


@pytest.mark.parametrize(
    ("limit", "quota_bytes"), [("-", 0), ("100", 102_400), ("-5", None), ("x", None), ("", None)]
)
def test_odd_limits_and_numbers_of_doveadm(
    limit: str, quota_bytes: int | None, serve: Serve, open_driver: Open
) -> None:
    storage = {"type": "STORAGE", "value": "300", "limit": limit}
    folders = [
        {"mailbox": "Entwürfe & Co", "vsize": "-7", "messages": "x"},
        {"mailbox": "Trash.old", "vsize": "9"},
        {"mailbox": "Trash/old", "vsize": "9", "messages": "1"},
        {"vsize": "9", "messages": "1"},
    ]
    responses = [["doveadmResponse", [storage], "0"], ["doveadmResponse", folders, "1"]]

    def script(line: Line) -> None:
        line.hear_request().say(http(json.dumps(responses).encode())).connection.close()

    server = serve(script)
    driver = open_driver(
        doveadm_url=f"https://localhost:{server.port}", doveadm_key="secret-word", folder_separator="."
    )
    usage = driver.usage("anna")
    assert (usage.bytes_used, usage.messages, usage.quota_bytes) == (307_200, None, quota_bytes)
    assert [(each.name, each.bytes_used, each.messages, each.kind) for each in usage.folders] == [
        ("Entwürfe & Co", 0, 0, FolderKind.MAIL),
        ("Trash.old", 9, 0, FolderKind.TRASH),
        ("Trash/old", 9, 1, FolderKind.MAIL),
    ]


def test_one_broken_mailbox_does_not_hide_the_others(open_driver: Open, server: Dovecot) -> None:
    driver = open_driver()
    accounts = [new_account("broken.test") for _ in range(2)]
    for account in accounts:
        driver.put_account(account)
    (server.directory / "mail" / accounts[0].login).write_text("A file, where a directory should be.")
    assert [usage.login for usage in driver.usages("broken.test")] == [accounts[1].login]
    driver.remove_account(accounts[1].login)
    with told(TryAgain, "does not tell what the mailbox holds"):
        list(driver.usages("broken.test"))


@pytest.mark.parametrize("moment", ["handshake", "head", "body"])
@pytest.mark.parametrize("drips", [False, True])
def test_a_slow_doveadm_is_left_in_time(moment: str, drips: bool, serve: Serve, open_driver: Open) -> None:
    def script(line: Line) -> None:
        if moment != "handshake":
            line.hear_request()
        if moment == "body":
            line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        if drips:
            beginning = b"\x16\x03\x03\x10\x00" if moment == "handshake" else b"HTTP/1.1 200 OK\r\nX: "
            line.drip(beginning + b"x" * 1000, 0.1, slow.stopping)
        slow.stopping.wait(10)

    slow = serve(script)
    driver = open_driver(**SHORT, doveadm_url=f"https://localhost:{slow.port}", doveadm_key="secret-word")
    with told(TryAgain, "did not answer in time", within=2.5):
        driver.usage("anna")


def test_the_environments_proxy_is_not_asked(
    open_driver: Open, account: AccountState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert open_driver().usage(account.login).messages == 0


def test_without_doveadm_the_rest_works(open_driver: Open, account: AccountState) -> None:
    driver = open_driver(doveadm_url="")
    driver.put_script(account.login, SCRIPT)
    assert driver.check().version
    for call in (
        lambda: driver.usage("x"),
        lambda: driver.end_sessions("x"),
        lambda: list(driver.usages("x")),
    ):
        with told(Refused, "does not know the mail server's doveadm interface"):
            call()


# --- SQLite


def test_a_locked_file(open_driver: Open, server: Dovecot) -> None:
    driver, account = open_driver(**SHORT), new_account()
    path = server.endpoints()["sql_url"].removeprefix("sqlite:///")  # type: ignore[union-attr]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with told(TryAgain, "account database is busy"):
            driver.put_account(account)
        assert driver.read_account(account.login) is None
        other.execute("ROLLBACK")
    driver.put_account(account)


def test_a_mistyped_path_creates_nothing(open_driver: Open, tmp_path: Path) -> None:
    driver = open_driver(sql_url=f"sqlite:///{tmp_path}/no?thing #1")
    with told(ServerAway, "account database cannot be reached"):
        driver.put_account(new_account())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "CREATE TABLE mailbox (login TEXT PRIMARY KEY)",
        "CREATE VIEW mailbox AS SELECT 1 AS login",
    ],
)
def test_a_table_of_another_form(statement: str, open_driver: Open, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x")) as database:
        database.execute(statement)
    driver = open_driver(sql_url=f"sqlite:///{tmp_path}/x", app_passwords=False)
    for call in (lambda: driver.put_account(new_account()), driver.check):
        with told(ServerAway, "the table “mailbox”"):
            call()


def test_a_file_that_is_no_database(open_driver: Open, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("Just words. " * 100)
    with told(ServerAway, "the table “mailbox”"):
        open_driver(sql_url=f"sqlite:///{tmp_path}/x").read_account("anna")


def test_a_rule_of_the_hosters_own(open_driver: Open, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x")) as database:
        database.execute(
            "CREATE TABLE mailbox (login PRIMARY KEY, address UNIQUE, password, active,"
            " quota_bytes CHECK (quota_bytes > 0))"
        )
    driver = open_driver(sql_url=f"sqlite:///{tmp_path}/x", app_passwords=False, switches_apart=False)
    driver.put_account(new_account())
    with told(Refused, "has a rule against this account"):
        driver.put_account(new_account(quota_bytes=0))


# --- PostgreSQL


@pytest.fixture
def table(dovecot_with_postgresql: Dovecot) -> Iterator[psycopg.Connection[Any]]:
    """The database itself, seen past the driver."""
    url = dovecot_with_postgresql.sql_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_locked_row(
    open_driver: Open, dovecot_with_postgresql: Dovecot, table: psycopg.Connection[Any]
) -> None:
    driver, account = open_driver(dovecot_with_postgresql, **SHORT), new_account()
    driver.put_account(account)
    with table.transaction():
        table.execute("SELECT * FROM mailbox WHERE login = %s FOR UPDATE", [account.login])
        with told(TryAgain, "account database is busy"):
            driver.put_account(account)
    driver.put_account(account)


def test_connections_that_died_are_replaced_unnoticed(
    open_driver: Open, dovecot_with_postgresql: Dovecot, table: psycopg.Connection[Any]
) -> None:
    driver, account = open_driver(dovecot_with_postgresql), new_account()
    driver.put_account(account)
    table.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert driver.read_account(account.login) == account


def test_a_database_that_hangs(
    open_driver: Open,
    dovecot_with_postgresql: Dovecot,
    postgresql: PostgreSQL,
    table: psycopg.Connection[Any],
) -> None:
    """Its own statement_timeout does not help then."""
    driver, account = open_driver(dovecot_with_postgresql, **SHORT), new_account()
    driver.put_account(account)
    pids = [row[0] for row in table.execute("SELECT pid FROM pg_stat_activity WHERE datname IS NOT NULL")]
    main = int((postgresql.directory / "data" / "postmaster.pid").read_text().split()[0])
    pids = [pid for pid in pids if pid != table.info.backend_pid] + [main]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with told(ServerAway, "account database cannot be reached", within=8):
            driver.read_account(account.login)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert driver.read_account(account.login) == account


def test_a_wrong_password_for_sql(open_driver: Open, dovecot_with_postgresql: Dovecot) -> None:
    driver = open_driver(dovecot_with_postgresql, sql_password="secret-word")
    with told(ServerAway, "cannot be reached, or does not let the portal sign in"):
        driver.put_account(new_account())


def test_rights_that_are_missing(
    open_driver: Open, dovecot_with_postgresql: Dovecot, table: psycopg.Connection[Any]
) -> None:
    driver = open_driver(dovecot_with_postgresql)
    table.execute("ALTER TABLE mailbox RENAME TO mailboxes")
    try:
        with told(ServerAway, "the table “mailbox”"):
            driver.put_account(new_account())
    finally:
        table.execute("ALTER TABLE mailboxes RENAME TO mailbox")


def test_values_the_columns_have_no_room_for(
    open_driver: Open, dovecot_with_postgresql: Dovecot, table: psycopg.Connection[Any]
) -> None:
    driver = open_driver(dovecot_with_postgresql)
    table.execute("ALTER TABLE mailbox ALTER login TYPE varchar(64)")
    try:
        with told(Refused, "has no room for these values"):
            driver.put_account(new_account(login="x" * 65))
    finally:
        table.execute("ALTER TABLE mailbox ALTER login TYPE text")


def test_a_script_nobody_could_store_is_refused_before_anything_is_sent(open_driver: Open) -> None:
    with told(Refused, "characters"):
        open_driver(sieve_port=1).put_script("anna", ScriptState("\ud800", active=True))


def test_a_server_that_is_away_is_not_asked_for_every_script(open_driver: Open) -> None:
    logins = [f"example{n:04}" for n in range(200)]
    found = open_driver(sieve_port=1).read_scripts(logins, connections=3, seconds=30.0)
    assert list(found) == logins[: len(found)]
    assert len(found) < 20
    assert all(isinstance(error, ServerAway) for error in found.values())


# --- Dovecot 2.4


def test_managesieve_is_never_spoken_to_as_if_it_were_http(serve: Serve, open_driver: Open) -> None:
    """Dovecot 2.4 closes the handshake of whoever offers HTTP to ManageSieve (ALPN)."""

    def strict(line: Line) -> None:
        line.say(GREETING).answer(b"OK\r\n").shake_hands()
        if line.connection.selected_alpn_protocol() is not None:  # type: ignore[attr-defined]
            line.reset()
        line.say(CAPABILITIES + b"OK\r\n").answer(b"OK\r\n", b"OK\r\n", b"OK\r\n")

    driver = open_driver(sieve_port=serve(strict).port)
    with told(TryAgain, "not on the mail server yet"):
        driver.usage("nobody")  # over HTTP, so that a context shared with it offers it from here on
    assert driver.read_script("anna") == OFF


class DoveadmOf24:
    """Kicks, and ends in the middle of a flush."""

    def __init__(self, names: list[str]) -> None:
        self.commands: list[str] = []
        self.names = names

    def __call__(self, line: Line) -> None:
        line.shake_hands()
        is_question = line.hear().startswith(b"GET")
        size = 0
        while (header := line.hear()) not in (b"", b"\r\n"):
            if header.lower().startswith(b"content-length:"):
                size = int(header.split(b":")[1])
        if is_question:
            line.say(http(json.dumps([{"command": name} for name in self.names]).encode())).connection.close()
            return
        commands = json.loads(line.read(size))
        self.commands += [name for name, _parameters, _tag in commands]
        if "authCacheFlush" in self.commands:
            line.reset()
            return
        line.say(http(b'[["doveadmResponse", [], "0"]]')).connection.close()


def test_sessions_end_where_the_flush_ends_doveadm_itself(
    serve: Serve, open_driver: Open, account: AccountState
) -> None:
    doveadm = DoveadmOf24(["authCacheFlush", "kick"])
    port = serve(doveadm, connections=4).port
    driver = open_driver(doveadm_url=f"https://localhost:{port}")
    driver.end_sessions(account.login)
    assert doveadm.commands == ["kick", "authCacheFlush", "kick"]
    doveadm.commands.clear()
    driver.end_sessions(account.login)
    assert doveadm.commands == ["kick"]  # it is not ended once more, with a core dump each time


def test_a_flush_that_breaks_off_elsewhere_is_tried_again(
    serve: Serve, open_driver: Open, account: AccountState
) -> None:
    doveadm = DoveadmOf24(["authCacheFlush", "kick", "oldstatsDump"])
    port = serve(doveadm, connections=3).port
    with told(TryAgain, "broke off"):
        open_driver(doveadm_url=f"https://localhost:{port}").end_sessions(account.login)
    assert doveadm.commands[0] == "kick"
