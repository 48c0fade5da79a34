"""The look-up among leaked passwords, against a server of the tests' own."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from accounts.leaked_passwords import CannotTell, is_leaked
from accounts.models import Mailbox
from tests.conftest import PASSWORD

LEAKED, NEW = "gravel teapot eighteen", "gravel teapot seventeen"
URL = "/mailboxes/anna@example.test/password/"


def digest_of(clear: str) -> str:
    return hashlib.sha1(clear.encode(), usedforsecurity=False).hexdigest().upper()


class Ranges(BaseHTTPRequestHandler):
    """Answers as Have I Been Pwned does: what follows the five digits asked for, and how often it leaked."""

    asked: ClassVar[list[str]] = []
    answer: ClassVar[tuple[int, str]] = (200, "")

    def do_GET(self) -> None:
        self.asked.append(self.requestline + str(self.headers))
        status, text = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/range"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def ranges(address, settings) -> type[Ranges]:
    settings.LEAKED_PASSWORDS_URL = address
    Ranges.asked.clear()
    padding = "0018A45C4D1DEF81644B54AB7F969B88D65:0"
    Ranges.answer = (200, f"{padding}\r\n{digest_of(LEAKED)[5:]}:384\r\n{digest_of(NEW)[5:]}:0\r\n")
    return Ranges


@pytest.fixture
def change(client, mailbox):
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")

    def change(new):
        typed = {"old_password": PASSWORD, "new_password": new, "new_password_again": new}
        return client.post(URL, typed, follow=True).content.decode()

    return change


def test_only_five_digits_leave_the_portal(ranges):
    assert is_leaked(LEAKED)
    assert len(ranges.asked) == 1
    assert f"GET /range/{digest_of(LEAKED)[:5]} " in ranges.asked[0]
    assert digest_of(LEAKED)[5:] not in ranges.asked[0].upper()
    assert "Add-Padding: true" in ranges.asked[0]


def test_what_is_only_padding_is_not_leaked(ranges):
    assert not is_leaked(NEW)


def test_a_leaked_one_is_refused(change, ranges):
    assert "in a list of leaked ones" in change(LEAKED)


@pytest.mark.parametrize("answer", [(503, ""), (301, ""), (200, "x" * 600_000), (200, "é")])
def test_a_list_that_is_away_is_told_and_stops_nobody(change, ranges, answer):
    ranges.answer = answer
    before = Mailbox.objects.get().password_hash
    page = change(NEW)
    assert "Your new password is saved" in page
    assert "could not be looked up" in page
    assert Mailbox.objects.get().password_hash != before


def test_nobody_listening_is_found_out_at_once(settings):
    settings.LEAKED_PASSWORDS_URL = "http://127.0.0.1:9/range"
    with pytest.raises(CannotTell):
        is_leaked(NEW)


def test_nothing_is_asked_while_it_is_off_or_somebody_types(client, mailbox, ranges, settings, change):
    client.post("/judge-password/", {"new_password": LEAKED, "mailbox": mailbox.address})
    settings.LEAKED_PASSWORDS_URL = ""
    assert "saved" in change(LEAKED)
    assert ranges.asked == []
