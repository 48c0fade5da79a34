"""Mails about what a thief would do, and what their link *this was not me* does."""

import re
import smtplib

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from nacl.public import PrivateKey

from accounts import app_passwords, freezing, notices, second_factors
from accounts.lifecycle import edit_mailbox
from accounts.models import Mailbox, Notice, OneTimeLink, Person, RedirectAlarm
from accounts.one_time_links import CHOOSE_PASSWORD, find_link, make_link
from accounts.people import set_own_password
from accounts.services import change_password
from audit.chain import record
from audit.models import Event
from mailservers.drivers.base import Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Observation, SealedPassword
from mailservers.outbox import request_push
from tests.conftest import PASSWORD, follow, step_up
from tests.factors import add_app
from vacation.forwarding import answer, save_forwarding
from vacation.models import Forwarding

NEW = "gravel teapot seventeen"
PAGE = "/mailboxes/anna@example.test/"


@pytest.fixture
def anna(mailbox) -> Mailbox:
    mailbox.recovery_address = "anna@home.test"
    mailbox.save()
    request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    return mailbox


def sent() -> dict[str, str]:
    """What has been mailed since, by reader."""
    mail.outbox.clear()
    notices.mail_notices()
    return {each.to[0]: f"{each.subject}\n{each.body}" for each in mail.outbox}


def link_in(text) -> str:
    (link,) = re.findall(r"http://testserver(/not-me/#[\w-]+)", text)
    return str(link)


def press(client, link):
    return follow(client, link, pressed="yes")


def test_a_new_password_is_told_at_the_mailbox_and_elsewhere(anna, owner):
    change_password(anna, NEW, by=owner)
    mails = sent()
    assert set(mails) == {"anna@example.test", "anna@home.test"}
    assert "The password of anna@example.test was changed" in mails["anna@home.test"]
    assert link_in(mails["anna@home.test"]) != link_in(mails["anna@example.test"])
    assert sent() == {}


def test_the_first_password_is_no_news(anna, owner):
    anna.password_hash = ""
    change_password(anna, NEW, by=owner)
    assert sent() == {}


def test_a_recovery_address_changed_by_the_webmaster_is_told_where_it_was(anna, webmaster):
    seen = {"recovery_address": "anna@home.test"}
    edit_mailbox(anna, {"recovery_address": "thief@bad.test"}, seen=seen, by=webmaster)
    mails = sent()
    assert set(mails) == {"anna@example.test", "anna@home.test", "thief@bad.test"}
    assert "is now thief@bad.test" in mails["anna@home.test"]
    assert "By: willem" in mails["anna@home.test"]


def test_second_factors_and_recovery_codes_of_a_mailbox_user_are_told(anna, owner):
    device = add_app(owner)
    # The first ones come with the first factor.
    second_factors.make_recovery_codes(owner)
    assert not Notice.objects.exists()
    second_factors.make_recovery_codes(owner)
    second_factors.remove_device(owner, device)
    mails = [f"{notice.kind} {notice.mail_to}" for notice in Notice.objects.order_by("pk")]
    assert mails == [
        "recovery-codes anna@example.test",
        "recovery-codes anna@home.test",
        "factor-removed anna@example.test",
        "factor-removed anna@home.test",
    ]


def test_a_new_way_out_for_mail_is_told_and_one_that_was_there_is_not(anna, owner):
    forwarding = Forwarding(mailbox=anna, enabled=True)
    save_forwarding(forwarding, ["bea@example.test", "x@outside.test"], seen_version=0, by=owner)
    assert "is to be forwarded to x@outside.test" in sent()["anna@home.test"]
    save_forwarding(forwarding, ["x@outside.test"], seen_version=1, by=owner)
    assert sent() == {}


def test_what_could_not_be_sent_is_tried_again(anna, owner, monkeypatch):
    change_password(anna, NEW, by=owner)

    def away(*_arguments, **_more):
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", away)
        assert sent() == {}
    Notice.objects.update(mail_due_at=timezone.now())
    assert len(sent()) == 2


def test_looking_at_the_link_does_nothing(anna, owner, client):
    change_password(anna, NEW, by=owner)
    page = follow(client, link_in(sent()["anna@home.test"])).content.decode()
    assert "Was this not you?" in page
    assert Mailbox.objects.get().frozen_at is None


