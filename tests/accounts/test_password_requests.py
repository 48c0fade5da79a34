"""Who has no way in asks for a link; what comes of it, and that the page tells nobody anything."""

import re
import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation
from django.utils.formats import date_format
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import password_request_views, password_requests
from accounts.models import Mailbox, OneTimeLink, PasswordRequest, Person
from accounts.password_requests import make_mailbox_link
from audit.chain import record
from audit.models import Event
from mailservers.drivers.memory import MemoryDriver
from mailservers.outbox import request_push
from tests.conftest import step_up

ASK = "/forgotten-password/"
LIST = "/domains/example.test/password-requests/"
LINK = "/mailboxes/anna@example.test/password-link/"
BACKEND = "accounts.backends.PersonBackend"
NEW = "a quite new teapot"


@pytest.fixture
def at_home(mailbox):
    """The mailbox has an address for such cases."""
    mailbox.recovery_address = "anna@home.test"
    mailbox.save()
    return mailbox


def ask(client, committed, name="anna@example.test"):
    with committed():
        return client.post(ASK, {"name": name})


def link_in(text):
    return re.search(r"/choose-password/#[\w-]+", text)[0]


def choose(client, committed, link, password=NEW):
    code = link.partition("#")[2]
    with committed():
        return client.post(
            "/choose-password/", {"code": code, "new_password": password, "new_password_again": password}
        )


def read(client, path):
    return client.get(path).content.decode()


def test_a_link_goes_to_the_recovery_address_and_sets_the_password(client, at_home, committed):
    with committed():
        request_push(at_home, "account", record("mailbox.created", by=None, about=at_home))
    ask(client, committed)
    (sent,) = mail.outbox
    assert sent.to == ["anna@home.test"]
    hash_was = MemoryDriver.accounts["example0001"].password_hash
    assert choose(client, committed, link_in(sent.body)).status_code == 302
    assert MemoryDriver.accounts["example0001"].password_hash != hash_was
    assert client.post("/sign-in/", {"username": "anna@example.test", "password": NEW}).status_code == 302
    assert choose(client, committed, link_in(sent.body)).status_code == 404


@pytest.mark.parametrize(
    "name",
    ["anna@example.test", " ANNA@example.test", "example0001", "nobody@example.test", "<b>", "x" * 320],
)
def test_the_page_says_the_same_for_every_name(client, at_home, committed, name):
    said = ask(client, committed, name).content.decode()
    assert "Your wish is noted" in said
    assert name.strip() not in said
    assert PasswordRequest.objects.count() == 1


def test_nothing_happens_for_a_name_that_nobody_has(client, at_home, committed):
    ask(client, committed, "nobody@example.test")
    assert mail.outbox == []
    assert PasswordRequest.objects.get().state == "nobody"
    assert not Event.objects.filter(verb__startswith="mailbox.password").exists()


@pytest.mark.parametrize("change", [{"enabled": False}, {"deleted_at": timezone.now()}])
def test_nor_for_one_that_is_off_or_deleted(client, at_home, committed, change):
    Mailbox.objects.update(**change)
    ask(client, committed)
    assert mail.outbox == []


def test_the_link_in_the_database_is_no_link(client, at_home, committed):
    ask(client, committed)
    code = link_in(mail.outbox[0].body).partition("#")[2]
    assert code not in str(OneTimeLink.objects.values())


@pytest.mark.parametrize("name", ["anna@example.test", "olga", "nobody@example.test"])
def test_once_no_more_are_sent_today_none_is_promised_whoevers_name_it_is(
    client, at_home, operator, committed, monkeypatch, name
):
    told_workers = []
    monkeypatch.setattr(password_request_views, "tell_workers", lambda: told_workers.append(name))
    for _ in range(3):
        assert "Your wish is noted" in ask(client, committed, name).content.decode()
    for _ in range(2):
        said = ask(client, committed, name.upper()).content.decode()
        assert "No more links are sent for this name today" in said
    assert PasswordRequest.objects.count() == 3
    assert len(told_workers) == 3


def test_one_account_is_mailed_three_links_a_day_whichever_name_is_typed(client, at_home, committed):
    for name in ["anna@example.test", "example0001"] * 3:
        ask(client, committed, name)
    assert len(mail.outbox) == 3
    for sent in mail.outbox:
        assert client.get(link_in(sent.body)).status_code == 200


def test_nobody_ends_a_letter_by_asking(client, at_home, webmaster, committed):
    letter = make_mailbox_link(at_home, by=webmaster)
    ask(client, committed)
    assert client.get(link_in(letter)).status_code == 200


@pytest.mark.parametrize("name", ["olga", "OLGA ", "olga@hoster.test", "Olga@Hoster.test"])
def test_staff_have_a_way_back_in_by_their_own_address(client, operator, committed, name):
    operator.email = "olga@hoster.test"
    operator.set_password("forgotten")
    operator.save()
    TOTPDevice.objects.create(user=operator, name="phone", confirmed=True)
    assert "Your wish is noted" in ask(client, committed, name).content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["olga@hoster.test"]
    assert "olga" in sent.subject
    assert choose(client, committed, link_in(sent.body)).headers["Location"] == "/"
    # The second factor is asked for as ever.
    assert client.get("/domains/").headers["Location"].startswith("/sign-in/code/")
    assert Event.objects.filter(verb="person.password_link_asked").count() == 1


