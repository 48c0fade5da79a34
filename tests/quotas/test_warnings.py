"""Warnings: once for each crossing, to whom it helps, and through an SMTP server that may be away."""

import pytest

from accounts.models import DomainAdmin, Mailbox, Person
from mails.models import Mail
from mailservers.drivers.memory import MemoryDriver
from quotas import tasks
from quotas.models import QuotaWarning
from tests.quotas.conftest import MB, account_of, fill

pytestmark = pytest.mark.sql


@pytest.fixture
def box(mailbox):
    Mailbox.objects.filter(pk=mailbox.pk).update(
        quota_bytes=1000 * MB, recovery_address="anna@elsewhere.test", language="en"
    )
    mailbox.refresh_from_db()
    return mailbox


def told():
    """Address and subject of every notice, in the order they were written."""
    return list(Mail.objects.order_by("pk").values_list("address", "subject"))


def test_nobody_is_warned_below_the_thresholds(box):
    fill(box, 799)
    assert told() == []


def test_a_crossing_is_told_once_and_again_after_it_fell_below(box):
    for megabytes in (800, 820, 930):
        fill(box, megabytes)
    assert told() == [
        ("anna@example.test", "The mailbox anna@example.test is 80 % full"),
        ("anna@elsewhere.test", "The mailbox anna@example.test is 80 % full"),
    ]
    Mail.objects.all().delete()
    fill(box, 790)
    assert told() == []
    fill(box, 801)
    assert len(told()) == 2


def test_each_threshold_has_its_own_crossing(box):
    for megabytes in (850, 960, 940, 955, 1001):
        fill(box, megabytes)
    subjects = [subject for address, subject in told() if address == "anna@elsewhere.test"]
    assert subjects == [
        "The mailbox anna@example.test is 85 % full",
        "The mailbox anna@example.test is 96 % full",
        "The mailbox anna@example.test is 95 % full",
        "The mailbox anna@example.test is full",
    ]


def test_a_leap_over_several_thresholds_is_one_warning(box):
    fill(box, 970)
    assert len(told()) == 2
    fill(box, 900)
    assert QuotaWarning.objects.filter(ended_at=None).get().threshold == 80
    assert len(told()) == 2


def test_the_domain_says_when_and_whether_its_webmasters_hear_of_it(box, webmaster):
    Person.objects.filter(pk=webmaster.pk).update(email="willem@hoster.test")
    mute = Person.objects.create(username="no-address")
    DomainAdmin.objects.create(person=mute, domain=box.domain)
    type(box.domain).objects.update(warning_thresholds=[50], warn_webmasters=True)
    fill(box, 510)
    assert [address for address, _subject in told()] == [
        "anna@example.test",
        "anna@elsewhere.test",
        "willem@hoster.test",
    ]


def test_without_thresholds_or_limit_nobody_is_warned(box):
    type(box.domain).objects.update(warning_thresholds=[])
    fill(box, 5000)
    type(box.domain).objects.update(warning_thresholds=[80])
    Mailbox.objects.update(quota_bytes=0)
    box.refresh_from_db()
    fill(box, 5000)
    assert told() == []


def test_the_text_tells_what_helps(box):
    MemoryDriver.accounts[box.login] = account_of(box)
    MemoryDriver.in_trash[box.login] = [(300 * MB, 1)]
    MemoryDriver.mail[box.login] = (700 * MB, 7)
    tasks.plan_readings()
    text = Mail.objects.first().text
    assert "anna@example.test holds 1000 MB of 1000 MB." in text
    assert "New mail is sent back" in text
    assert "300 MB of that lie in the trash" in text
    assert "http://testserver/mailboxes/anna@example.test/usage/" in text
