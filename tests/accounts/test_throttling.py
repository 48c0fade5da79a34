from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from accounts import account_drift, throttling
from accounts.codes import hash_of
from accounts.models import KnownDevice, Mailbox, SignInAttempt
from accounts.people import disable, set_own_password
from accounts.services import change_password
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


def test_address_and_login_are_one_account_however_they_are_written(client, mailbox):
    for name in ("anna@example.test", "ANNA@Example.Test.", "example0001", " Example0001"):
        attack(name, 3)
    sign_in(client)
    assert not is_in(client)


def known(name="anna@example.test"):
    """A browser in which the account has signed in."""
    browser = Client()
    sign_in(browser, name)
    browser.session.flush()
    return browser


def tries_until_locked(browsers, name="anna@example.test", most=200):
    """Wrong passwords until none of the browsers is let try; quarters pass in between."""
    count = 0
    while count < most:
        before = count
        for browser in browsers:
            for _each in range(10):
                if "do not belong" not in sign_in(browser, name, "wrong").content.decode():
                    break
                count += 1
        if count == before:
            return count
        SignInAttempt.objects.update(at=F("at") - timedelta(minutes=15))
    return count


def test_a_day_has_an_end_whatever_cookies_come_along(mailbox):
    # Networks have limits of their own: here each try comes from another.
    browsers = [known() for _each in range(6)]
    assert tries_until_locked(browsers) == 50


def test_from_elsewhere_and_known_browsers_together_too(mailbox):
    browser = known()
    SignInAttempt.objects.all().delete()
    assert tries_until_locked([browser, Client()]) == 150


def test_who_tries_elsewhere_all_day_locks_no_known_browser_out(mailbox):
    browser = known()
    tries_until_locked([Client()])
    sign_in(browser)
    assert is_in(browser)


def test_at_most_ten_browsers_are_known_of_a_person(mailbox):
    first = known()
    for _each in range(10):
        known()
    assert KnownDevice.objects.count() == 10
    attack()
    assert "Too many" in sign_in(first, password="wrong").content.decode()


def test_a_cookie_is_worth_nothing_once_its_browser_signed_in_again(mailbox):
    browser = known()
    copied = browser.cookies["known_device"].value
    sign_in(browser)
    thief = Client()
    thief.cookies["known_device"] = copied
    attack()
    assert "Too many" in sign_in(thief, password="wrong").content.decode()
    assert KnownDevice.objects.count() == 1


def test_a_cookie_of_mine_in_your_browser_makes_me_known_to_nobody_else(mailbox, stranger):
    Mailbox.objects.filter(owner=stranger).update(password_hash=mailbox.password_hash)
    mine = known("bert@elsewhere.test")
    planted = mine.cookies["known_device"].value
    yours = Client()
    yours.cookies["known_device"] = planted
    sign_in(yours)
    attack()
    assert "Too many" in sign_in(mine, password="wrong").content.decode()


def test_two_people_of_one_browser_are_both_known_there(mailbox, stranger):
    Mailbox.objects.filter(owner=stranger).update(password_hash=mailbox.password_hash)
    browser = known("bert@elsewhere.test")
    sign_in(browser)
    attack()
    attack("bert@elsewhere.test")
    browser.session.flush()
    assert "do not belong" in sign_in(browser, password="wrong").content.decode()
    assert "do not belong" in sign_in(browser, "bert@elsewhere.test", "wrong").content.decode()


def test_another_password_makes_all_browsers_unknown(mailbox):
    known()
    change_password(mailbox, "gravel teapot seventeen", by=mailbox.owner)
    assert not KnownDevice.objects.exists()


def test_so_does_ones_own_and_being_disabled(webmaster, operator):
    for change in (
        lambda: set_own_password(webmaster, "gravel teapot"),
        lambda: disable(webmaster, by=operator),
    ):
        KnownDevice.objects.create(person=webmaster, cookie_hash="0" * 64)
        change()
        assert not KnownDevice.objects.exists()


def test_who_knows_a_login_like_mine_has_no_tries_at_my_password(operator, mailbox):
    """A mailbox whose login is somebody's user name, from before that was refused."""
    operator.set_password("the operator's own one")
    operator.save()
    Mailbox.objects.filter(pk=mailbox.pk).update(login="olga")
    browsers = [known() for _each in range(6)]
    attack("olga")
    for browser in browsers:
        assert "Too many" in sign_in(browser, "olga", "wrong").content.decode()


def test_a_lock_is_lifted_by_hand(client, mailbox):
    attack()
    call_command("lift_lock", "ANNA@example.test")
    sign_in(client)
    assert is_in(client)


def test_of_a_name_that_is_nobodys_too(client, db):
    attack("nobody@example.test")
    call_command("lift_lock", "nobody@example.test")
    assert "do not belong" in attack("nobody@example.test", 1)


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


def test_twenty_codes_a_day_are_looked_at_in_all_whatever_cookies_come_along(rf, owner):
    browsers = [rf.post("/") for _each in range(5)]
    for number, request in enumerate(browsers[1:]):
        KnownDevice.objects.create(person=owner, cookie_hash=hash_of(f"c{number}"))
        request.COOKIES["known_device"] = f"c{number}"
    looked_at = 0
    for _quarter in range(12):
        for request in browsers * 5:
            with suppress(throttling.TooManyTries):
                throttling.begin_try(request, "code", owner)
                looked_at += 1
        SignInAttempt.objects.update(at=F("at") - timedelta(minutes=15))
    assert looked_at == 20


def test_so_does_a_password_that_was_changed_on_the_mail_server_and_is_kept(mailbox, webmaster):
    known()
    held = {name: getattr(mailbox, name) for name in account_drift.TOLD}
    account_drift.keep_account(mailbox, {**held, "password_hash": "{PLAIN}another"}, by=webmaster)
    assert not KnownDevice.objects.exists()
