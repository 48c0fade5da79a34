"""Questions to a mail server that lets everybody wait: a tarpit that drips a byte a second."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.test import Client

from accounts.models import Mailbox
from mailservers import asking
from mailservers.asking import NoAnswer, ask
from mailservers.drivers.base import ServerAway
from mailservers.drivers.imap_sign_in import ImapPlace, lets_in
from mailservers.models import Server
from mailservers.signing_in import CannotAsk, server_lets_in


@pytest.fixture(autouse=True)
def _nobody_was_asked():
    asking.forget_all()
    yield
    asking.forget_all()


@pytest.fixture
def tarpit() -> Iterator[int]:
    """The port of a server that says a byte a second, for ever."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip(line: socket.socket) -> None:
        with line, suppress(OSError):
            while not over.wait(0.2):
                line.sendall(b"*")

    def answer() -> None:
        with suppress(OSError):
            while True:
                line, _address = listening.accept()
                threading.Thread(target=drip, args=[line], daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    yield listening.getsockname()[1]
    over.set()
    listening.close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.6)
    monkeypatch.setattr("mailservers.drivers.imap_sign_in.TOTAL_SECONDS", 0.5)


@pytest.mark.parametrize("starttls", [True, False])
def test_a_server_that_drips_is_away_once_the_whole_time_is_over(tarpit, monkeypatch, starttls):
    monkeypatch.setattr("mailservers.drivers.imap_sign_in.TOTAL_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(ServerAway):
        lets_in(ImapPlace("127.0.0.1", tarpit, starttls), ssl.create_default_context(), "anna", "secret")
    assert 0.9 < time.monotonic() - began < 3


def test_few_ask_one_server_at_once_and_the_others_are_told_at_once():
    over = threading.Event()
    with ThreadPoolExecutor(8) as pages:
        asked = [pages.submit(ask, 1, lambda: over.wait(5)) for _each in range(8)]
        time.sleep(0.2)
        refused = [each for each in asked if each.done()]
        assert len(refused) == 8 - asking.AT_ONE_SERVER
        assert all(isinstance(each.exception(), NoAnswer) for each in refused)
        over.set()
    assert ask(1, lambda: "again") == "again"


def test_nor_do_many_ask_many_servers():
    over = threading.Event()
    with ThreadPoolExecutor(8) as pages:
        asked = [pages.submit(ask, number, lambda: over.wait(5)) for number in range(8)]
        time.sleep(0.2)
        assert sum(not each.done() for each in asked) == asking.AT_ALL_SERVERS
        over.set()


def test_one_that_is_late_again_and_again_is_left_in_peace(monkeypatch):
    monkeypatch.setattr(asking, "SECONDS", 0.1)
    for _each in range(asking.GIVES_UP_AFTER):
        with pytest.raises(NoAnswer):
            ask(7, lambda: time.sleep(0.2))
        time.sleep(0.15)
    with pytest.raises(NoAnswer):
        ask(7, lambda: "not asked")
    assert ask(8, lambda: "another server") == "another server"
    monkeypatch.setattr(asking.time, "monotonic", lambda now=time.monotonic: now() + 60)
    assert ask(7, lambda: "after a while") == "after a while"


def test_what_is_raised_comes_through():
    with pytest.raises(ZeroDivisionError):
        ask(1, lambda: 1 / 0)


@pytest.mark.usefixtures("quick")
def test_signing_in_says_try_again_and_goes_on(mailbox, tarpit, settings):
    Server.objects.update(kind="dovecot", imap_host="127.0.0.1", imap_port=tarpit, imap_security="starttls")
    Mailbox.objects.update(password_hash="")
    server = Server.objects.get()
    for name in (mailbox.login, "nobody"):
        with pytest.raises(CannotAsk):
            server_lets_in(server, name, "secret")
    page = Client().post("/sign-in/", {"username": mailbox.address, "password": "secret"})
    assert "Try again in a while" in page.content.decode()