def test_its_button_shuts_everybody_out_and_lets_no_mail_leave(anna, owner, client, committed, webmaster):
    Person.objects.filter(pk=webmaster.pk).update(email="willem@hoster.test")
    thief = Client()
    thief.post("/sign-in/", {"username": "anna@example.test", "password": PASSWORD})
    own_link = make_link(CHOOSE_PASSWORD, anna, by=owner).partition("#")[2]
    with committed():
        forwarding = Forwarding(mailbox=anna, enabled=True)
        save_forwarding(forwarding, ["bea@example.test", "x@outside.test"], seen_version=0, by=owner)
        answer(forwarding.targets.get(address="x@outside.test"), agrees=True)
    app_passwords.AppPassword.objects.create(mailbox=anna, name="phone", selector="abcd", password_hash="x")
    mails = sent()
    with committed():
        page = press(client, link_in(mails["anna@home.test"])).content.decode()
    assert "It is done" in page
    assert "Choose a new password now" in page
    assert thief.get(PAGE).status_code == 302
    assert anna.login in MemoryDriver.ended_sessions
    assert not anna.app_passwords.exists()
    assert find_link(CHOOSE_PASSWORD, own_link) is None
    assert "bea@example.test" in MemoryDriver.scripts[anna.login].text
    assert "x@outside.test" not in MemoryDriver.scripts[anna.login].text
    assert "somebody else changed something" in sent()["willem@hoster.test"]
    assert Event.objects.get(verb="mailbox.not_me").after == {"notice": "forwarding"}


@pytest.fixture
def frozen(anna) -> Mailbox:
    freezing.freeze(anna, kind="password")
    anna.refresh_from_db()
    return anna


def test_a_link_works_once_and_not_for_ever(anna, owner, client):
    change_password(anna, NEW, by=owner)
    mails = sent()
    first, second = (link_in(mails[reader]) for reader in ("anna@home.test", "anna@example.test"))
    assert press(client, first).status_code == 200
    assert press(client, first).status_code == 404
    Notice.objects.update(at=timezone.now() - notices.LIFETIME)
    assert press(client, second).status_code == 404
    assert follow(client, "/not-me/#guessed").status_code == 404


def test_a_link_outlives_the_thiefs_next_password(anna, owner, client):
    change_password(anna, NEW, by=owner)
    link = link_in(sent()["anna@home.test"])
    change_password(anna, "quartz umbrella nineteen", by=owner)
    assert press(client, link).status_code == 200


def test_the_webmaster_sees_it_and_lets_mail_leave_again(frozen, client, webmaster, committed):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    assert "“this was not me”" in client.get("/domains/").content.decode()
    assert "Nothing is forwarded to outside" in client.get(PAGE).content.decode()
    assert "anna@example.test" in client.get("/domains/example.test/?show=frozen").content.decode()
    with committed():
        client.post(f"{PAGE}unfreeze/")
    assert "Nothing is forwarded to outside" not in client.get(PAGE).content.decode()
    assert not RedirectAlarm.objects.open().exists()
    assert Event.objects.get(verb="mailbox.forwarding_unfrozen").by == webmaster


def test_its_user_is_told_what_to_do_and_cannot_unfreeze_it(frozen, client):
    client.force_login(frozen.owner, "accounts.backends.MailboxBackend")
    page = client.get(PAGE).content.decode()
    assert "Choose a new password" in page
    assert client.post(f"{PAGE}unfreeze/").status_code == 404


def test_of_staff_the_sessions_end_and_the_operators_are_told(operator, support, client):
    Person.objects.filter(pk=operator.pk).update(email="olga@hoster.test")
    support.email = "sam@hoster.test"
    support.set_password(PASSWORD)
    support.save()
    set_own_password(support, NEW)
    thief = Client()
    thief.force_login(support, "accounts.backends.PersonBackend")
    assert press(client, link_in(sent()["sam@hoster.test"])).status_code == 200
    assert thief.get("/account/").status_code == 302
    assert "sam says: somebody else" in sent()["olga@hoster.test"]


# --- after that: the password, and rules made in webmail


