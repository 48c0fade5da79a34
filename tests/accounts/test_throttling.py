from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models import F
from django.test import Client

from accounts.models import SignInAttempt
from accounts.signing_in import WRONG_AFTER_SECONDS
from tests.conftest import PASSWORD

NAMES = ["anna@example.test", "nobody@example.test"]


def sign_in(client, name="anna@example.test", password=PASSWORD, **extra):
    return client.post("/sign-in/", {"username": name, "password": password}, **extra)


def is_in(client) -> bool:
    return "_auth_user_id" in client.session


def attack(name="anna@example.test", times=11, **extra):
    """Wrong passwords from elsewhere; the last page."""
    for number in range(times):
        page = sign_in(Client(), name, f"wrong {number}", **extra)
    return page.content.decode()


@pytest.mark.parametrize("name", NAMES)
def test_after_ten_wrong_ones_it_says_when_to_try_again_whether_there_is_such_a_name_or_not(mailbox, name):
    assert "do not belong together" in attack(name, 10)
    assert "Too many tries. Try again in 15 minutes." in attack(name, 1)


def test_then_even_the_right_one_does_not_open_in_a_new_browser(client, mailbox):
    attack()
    sign_in(client)
    assert not is_in(client)


def test_a_device_that_is_known_is_not_locked_out(client, mailbox):
    sign_in(client)
    client.post("/sign-out/")
    attack(times=30)
    sign_in(client)
    assert is_in(client)


def test_a_known_device_is_counted_by_itself(client, mailbox):
    sign_in(client)
    client.post("/sign-out/")
    for _each in range(11):
        page = sign_in(client, password="wrong")
    assert "Too many tries" in page.content.decode()


def test_the_cookie_of_one_person_helps_nobody_at_another(client, mailbox, stranger, webmaster):
    sign_in(client)
    client.post("/sign-out/")
    webmaster.set_password(PASSWORD)
    webmaster.save()
    for _each in range(11):
        page = sign_in(client, "willem", "wrong")
    assert "Too many tries" in page.content.decode()


def test_a_cookie_that_we_did_not_make_is_not_taken(client, mailbox):
    client.cookies["known_device"] = "planted"
    sign_in(client)
    assert client.cookies["known_device"].value != "planted"


def test_one_address_cannot_try_many_names(mailbox):
    for number in range(61):
        page = sign_in(Client(), f"name{number}@example.test", "wrong")
    assert "Too many tries" in page.content.decode()


@pytest.mark.parametrize(("other", "is_stopped"), [("2001:db8::2", True), ("2001:db8:0:1::1", False)])
def test_ipv6_counts_by_network(mailbox, other, is_stopped):
    for number in range(60):
        sign_in(Client(), f"name{number}@example.test", "wrong", REMOTE_ADDR="2001:db8::1")
    page = sign_in(Client(), "another@example.test", "wrong", REMOTE_ADDR=other)
    assert ("Too many tries" in page.content.decode()) is is_stopped


def test_it_is_over_after_a_quarter_of_an_hour(client, mailbox):
    attack()
    SignInAttempt.objects.update(at=F("at") - timedelta(minutes=15))
    sign_in(client)
    assert is_in(client)


def test_right_ones_do_not_count(mailbox):
    for _each in range(12):
        client = Client()
        sign_in(client)
    assert is_in(client)
    assert not SignInAttempt.objects.exists()


def test_what_is_typed_as_name_is_not_kept_in_clear(client, mailbox):
    sign_in(client, "my-secret-password", "anna@example.test")
    assert "my-secret" not in str(list(SignInAttempt.objects.values()))


def test_wrong_ones_are_told_after_the_same_time(client, mailbox, monkeypatch):
    slept = []
    monkeypatch.setattr("accounts.signing_in.WRONG_AFTER_SECONDS", WRONG_AFTER_SECONDS)
    # A clock for this module alone: others look at theirs whenever they like.
    clock = SimpleNamespace(sleep=slept.append, monotonic=iter([10.0, 10.2, 20.0, 20.4]).__next__)
    monkeypatch.setattr("accounts.signing_in.time", clock)
    for name in NAMES:
        sign_in(client, name, "wrong")
    assert slept == pytest.approx([WRONG_AFTER_SECONDS - 0.2, WRONG_AFTER_SECONDS - 0.4])
