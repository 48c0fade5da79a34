"""Staff and webmasters change the password they sign in with."""

import pytest
from django.test import Client

from accounts import passwords
from accounts.models import EarlierPassword, KnownDevice
from accounts.people import set_own_password
from audit.models import Event
from tests.conftest import PASSWORD

URL = "/account/password/"
NEW = "gravel teapot seventeen"


@pytest.fixture
def olga(client, operator):
    operator.set_password(PASSWORD)
    operator.save()
    client.force_login(operator, "accounts.backends.PersonBackend")
    return client


@pytest.fixture
def typed():
    return {"old_password": PASSWORD, "new_password": NEW, "new_password_again": NEW}


def test_the_new_one_holds_and_they_stay_signed_in_here_alone(olga, operator, typed):
    elsewhere = Client()
    elsewhere.force_login(operator, "accounts.backends.PersonBackend")
    KnownDevice.objects.create(person=operator, cookie_hash="somewhere else")
    assert "Everywhere else you are signed out" in olga.post(URL, typed, follow=True).content.decode()
    operator.refresh_from_db()
    assert operator.check_password(NEW)
    assert olga.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert not KnownDevice.objects.filter(cookie_hash="somewhere else").exists()
    assert Event.objects.get(verb="person.password_changed").by == operator


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("old_password", "wrong", "This is not the current password."),
        ("new_password", "olga1234", "around your name"),
        ("new_password", PASSWORD, "The two new passwords differ."),
    ],
)
def test_bad_input_is_told_and_changes_nothing(olga, operator, typed, field, value, sentence):
    assert sentence in olga.post(URL, typed | {field: value}).content.decode()
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


def test_the_old_one_cannot_be_guessed_for_ever(olga, typed, monkeypatch):
    for _each in range(11):
        page = olga.post(URL, typed | {"old_password": "wrong"}).content.decode()
    assert "Too many tries" in page
    assert "Too many tries" in olga.post(URL, typed).content.decode()


def test_the_last_ones_cannot_be_chosen_again(olga, operator, typed):
    set_own_password(operator, "another teapot, of clay")
    set_own_password(operator, NEW)
    olga.force_login(operator, "accounts.backends.PersonBackend")
    for old in (PASSWORD, "another teapot, of clay"):
        again = {"old_password": NEW, "new_password": old, "new_password_again": old}
        assert "had this password before" in olga.post(URL, again).content.decode()


def test_of_a_mailbox_too_and_only_so_many_are_kept(client, mailbox, settings):
    settings.PASSWORD_HISTORY = 2
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")
    for number in range(12):
        EarlierPassword.objects.create(mailbox=mailbox, password_hash=f"{{ARGON2ID}}older {number}")

    def change(old, new):
        typed = {"old_password": old, "new_password": new, "new_password_again": new}
        return client.post("/mailboxes/anna@example.test/password/", typed).content.decode()

    change(PASSWORD, NEW)
    assert EarlierPassword.objects.count() == 10
    assert "had this password before" in change(NEW, PASSWORD)
    mailbox.refresh_from_db()
    assert passwords.matches(NEW, mailbox.password_hash)
