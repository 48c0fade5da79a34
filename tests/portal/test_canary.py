"""A password set through the page is nowhere afterwards: in no broker, table, file, process or mail."""

import base64
import json
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from imaplib import IMAP4, IMAP4_SSL
from pathlib import Path
from ssl import create_default_context
from urllib.parse import quote, quote_plus

import pytest
import redis

from demo.browser import Browser
from demo.check import open_auto_reply, save, sign_in, wait_until_live
from demo.world import DATABASE, MailboxSignIn, World

ADDRESS = "pieter.dewit@brouwerij.test"


def canary() -> str:
    """Unmistakable, and strong enough for the policy."""
    return f"canary {secrets.token_hex(12)} / & sings"


class Needle:
    """A text in every form in which it could have been written down."""

    def __init__(self, text: str) -> None:
        raw = text.encode()
        forms = {raw, json.dumps(text)[1:-1].encode(), quote(text).encode(), quote(text, safe="").encode()}
        forms |= {quote_plus(text).encode(), raw.hex().encode(), raw[::-1]}
        for shift in range(3):
            # What base64 makes of it wherever it begins, without the ends that depend on neighbours.
            encoded = base64.b64encode(bytes(shift) + raw)
            forms.add(encoded[-(-shift * 8 // 6) : len(encoded) - 4])
            forms.add(base64.urlsafe_b64encode(bytes(shift) + raw)[-(-shift * 8 // 6) : len(encoded) - 4])
        self.forms = frozenset(forms)

    def is_in(self, heap: bytes) -> bool:
        return any(form in heap for form in self.forms)


class Places:
    """Everywhere a secret could have been left."""

    def __init__(self, world: World, monitored: bytes) -> None:
        self.world = world
        self.monitored = monitored

    def holding(self, needle: Needle) -> set[str]:
        """The kinds of places where it is."""
        return {kind for kind, heap in self._heaps() if needle.is_in(heap)}

    def _heaps(self) -> Iterator[tuple[str, bytes]]:
        yield "what went through Redis", self.monitored
        yield from (("Redis", heap) for heap in self._redis())
        yield from (("the portal's tables", heap) for heap in rows_of(self.world.directory / DATABASE))
        for server in self.world.servers.values():
            accounts = server.directory / "db" / "accounts.sqlite3"
            yield from (("Dovecot's tables", heap) for heap in rows_of(accounts))
        yield from self._files()
        yield from self._processes()

    def _redis(self) -> Iterator[bytes]:
        with redis.Redis.from_url(self.world.redis.url) as client:
            for key in client.scan_iter():
                yield key
                match client.type(key):
                    case b"string":
                        yield client.get(key)
                    case b"list":
                        yield from client.lrange(key, 0, -1)
                    case b"set":
                        yield from client.smembers(key)
                    case b"zset":
                        yield from client.zrange(key, 0, -1)
                    case b"hash":
                        yield from (part for pair in client.hgetall(key).items() for part in pair)
                    case kind:
                        raise AssertionError(f"a {kind!r} in Redis: say how it is read")

    def _files(self) -> Iterator[tuple[str, bytes]]:
        roots = [self.world.directory, *(server.directory for server in self.world.servers.values())]
        for path in {path.resolve() for root in roots for path in root.rglob("*") if path.is_file()}:
            heap = path.read_bytes()
            kind = (
                "mails" if path.parent.name in ("new", "cur") else "logs" if ".log" in path.name else "files"
            )
            yield kind, heap
            if kind == "mails":
                for part in message_from_bytes(heap, policy=policy.default).walk():
                    yield kind, part.get_payload(decode=True) or b""

    @staticmethod
    def _processes() -> Iterator[tuple[str, bytes]]:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("environ", "cmdline"):
                try:
                    yield f"processes' {name}", (process / name).read_bytes()
                except OSError:
                    continue  # gone meanwhile


def rows_of(database: Path) -> Iterator[bytes]:
    """Every value of every table."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own table names
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


@contextmanager
def monitoring(world: World) -> Iterator[bytearray]:
    """What Redis says went through it, as it said it; unescaped quotes apart."""
    heard = bytearray()
    with socket.create_connection(("127.0.0.1", world.redis.port)) as line:
        line.sendall(f"AUTH {world.redis.password}\r\nMONITOR\r\n".encode())
        ready = threading.Event()

        def listen() -> None:
            while data := line.recv(65536):
                heard.extend(data)
                if heard.count(b"+OK") >= 2:
                    ready.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        assert ready.wait(5)
        yield heard
        line.shutdown(socket.SHUT_RDWR)
        listener.join(5)


def change_password(world: World, user: MailboxSignIn, old: str, new: str) -> None:
    """As the user does it in the browser, until the server has it."""
    with Browser(world.url) as browser:
        sign_in(browser, user.address, old)
        page = browser.open(f"/mailboxes/{user.address}/password/")
        page = browser.submit(page, old_password=old, new_password=new, new_password_again=new)
        assert "Your new password is saved" in page.text
        wait_until_live(browser, page, page.badges[-1].change)


def opens(world: World, user: MailboxSignIn, password: str) -> bool:
    server = world.servers[user.server]
    tls = create_default_context(cafile=str(server.ca_file))
    with IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=tls) as imap:
        try:
            imap.login(user.login, password)
        except IMAP4.error:
            return False
        return True


@pytest.fixture(scope="module")
def user(world: World) -> MailboxSignIn:
    return next(mailbox for mailbox in world.mailboxes if mailbox.address == ADDRESS)


def test_a_password_set_through_the_page_is_left_nowhere(world, user):
    first, second = canary(), canary()
    with monitoring(world) as heard:
        change_password(world, user, user.password, first)
        change_password(world, user, first, second)
    places = Places(world, bytes(heard))
    assert places.holding(Needle(first)) == set()
    assert places.holding(Needle(second)) == set()
    assert b"server." in heard, "The monitor heard no job at all."
    assert (opens(world, user, second), opens(world, user, first)) == (True, False)


def test_the_search_finds_what_is_left_on_purpose(world, user):
    """The same search, for a text that was put into each place: it could have found a password."""
    control = canary()
    person = next(person for person in world.people if person.login == "joost")
    address = "proeverij@brouwerij.test"
    with monitoring(world) as heard:
        with Browser(world.url) as browser:
            page = open_auto_reply(browser, sign_in(browser, person.login, person.password), address)
            page, change = save(browser, page, enabled="on", subject="Weg", text=control)
            wait_until_live(browser, page, change)
            browser.open(f"/mailboxes/{quote(control, safe='')}/")
        with redis.Redis.from_url(world.redis.url) as client:
            client.set("left on purpose", control)
    server = world.server_of(address)
    accounts = server.directory / "db" / "accounts.sqlite3"
    with closing(sqlite3.connect(accounts)) as connection, connection:
        connection.execute(
            "INSERT INTO mailbox (login, address, password) VALUES ('control', 'control@x', ?)", [control]
        )
    server.deliver(address, f"To: {address}\r\nSubject: x\r\n\r\n{control}\r\n".encode(), "s@outside.test")
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()", control]
    with subprocess.Popen(sleeper, stdin=subprocess.PIPE, env={"CONTROL": control}) as process:
        found = Places(world, bytes(heard)).holding(Needle(control))
        process.communicate()
    with redis.Redis.from_url(world.redis.url) as client:
        client.delete("left on purpose")
    assert found == {
        "what went through Redis",
        "Redis",
        "the portal's tables",
        "Dovecot's tables",
        "files",
        "mails",
        "logs",
        "processes' environ",
        "processes' cmdline",
    }


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_needle_is_found_in_base64_wherever_it_begins(before):
    needle = Needle("canary in a mine")
    assert needle.is_in(base64.b64encode(f"{before}canary in a mine and more".encode()))
    assert not needle.is_in(base64.b64encode(f"{before}no bird in a mine and more".encode()))
