"""One's own recovery address."""

import re

import pytest
from django.core import mail

from accounts import recovery
from accounts.models import OneTimeLink, Person
from accounts.services import change_password
from accounts.tasks import look_after_password_requests, mail_notices
from audit.models import Event
from mailservers.drivers.memory import MemoryDriver
from tests.conftest import PASSWORD, follow

URL = "/mailboxes/anna@example.test/recovery/"


@pytest.fixture
def anna(client, mailbox):
    """With the password given again just now."""
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")
    client.post("/sign-in/again/", {"next": "/", "step_up_proof": PASSWORD})
    return client


def wish(client, address, url=URL):
    return client.post(url, {"recovery_address": address}, follow=True).content.decode()


def code_in_mail() -> str:
    look_after_password_requests()
    (code,) = re.findall(r"/confirm-address/#([\w-]+)", str(mail.outbox[-1].body))
    return str(code)


def test_it_counts_once_somebody_there_has_said_yes(anna, mailbox, client, committed):
    assert "A link is on its way to anna@home.test." in wish(anna, "anna@home.test")
    mailbox.refresh_from_db()
    assert mailbox.recovery_address == ""
    assert "anna@home.test</bdi> was asked" in anna.get(URL).content.decode()
    code = code_in_mail()
    assert mail.outbox[-1].to == ["anna@home.test"]
    assert "Is this your address?" in follow(client, f"/confirm-address/#{code}").content.decode()
    with committed():
        assert "Thank you" in follow(client, f"/confirm-address/#{code}", pressed="yes").content.decode()
    mailbox.refresh_from_db()
    assert mailbox.recovery_address == "anna@home.test"
    assert mailbox.login in MemoryDriver.accounts
    assert follow(client, f"/confirm-address/#{code}", pressed="yes").status_code == 404
    event = Event.objects.get(verb="recovery.changed")
    assert (event.by, event.after) == (mailbox.owner, {"recovery_address": "anna@home.test"})


def test_the_address_before_is_told(anna, mailbox):
    mailbox.recovery_address = "old@home.test"
    mailbox.save()
    wish(anna, "new@home.test")
    recovery.confirm_address(code_in_mail())
    mail.outbox.clear()
    mail_notices()
    assert {each.to[0] for each in mail.outbox} == {"anna@example.test", "old@home.test", "new@home.test"}


def test_it_is_asked_whether_it_is_still_them(client, mailbox):
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")
    assert "Is it still you?" in wish(client, "anna@home.test")
    assert not OneTimeLink.objects.exists()


def test_it_can_be_taken_away(anna, mailbox):
    mailbox.recovery_address = "old@home.test"
    mailbox.save()
    wish(anna, "new@home.test")
    assert "There is no recovery address any more." in wish(anna, "")
    mailbox.refresh_from_db()
    assert mailbox.recovery_address == ""
    assert not OneTimeLink.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("anna@example.test", "This is the mailbox itself"),
        ("no address", "is not a mail address"),
    ],
)
def test_bad_input_is_told(anna, typed, sentence):
    page = wish(anna, typed)
    assert sentence in page
    assert f'value="{typed}"' in page


def test_nobody_is_pestered(anna, mailbox):
    for number in range(recovery.ASKED_A_DAY):
        wish(anna, f"anna{number}@home.test")
    assert "Try again tomorrow" in wish(anna, "anna@home.test")


def test_another_password_ends_the_link(anna, mailbox, client):
    wish(anna, "anna@home.test")
    code = code_in_mail()
    change_password(mailbox, "gravel teapot seventeen", by=mailbox.owner)
    assert follow(client, f"/confirm-address/#{code}").status_code == 404


def test_staff_change_theirs_the_same_way(client, operator):
    operator.set_password(PASSWORD)
    operator.save()
    client.force_login(operator, "accounts.backends.PersonBackend")
    client.post("/sign-in/again/", {"next": "/", "step_up_proof": PASSWORD})
    wish(client, "olga@home.test", "/account/recovery/")
    follow(client, f"/confirm-address/#{code_in_mail()}", pressed="yes")
    assert Person.objects.get(pk=operator.pk).email == "olga@home.test"
