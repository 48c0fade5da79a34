"""A password set through the page is nowhere afterwards: in no broker, table, file, process or mail."""

import base64
import json
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from imaplib import IMAP4, IMAP4_SSL
from pathlib import Path
from ssl import create_default_context
from urllib.parse import quote, quote_plus

import pytest
import redis
from celery import Celery
from django.core import signing

from demo.browser import Browser, Page
from demo.check import open_auto_reply, save, sign_in, wait_until_live
from demo.world import DATABASE, MailboxSignIn, World
from fleet.dovecot import Dovecot

ADDRESS = "pieter.dewit@brouwerij.test"
# Sessions, and whatever else is signed, when compressing makes it shorter.
PACKED = re.compile(rb"\.([\w-]{8,}):[\w-]+:[\w-]+$")


def canary() -> str:
    """Unmistakable, strong enough for the policy, and typed as some keyboards do: Ü as a U and two dots."""
    return unicodedata.normalize("NFD", f'canary {secrets.token_hex(12)} "Über" / & \\ sings')


class Needle:
    """A password in every form in which it could have been written down.

    A canary's digits are sought alone as well: they look the same in JSON, URLs, HTML, and what Redis prints.
    """

    def __init__(self, text: str) -> None:
        written = {unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}
        written |= set(re.findall("[0-9a-f]{24}", text))
        self.forms = frozenset(form for text in written for form in self._forms_of(text))

    @staticmethod
    def _forms_of(text: str) -> Iterator[bytes]:
        raw = text.encode()
        yield from (raw, raw[::-1], raw.hex().encode(), raw.upper(), text.encode("utf-16-le"))
        yield from (
            form.encode() for form in (json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text))
        )
        for shift in range(3):
            # What base64 makes of it wherever it begins, without the ends that depend on neighbours.
            own = slice(-(-shift * 8 // 6), -4)
            yield base64.b64encode(bytes(shift) + raw)[own]
            yield base64.urlsafe_b64encode(bytes(shift) + raw)[own]

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
                    content = part.get_payload(decode=True)
                    yield kind, content if isinstance(content, bytes) else b""
                    yield kind, "\n".join(map(str, part.values())).encode()

    @staticmethod
    def _processes() -> Iterator[tuple[str, bytes]]:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("environ", "cmdline"):
                try:
                    yield f"processes' {name}", (process / name).read_bytes()
                except OSError:
                    continue  # gone meanwhile


def rows_of(database: Path) -> Iterator[bytes]:
    """Every value of every table, and what Django has packed into some."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own table names
                for value in row:
                    heap = value if isinstance(value, bytes) else str(value).encode()
                    yield heap
                    if packed := PACKED.match(heap):
                        yield unpack(packed[1])


def unpack(packed: bytes) -> bytes:
    return zlib.decompress(base64.urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)))


@contextmanager
def monitoring(world: World) -> Iterator[bytearray]:
    """What Redis says went through it."""
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


def heard_until_now(world: World, heard: bytearray) -> bytes:
    """Redis hears last what it is told here, so all that went before is there."""
    end, last = time.monotonic() + 5, secrets.token_hex(8)
    with redis.Redis.from_url(world.redis.url) as client:
        client.echo(last)
    while last.encode() not in heard:
        assert time.monotonic() < end, "The monitor has gone deaf."
        time.sleep(0.01)
    return bytes(heard)


def change_password(world: World, user: MailboxSignIn, old: str, new: str) -> None:
    """As the user does it in the browser, until the server has it."""
    with Browser(world.url) as browser:
        sign_in(browser, user.address, old)
        page = browser.open(f"/mailboxes/{user.address}/password/")
        page = browser.submit(page, old_password=old, new_password=new, new_password_again=new)
        assert "Your new password is saved" in page.text
        wait_until_live(browser, page, page.badges[-1].change)


def make_app_password(world: World, user: MailboxSignIn, password: str) -> str:
    """As the user does it in the browser, until the server has it; its text, which no page shows again."""
    with Browser(world.url) as browser:
        sign_in(browser, user.address, password)
        listed = f"/mailboxes/{user.address}/app-passwords/"
        page = browser.submit(browser.open(listed), name="phone")
        page = browser.submit(page, step_up_proof=password)
        (text,) = re.findall("(?:[a-z2-7]{4}-){5}[a-z2-7]{4}", page.text)
        page = browser.open(listed)
        wait_until_live(browser, page, page.badges[-1].change)
        assert text not in page.text
    return text


def mistype(world: World, user: MailboxSignIn, right: str, wrong: str) -> None:
    """Everything is refused, and nothing of it comes back with the page."""
    with Browser(world.url) as browser:
        page = browser.submit(browser.open("/sign-in/"), username=user.address, password=wrong)
        assert "do not belong together" in page.text
        refused = [page]
        sign_in(browser, user.address, right)
        page = browser.open(f"/mailboxes/{user.address}/password/")
        refused.append(judged(browser, page, wrong))
        page = browser.submit(page, old_password=right, new_password=wrong, new_password_again=f"{wrong}!")
        assert "The two new passwords differ" in page.text
        refused.append(page)
    for page in refused:
        shown = [page.text, *(value for form in page.forms for value in form.values.values())]
        assert not Needle(wrong).is_in("\n".join(shown).encode())


def judged(browser: Browser, page: Page, typed: str) -> Page:
    """What the portal thinks of it, as it is asked while somebody types."""
    form = page.form_with("new_password")
    usual, form.action = form.action, "/judge-password/"
    verdict = browser.submit(page, new_password=typed)
    form.action = usual
    assert "This password: very good." in verdict.text
    return verdict


def let_the_portal_choose(world: World, user: MailboxSignIn, old: str) -> str:
    """A password that the portal made, and the server has."""
    with Browser(world.url) as browser:
        sign_in(browser, user.address, old)
        page = browser.open(f"/mailboxes/{user.address}/password/")
        page.form_with("new_password").names.add("propose")
        page = browser.submit(page, propose="1", kind="random")
        made = page.form_with("new_password").values["new_password"]
        assert made in page.text
        page = browser.submit(page, old_password=old)
        wait_until_live(browser, page, page.badges[-1].change)
    return made


def opens(world: World, user: MailboxSignIn, password: str) -> bool:
    """Whether the mail server lets somebody in who typed it on another keyboard than in the portal."""
    server = world.servers[user.server]
    tls = create_default_context(cafile=str(server.ca_file))
    sent = f"\0{user.login}\0{unicodedata.normalize('NFC', password)}".encode()
    with IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=tls) as imap:
        try:
            imap.authenticate("PLAIN", lambda _challenge: sent)
        except IMAP4.error:
            return False
        return True


@pytest.fixture(scope="module")
def user(world: World) -> MailboxSignIn:
    return next(mailbox for mailbox in world.mailboxes if mailbox.address == ADDRESS)


def test_a_password_set_through_the_page_is_left_nowhere(world, user):
    first, second, mistyped = canary(), canary(), canary()
    assert opens(world, user, user.password)
    with monitoring(world) as heard:
        change_password(world, user, user.password, first)
        mistype(world, user, first, mistyped)
        assert opens(world, user, first)
        change_password(world, user, first, second)
        app_password = make_app_password(world, user, second)
        assert opens(world, user, app_password)
        third = let_the_portal_choose(world, user, second)
        places = Places(world, heard_until_now(world, heard))
    for password in (
        *(user.password, first, second, mistyped, third),
        *(app_password, app_password.replace("-", "")),
    ):
        assert places.holding(Needle(password)) == set()
    assert heard.count(b"mailservers.tasks.push") >= 2, "The monitor did not hear the jobs."
    assert (opens(world, user, third), opens(world, user, second)) == (True, False)


def test_the_search_finds_what_is_left_on_purpose(world):
    """The same search, for a text that was put into each place: it could have found a password."""
    control = canary()
    person = next(person for person in world.people if person.login == "joost")
    address = "proeverij@brouwerij.test"
    with Browser(world.url) as browser:
        page = open_auto_reply(browser, sign_in(browser, *person.credentials), address)
        page, change = save(browser, page, enabled="on", subject="Weg", text=control)
        wait_until_live(browser, page, change)
        browser.open(f"/mailboxes/{quote(control, safe='')}/")
    server = world.server_of(address)
    server.deliver(address, mail_with(control, address), "s@outside.test")
    sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()", control]
    with (
        monitoring(world) as heard,
        job_nobody_does(world, control),
        account_with(server, control),
        subprocess.Popen(sleeper, stdin=subprocess.PIPE, env={"CONTROL": control}) as process,
    ):
        found = Places(world, heard_until_now(world, heard)).holding(Needle(control))
        process.communicate()
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


def mail_with(text: str, to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["To"] = to
    mail.set_content(text, cte="base64")
    return mail


@contextmanager
def job_nobody_does(world: World, argument: str) -> Iterator[None]:
    """A job as the web process sends them, with an argument as none of ours has."""
    with Celery(broker=world.redis.url, set_as_current=False) as sender:
        sender.send_task("nobody.does_it", args=[argument], queue="left-on-purpose")
    yield
    with redis.Redis.from_url(world.redis.url) as client:
        assert client.delete("left-on-purpose", "_kombu.binding.left-on-purpose") == 2


@contextmanager
def account_with(server: Dovecot, password: str) -> Iterator[None]:
    with closing(sqlite3.connect(server.directory / "db" / "accounts.sqlite3")) as connection:
        with connection:
            connection.execute(
                "INSERT INTO mailbox (login, address, password) VALUES ('control', 'control@x', ?)",
                [password],
            )
        yield
        with connection:
            connection.execute("DELETE FROM mailbox WHERE login = 'control'")


def test_what_django_packs_is_looked_into():
    control = canary()
    session = signing.dumps({"left": control, "on": "purpose " * 50}, compress=True, salt="s", key="k")
    (packed,) = PACKED.findall(session.encode())
    assert not Needle(control).is_in(session.encode())
    assert Needle(control).is_in(unpack(packed))


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_canary_is_found_in_base64_wherever_it_begins(before):
    canary_there, another = canary(), canary()
    heap = base64.b64encode(f"{before}{canary_there} and more".encode())
    assert Needle(canary_there).is_in(heap)
    assert not Needle(another).is_in(heap)
