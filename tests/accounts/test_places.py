"""What trying costs: few at once, and who finds no place is told to come back."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client

from accounts import passwords, places
from accounts.models import KnownDevice, SignInAttempt
from accounts.places import Busy, Places
from tests.conftest import PASSWORD


def sign_in(client, password=PASSWORD):
    return client.post("/sign-in/", {"username": "anna@example.test", "password": password})


@pytest.fixture
def real_hashes(settings):
    settings.PASSWORD_HASHERS = ["accounts.hashers.PeoplesHasher"]


@pytest.fixture
def full(monkeypatch):
    """No place is free for browsers in which nobody signed in before."""
    none = Places(1, waiting=1, seconds=0.05)
    monkeypatch.setattr("accounts.signing_in.UNKNOWN_BROWSERS", none)
    with none.one():
        yield


def test_so_many_at_once_and_few_wait():
    some, over = Places(2, waiting=1, seconds=0.3), threading.Event()

    def work():
        with some.one():
            over.wait(5)

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(work) for _each in range(8)]
        time.sleep(0.1)
        assert sum(each.done() for each in jobs) == 5  # two are in, one waits
        time.sleep(0.4)
        assert sum(each.done() for each in jobs) == 6
        over.set()
    assert sum(isinstance(each.exception(), Busy) for each in jobs) == 6
    with some.one():
        pass


def test_who_waits_gets_the_next_place():
    some = Places(1, waiting=1, seconds=2)

    def work():
        with some.one():
            time.sleep(0.1)

    with ThreadPoolExecutor(2) as pool:
        assert [each.result() for each in [pool.submit(work), pool.submit(work)]] == [None, None]


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_with_no_place_signing_in_says_so_and_when_to_come_back(client, mailbox, password):
    page = sign_in(client, password)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Nothing was looked at" in page.content.decode()
    assert 'value="anna@example.test"' in page.content.decode()
    assert not SignInAttempt.objects.exists()


def test_strangers_take_the_places_of_known_browsers_from_nobody(client, mailbox, full):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("accounts.signing_in.UNKNOWN_BROWSERS", Places(1, waiting=1, seconds=1))
        sign_in(client)
    assert KnownDevice.objects.exists()
    client.session.flush()
    assert sign_in(client).status_code == 302
    assert sign_in(Client()).status_code == 503


def test_elsewhere_a_page_asks_to_come_back(client, mailbox, monkeypatch):
    client.force_login(mailbox.owner)
    none = Places(1, waiting=1, seconds=0.05)
    monkeypatch.setattr("accounts.passwords.HASHING", none)
    with none.one():
        page = client.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "Wait a few seconds" in page.content.decode()


@pytest.mark.usefixtures("real_hashes")
def test_peoples_passwords_take_as_much_memory_as_mailboxes():
    assert "m=19456,t=2,p=1" in make_password("gravel teapot")


@pytest.mark.usefixtures("real_hashes")
def test_an_older_hash_is_made_anew_at_a_sign_in_and_by_nothing_else(client, webmaster, settings):
    webmaster.password = Argon2PasswordHasher().encode(PASSWORD, "saltsaltsalt")
    webmaster.save()
    assert check_password(PASSWORD, webmaster.password)
    client.force_login(webmaster)
    client.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    webmaster.refresh_from_db()
    assert "m=102400" in webmaster.password
    Client().post("/sign-in/", {"username": webmaster.username, "password": PASSWORD})
    webmaster.refresh_from_db()
    assert "m=19456" in webmaster.password


def test_hashing_is_bounded_wherever_it_is_done(monkeypatch):
    none = Places(1, waiting=1, seconds=0.01)
    monkeypatch.setattr("accounts.passwords.HASHING", none)
    with none.one():
        with pytest.raises(Busy):
            passwords.hash_password("gravel")
        with pytest.raises(Busy):
            passwords.matches("gravel", "")
    assert places.HASHING is not none
