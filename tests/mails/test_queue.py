"""Mails of the portal on a real SMTP server: each by itself, with a pause that grows, and an end."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from fleet.sink import Sink
from fleet.users import private_directory
from mails import queue
from mails.delivery import Outcome, deliver
from mails.models import Mail


@pytest.fixture(scope="module")
def sink():
    with private_directory("mails") as directory:
        sink = Sink(directory / "sink")
        sink.start()
        yield sink
        sink.stop()


@pytest.fixture
def over_smtp(settings, sink, db):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", sink.port, False
    sink.clear()
    return sink


def states():
    return dict(Mail.objects.values_list("address", "state"))


def test_a_mail_is_sent_once_and_no_auto_reply_answers_it(db):
    queue.post(["anna@example.test"], "Subject", "Text\n")
    assert [queue.send_due(), queue.send_due()] == [1, 0]
    [sent] = mail.outbox
    assert sent.to == ["anna@example.test"]
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"


def test_its_id_names_the_portal_and_not_the_machine(settings, db):
    settings.PUBLIC_URL = "https://portal.example.org"
    deliver("anna@example.test", "Subject", "Text\n")
    assert mail.outbox[0].extra_headers["Message-ID"].endswith("@portal.example.org>")


def test_one_refused_address_keeps_no_other_from_being_told(over_smtp):
    queue.post(["reject@a.test", "defer@a.test", "good@a.test"], "Süß", "Text\n")
    assert queue.send_due() == 1
    assert states() == {"reject@a.test": "refused", "defer@a.test": "waiting", "good@a.test": "sent"}
    [message] = over_smtp.messages()
    assert (message["Subject"], message["X-Sink-To"]) == ("Süß", "good@a.test")
    assert not queue.are_due()


def test_what_the_other_side_said_is_kept(over_smtp):
    queue.post(["reject@a.test"], "Subject", "Text\n")
    queue.send_due()
    assert Mail.objects.get().answer == "550 5.1.1 No such user here"


SUBJECTS = ["phone\nBcc: spy@evil.test", "a\r\n\r\nb", "a\u2028b\u202ec", "x" * 5000]
ADDRESSES = ["", "no address", "a\nb@a.test", "ü@ü@ü", "\ud800@a.test", "x" * 500 + "@a.test"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_with_line_ends_goes_out_as_one_line(over_smtp, subject):
    assert deliver("good@a.test", subject, "Text\n").outcome == Outcome.SENT
    [message] = over_smtp.messages()
    assert message["Bcc"] is None
    assert message["X-Sink-To"] == "good@a.test"


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_can_not_be_written_to_fails_alone(over_smtp, address):
    Mail.objects.bulk_create([Mail(address="good@a.test", subject="s", text="t")])
    assert deliver(address, "Subject", "Text\n").outcome in (Outcome.REFUSED, Outcome.LATER)
    assert queue.send_due() == 1


def test_without_an_smtp_server_mails_wait_ever_longer_and_are_given_up_after_days(settings, over_smtp):
    settings.EMAIL_PORT = 1
    queue.post(["good@a.test"], "Subject", "Text\n")
    pauses = []
    for age in (0, 5, 30, 600):
        begun = timezone.now() - timedelta(minutes=age)
        Mail.objects.update(next_attempt_at=timezone.now(), created_at=begun)
        queue.send_due()
        pauses.append((Mail.objects.get().next_attempt_at - timezone.now()).total_seconds())
    assert [round(pause / 60) for pause in pauses] == [1, 5, 30, 60]
    Mail.objects.update(next_attempt_at=timezone.now(), created_at=timezone.now() - timedelta(days=3))
    queue.send_due()
    assert states() == {"good@a.test": "refused"}


def test_a_round_ends_once_the_mail_host_is_away(settings, over_smtp):
    settings.EMAIL_PORT = 1
    queue.post(["a@a.test", "b@a.test"], "Subject", "Text\n")
    queue.send_due()
    assert sorted(Mail.objects.values_list("attempts", flat=True)) == [0, 1]


def test_old_mails_are_forgotten(db):
    queue.post(["a@a.test", "b@a.test"], "Subject", "Text\n")
    Mail.objects.filter(address="a@a.test").update(created_at=timezone.now() - timedelta(days=31))
    queue.forget_old()
    assert Mail.objects.get().address == "b@a.test"