def choose(client, code, password):
    form = {"code": code, "new_password": password, "new_password_again": password}
    return client.post("/choose-password/", form)


def test_who_reads_it_at_the_recovery_address_is_led_to_a_new_password(anna, owner, client):
    change_password(anna, NEW, by=owner)
    page = press(client, link_in(sent()["anna@home.test"])).content.decode()
    (link,) = re.findall(r"http://testserver/choose-password/#([\w-]+)", page)
    assert find_link(CHOOSE_PASSWORD, link)
    choose(client, link, "quartz umbrella nineteen")
    anna.refresh_from_db()
    assert anna.has_changed_password_since_frozen


def test_who_reads_it_in_the_mailbox_may_be_the_thief_and_asks_for_a_link(anna, owner, client):
    change_password(anna, NEW, by=owner)
    page = press(client, link_in(sent()["anna@example.test"])).content.decode()
    assert "choose-password" not in page
    assert 'action="/forgotten-password/"' in page
    assert 'name="name" value="anna@example.test"' in page


@pytest.mark.sql
def test_the_webmaster_closes_signing_in_until_a_new_password_is_chosen(frozen, client, webmaster, committed):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    assert "It is the same as before" in client.get(PAGE).content.decode()
    assert "the password is still the same" in client.get("/domains/").content.decode()
    before = MemoryDriver.accounts.get(frozen.login)
    with committed():
        page = client.post(f"{PAGE}require-password/").content.decode()
    (link,) = re.findall(r"choose-password/#([\w-]+)</textarea>", page)
    held = MemoryDriver.accounts[frozen.login].password_hash
    assert before is None or held != before.password_hash
    assert "Signing in is closed since" in client.get(PAGE).content.decode()
    theirs = Client()
    answer = theirs.post("/sign-in/", {"username": frozen.address, "password": PASSWORD})
    assert answer.status_code == 200
    assert "You have had this password before" in choose(theirs, link, PASSWORD).content.decode()
    with committed():
        choose(theirs, link, NEW)
    assert theirs.post("/sign-in/", {"username": frozen.address, "password": NEW}).status_code == 302
    assert "It was changed" in client.get(PAGE).content.decode()


def test_it_can_be_mailed_as_well_and_once_closed_no_other_password_is_made(
    frozen, client, webmaster, committed
):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    client.post(f"{PAGE}require-password/", {"send": "1"})
    closed = Mailbox.objects.get(pk=frozen.pk).password_hash
    client.post(f"{PAGE}require-password/", {"send": "1"})
    assert Mailbox.objects.get(pk=frozen.pk).password_hash == closed
    assert OneTimeLink.objects.get(mailbox=frozen).mail_to == "anna@home.test"
    assert "closed until a new password is chosen" in client.get("/domains/example.test/").content.decode()


def test_where_the_server_takes_clear_text_it_gets_one_that_nobody_knows(
    frozen, client, webmaster, monkeypatch, settings
):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    monkeypatch.setattr(MemoryDriver, "limits", Limits(takes_hashes=False))
    settings.SEALING_PUBLIC_KEY = b""
    assert "Nothing was changed" in client.post(f"{PAGE}require-password/", follow=True).content.decode()
    assert Mailbox.objects.get(pk=frozen.pk).password_asked_at is None
    settings.SEALING_PUBLIC_KEY = bytes(PrivateKey.generate().public_key)
    client.post(f"{PAGE}require-password/")
    assert SealedPassword.objects.filter(mailbox=frozen).exists()


def test_rules_made_in_webmail_rest_and_are_told(anna, committed):
    MemoryDriver.own_scripts[anna.login] = own = 'redirect "thief@evil.test";\n'
    with committed():
        freezing.freeze(anna, kind="password")
    script = MemoryDriver.scripts[anna.login]
    assert (script.active, script.text) == (True, "stop;\n")
    assert MemoryDriver.own_scripts[anna.login] == own
    found = Observation.objects.get(mailbox=anna, aspect="script")
    assert found.put_right is not None
    assert RedirectAlarm.objects.open().filter(kind="redirect").get().targets == ["thief@evil.test"]
    with committed():
        freezing.unfreeze(anna, by=anna.owner)
    assert MemoryDriver.scripts[anna.login].text == ""
