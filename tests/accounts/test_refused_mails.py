"""Mails of the portal that no server takes, and in which language the others are."""

import re

import pytest
from django.core import mail

from accounts import notices, password_requests, refused_mails, tasks
from accounts.helping import allow_help
from accounts.models import Mailbox, Notice, OneTimeLink, PasswordRequest, Person, RedirectAlarm
from accounts.services import change_password
from audit.models import Event
from fleet.sink import Sink
from fleet.users import private_directory
from mails import queue
from mails.models import Mail
from tests.conftest import webmaster_of
from vacation.telling import tell_user

NEW = "gravel teapot seventeen"


@pytest.fixture(scope="module")
def sink():
    with private_directory("refused-mails") as directory:
        sink = Sink(directory / "sink")
        sink.start()
        yield sink
        sink.stop()


@pytest.fixture
def over_smtp(settings, sink, webmaster):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", sink.port, False
    sink.clear()
    Person.objects.filter(pk=webmaster.pk).update(email="willem@home.test")
    return sink


def refuse_at_home(mailbox) -> None:
    mailbox.recovery_address = "reject@home.test"
    mailbox.save()


def test_a_notice_that_is_refused_is_told_to_the_webmaster_once_and_never_sent_again(
    mailbox, owner, over_smtp
):
    refuse_at_home(mailbox)
    change_password(mailbox, NEW, by=owner)
    notices.mail_notices()
    assert not Notice.objects.exclude(mail_due_at=None).exists()
    tasks.tell_of_refused_mails()
    tasks.tell_of_refused_mails()
    [told] = over_smtp.messages(to="willem@home.test")
    assert "reject@home.test" in told.get_content()
    assert "550 5.1.1 No such user here" in told.get_content()


def test_a_refused_mail_stands_in_the_mailboxs_history(mailbox, owner, over_smtp):
    refuse_at_home(mailbox)
    change_password(mailbox, NEW, by=owner)
    notices.mail_notices()
    event = Event.objects.get(verb="mail.refused")
    assert (event.subject_id, event.after["to"]) == (mailbox.pk, "reject@home.test")


def test_a_link_to_an_address_that_is_gone_is_told(mailbox, webmaster, over_smtp):
    refuse_at_home(mailbox)
    password_requests.send_mailbox_link(mailbox, by=webmaster)
    assert password_requests.mail_links() == 0
    assert not OneTimeLink.objects.exclude(mail_due_at=None).exists()
    assert refused_mails.tell() == 1


def test_one_webmaster_who_is_refused_does_not_have_the_other_written_to_again(
    mailbox, domain, webmaster, over_smtp
):
    Person.objects.filter(pk=webmaster.pk).update(email="reject@a.test")
    other = webmaster_of(domain, "wilma")
    Person.objects.filter(pk=other.pk).update(email="wilma@a.test")
    RedirectAlarm.objects.create(
        mailbox=mailbox, targets=["thief@evil.test"], mail_due_at="2026-01-01T00:00:00Z"
    )
    for _round in range(3):
        tasks.mail_alarms()
    assert len(over_smtp.messages(to="wilma@a.test")) == 1


def test_who_can_not_be_reached_is_not_written_to_about_it(mailbox, domain, webmaster, over_smtp):
    Person.objects.filter(pk=webmaster.pk).update(email="reject@a.test")
    queue.post(["reject@a.test"], "Subject", "Text\n", domain=domain.name)
    queue.send_due()
    assert refused_mails.tell() == 0
    assert refused_mails.tell() == 0


@pytest.fixture
def everybody_is_written_to(mailbox, domain, webmaster, owner, support):
    """One of each mail that is made of a template or of sentences."""
    Person.objects.filter(pk=webmaster.pk).update(email="willem@home.test", language="nl")
    Person.objects.filter(pk=owner.pk).update(language="fr")
    domain.language = "de"
    domain.save()
    mailbox.refresh_from_db()
    mailbox.domain.refresh_from_db()
    change_password(mailbox, NEW, by=owner)
    notices.mail_notices()
    allow_help(mailbox, support, hours=1, reason="Ticket 4711", by=webmaster)
    tell_user(mailbox, "auto_reply", webmaster)
    PasswordRequest.objects.create(typed="anna", mailbox=mailbox, state="waiting", source_address="192.0.2.1")
    PasswordRequest.objects.update(mail_due_at="2026-01-01T00:00:00Z")
    RedirectAlarm.objects.create(mailbox=mailbox, targets=["x@y.test"], mail_due_at="2026-01-01T00:00:00Z")
    queue.post(["x@y.test"], "Subject", "Text\n", domain=domain.name)
    Mail.objects.filter(address="x@y.test").update(state="refused")
    refused_mails.tell()
    tasks.look_after_password_requests()
    tasks.mail_alarms()
    queue.send_due()
    return mail.outbox


def test_no_mail_holds_markup(everybody_is_written_to):
    assert [letter.body for letter in everybody_is_written_to if re.search(r"<\w|&\w+;", letter.body)] == []


def test_each_reader_is_written_to_in_their_own_language(everybody_is_written_to):
    def words_to(reader: str) -> str:
        return " ".join(
            letter.subject + letter.body for letter in everybody_is_written_to if letter.to == [reader]
        )

    # The webmaster chose Dutch and the user French; the domain's German is nobody's.
    assert "Mails van het portaal zijn niet aangekomen" in words_to("willem@home.test")
    assert "vraagt" in words_to("willem@home.test")
    assert "mot de passe" in words_to("anna@example.test")
    both = words_to("willem@home.test") + words_to("anna@example.test")
    assert "Passwort" not in both
    assert "password" not in both.replace("/password", "")


def test_at_most_six_links_a_day_are_mailed_to_a_mailbox(client, mailbox, webmaster, settings):
    Mailbox.objects.update(recovery_address="anna@home.test")
    mailbox.refresh_from_db()
    for _ in range(6):
        password_requests.send_mailbox_link(mailbox, by=webmaster)
    with pytest.raises(password_requests.AskedOften):
        password_requests.send_mailbox_link(mailbox, by=webmaster)
