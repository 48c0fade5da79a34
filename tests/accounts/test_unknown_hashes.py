"""Signing in to mailboxes whose hash only their mail server knows."""

import pytest

from accounts.models import Mailbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Server
from mailservers.signing_in import CannotAsk
from tests.conftest import PASSWORD, PASSWORD_HASH


@pytest.fixture
def asked(monkeypatch, mailbox):
    """The mailbox's hash is not known; the names the server was asked for."""
    Server.objects.update(imap_host="imap.example.test")
    Mailbox.objects.update(password_hash="")
    MemoryDriver.passwords[mailbox.login] = PASSWORD
    names = []

    def ask(server, name, password):
        names.append(name)
        return MemoryDriver.passwords.get(name) == password

    monkeypatch.setattr("accounts.backends.server_lets_in", ask)
    return names


def sign_in(client, name, password=PASSWORD):
    answer = client.post("/sign-in/", {"username": name, "password": password})
    return answer.content.decode() or answer.headers["Location"]


@pytest.mark.parametrize("name", ["anna@example.test", "example0001"])
def test_the_server_decides(client, mailbox, asked, name):
    assert sign_in(client, name) == "/"
    assert client.session["_auth_user_id"] == str(mailbox.owner.pk)


def test_a_wrong_password_is_a_wrong_one(client, asked):
    assert "do not belong together" in sign_in(client, "anna@example.test", "wrong")


COSTLY = "{SHA512-CRYPT}$6$rounds=30000000$abc$" + "a" * 86


@pytest.mark.parametrize("name", ["anna@example.test", "nobody@example.test", "example9999"])
def test_a_hash_that_costs_too_much_to_compare_counts_as_not_known(client, mailbox, asked, name):
    Mailbox.objects.update(password_hash=COSTLY)
    assert "do not belong together" in sign_in(client, name, "wrong")
    assert len(asked) == 1
    assert sign_in(client, "anna@example.test") == "/"


@pytest.mark.parametrize("name", ["nobody@example.test", "example9999"])
def test_it_is_asked_for_names_that_nobody_has_too_so_that_time_tells_nothing(client, asked, name):
    assert "do not belong together" in sign_in(client, name, "wrong")
    assert asked == [name]


def test_it_is_asked_nothing_where_all_hashes_are_known(client, mailbox, asked):
    Mailbox.objects.update(password_hash=PASSWORD_HASH)
    sign_in(client, "anna@example.test", "wrong")
    assert asked == []


def test_what_it_says_of_a_mailbox_with_a_known_hash_does_not_count(client, mailbox, asked, stranger):
    Mailbox.objects.filter(pk=mailbox.pk).update(password_hash=PASSWORD_HASH)
    Mailbox.objects.filter(owner=stranger).update(domain=mailbox.domain)
    MemoryDriver.passwords[mailbox.login] = "set without the portal"
    assert "do not belong together" in sign_in(client, "anna@example.test", "set without the portal")


def test_a_server_that_is_away_is_told_and_is_no_wrong_password(client, asked, monkeypatch):
    def away(*_arguments):
        raise CannotAsk

    monkeypatch.setattr("accounts.backends.server_lets_in", away)
    for name in ("anna@example.test", "nobody@example.test"):
        assert "cannot be reached" in sign_in(client, name)


def test_stepping_up_asks_it_as_well(client, asked):
    sign_in(client, "anna@example.test")
    answer = client.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    assert answer.headers["Location"] == "/account/"


def test_stepping_up_tells_when_it_is_away(client, asked, monkeypatch):
    sign_in(client, "anna@example.test")
    # Signing in has made it known.
    Mailbox.objects.update(password_hash="")

    def away(*_arguments):
        raise CannotAsk

    monkeypatch.setattr("accounts.backends.server_lets_in", away)
    answer = client.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    assert "cannot be reached" in answer.content.decode()