def test_so_have_webmasters_and_who_was_invited_and_lost_the_mail(client, webmaster, committed):
    webmaster.email = "willem@far.test"
    webmaster.save()
    ask(client, committed, "willem")
    assert mail.outbox[0].to == ["willem@far.test"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
def test_but_nobody_who_is_disabled_or_has_no_address(client, operator, committed, change):
    Person.objects.filter(pk=operator.pk).update(**{"email": "olga@hoster.test", **change})
    ask(client, committed, "olga")
    assert mail.outbox == []


def test_a_mailboxs_owner_is_no_such_person(client, at_home, committed):
    """The link to the mailbox's password goes to its recovery address, never to the mailbox."""
    Person.objects.filter(pk=at_home.owner.pk).update(email="anna@example.test")
    ask(client, committed)
    assert [sent.to for sent in mail.outbox] == [["anna@home.test"]]


@pytest.mark.parametrize("typed", ["info@bücher.test", "INFO@BÜCHER.TEST", "info@xn--bcher-kva.test"])
def test_people_of_an_idn_domain_ask_with_the_address_they_know(client, at_home, committed, typed):
    Mailbox.objects.update(address="info@xn--bcher-kva.test")
    ask(client, committed, typed)
    assert [sent.to for sent in mail.outbox] == [["anna@home.test"]]


def test_a_mail_that_could_not_be_sent_is_sent_later_with_another_code(
    client, at_home, committed, monkeypatch
):
    def no_mail(_self):
        raise smtplib.SMTPServerDisconnected

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", no_mail)
        ask(client, committed)
    assert mail.outbox == []
    OneTimeLink.objects.update(mail_due_at=timezone.now())
    assert password_requests.mail_links() == 1
    assert "/choose-password/#" in mail.outbox[0].body
    assert password_requests.mail_links() == 0


def test_without_a_recovery_address_the_webmaster_decides(client, mailbox, webmaster, committed):
    webmaster.email = "willem@example.test"
    webmaster.save()
    ask(client, committed)
    ask(client, committed)
    (sent,) = mail.outbox
    assert sent.to == ["willem@example.test"]
    assert LIST in sent.body
    client.force_login(webmaster, BACKEND)
    step_up(client)
    page = read(client, LIST)
    assert page.count('name="refuse"') == 1
    assert "never signed in here" in page
    asked = PasswordRequest.objects.get(state="waiting")
    shown = client.post(f"/password-requests/{asked.pk}/decide/").content.decode()
    client.logout()
    assert choose(client, committed, link_in(shown)).status_code == 302
    assert client.post("/sign-in/", {"username": "example0001", "password": NEW}).status_code == 302


def test_a_refusal_keeps_its_reason_and_makes_no_link(client, mailbox, webmaster, committed):
    ask(client, committed)
    client.force_login(webmaster, BACKEND)
    step_up(client)
    asked = PasswordRequest.objects.get()
    client.post(f"/password-requests/{asked.pk}/decide/", {"refuse": "1", "reason": "Not her number."})
    assert "refused (willem): Not her number." in read(client, LIST)
    assert not OneTimeLink.objects.exists()
    client.post(f"/password-requests/{asked.pk}/decide/")
    assert not OneTimeLink.objects.exists()


def test_nobody_else_decides(client, mailbox, owner, other_webmaster, support, committed):
    ask(client, committed)
    asked = PasswordRequest.objects.get()
    for person in (owner, other_webmaster, support):
        client.force_login(person, BACKEND)
        assert client.post(f"/password-requests/{asked.pk}/decide/").status_code == 404


def test_what_nobody_decides_expires(client, mailbox, committed):
    ask(client, committed)
    PasswordRequest.objects.update(asked_at=timezone.now() - timedelta(days=15))
    password_requests.look_at_requests()
    assert PasswordRequest.objects.get().state == "expired"
    PasswordRequest.objects.update(asked_at=timezone.now() - timedelta(days=91))
    password_requests.look_at_requests()
    assert not PasswordRequest.objects.exists()


def test_a_webmaster_has_a_link_sent_without_seeing_it(client, at_home, webmaster, committed):
    client.force_login(webmaster, BACKEND)
    step_up(client)
    with committed():
        page = client.post(LINK, {"send": "1"}, follow=True).content.decode()
    assert "A link is on its way to anna@home.test." in page
    code = link_in(mail.outbox[0].body).partition("#")[2]
    assert code not in page
    history = read(client, "/mailboxes/anna@example.test/history/")
    assert "had a link to choose a password sent to the recovery address" in history


def test_a_link_to_hand_over_is_shown_once_with_a_picture(client, mailbox, webmaster):
    client.force_login(webmaster, BACKEND)
    step_up(client)
    page = client.post(LINK).content.decode()
    assert "QR code of the link below" in page
    assert link_in(page)
    assert "made a link on which to choose a password" in read(
        client, "/mailboxes/anna@example.test/history/"
    )


def test_the_letter_is_in_the_language_of_its_reader(client, mailbox, webmaster):
    mailbox.language = "de"
    mailbox.save()
    client.force_login(webmaster, BACKEND)
    step_up(client)
    page = client.post(LINK, headers={"Accept-Language": "en"}).content.decode()
    letter = page.partition('<article class="letter" lang="de">')[2]
    assert link_in(letter)
    assert "anna@example.test" in letter
    with translation.override("de"):
        assert date_format(timezone.localdate(), "DATE_FORMAT") in letter


def test_a_newer_password_makes_an_older_link_useless(client, at_home, webmaster, committed):
    ask(client, committed)
    Mailbox.objects.update(password_changed_at=timezone.now())
    assert choose(client, committed, link_in(mail.outbox[0].body)).status_code == 404
