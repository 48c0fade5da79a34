import pytest
from django.test import Client

from accounts import passwords
from accounts.models import Mailbox
from audit.models import Event
from mailservers.drivers.memory import MemoryDriver
from tests.conftest import PASSWORD

URL = "/mailboxes/anna@example.test/password/"
NEW = "gravel teapot seventeen"


@pytest.fixture
def typed():
    return {"old_password": PASSWORD, "new_password": NEW, "new_password_again": NEW}


@pytest.fixture
def anna(client, mailbox):
    client.post("/sign-in/", {"username": "anna@example.test", "password": PASSWORD})
    return client


def test_the_server_gets_the_hash_of_the_new_password(anna, typed, committed):
    with committed():
        anna.post(URL, typed)
    assert passwords.matches(NEW, MemoryDriver.accounts["example0001"].password_hash)


def test_the_page_then_says_live(anna, typed, committed):
    with committed():
        anna.post(URL, typed)
    assert 'data-state="live"' in anna.get(URL).content.decode()


def test_the_person_stays_signed_in_here_and_is_signed_out_elsewhere(anna, typed, mailbox):
    elsewhere = Client()
    elsewhere.post("/sign-in/", {"username": "example0001", "password": PASSWORD})
    anna.post(URL, typed)
    assert anna.get(URL).status_code == 200
    assert elsewhere.get(URL).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("old_password", "wrong", "This is not the current password."),
        ("new_password", "short", "at least 8 characters"),
        ("new_password", "example0001", "around your name"),
        ("new_password", "Jansen2026", "around your name"),
        ("new_password", "password1234", "Too easy to guess"),
        ("new_password", "x" * 1025, "at most 1024 bytes"),
        ("new_password", "gravel\nteapot seventeen", "line breaks"),
        ("new_password_again", "something else", "The two new passwords differ."),
    ],
)
def test_bad_input_is_told_and_changes_nothing(anna, typed, field, value, sentence):
    before = Mailbox.objects.get().password_hash
    answer = anna.post(URL, typed | {field: value})
    assert sentence in answer.content.decode()
    assert Mailbox.objects.get().password_hash == before


def test_the_old_password_is_no_new_one(anna, typed):
    answer = anna.post(URL, typed | {"new_password": PASSWORD, "new_password_again": PASSWORD})
    assert "This is the current password" in answer.content.decode()


def test_no_typed_password_comes_back_in_the_page(anna, typed):
    page = anna.post(URL, typed | {"new_password_again": "gravel teapot eighteen"}).content.decode()
    assert NEW not in page
    assert PASSWORD not in page


def test_the_chain_tells_who_and_keeps_no_hash(anna, typed, owner):
    anna.post(URL, typed)
    event = Event.objects.get(verb="mailbox.password_changed")
    assert (event.by, event.before, event.after) == (owner, None, None)


def test_nobody_sets_somebody_elses_password(client, mailbox, webmaster, typed):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    assert client.get(URL).status_code == 404
    assert client.post(URL, typed).status_code == 404
