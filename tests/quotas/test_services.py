"""Quotas within the domain's limit, requests for more, and the trash as a change like any other."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections

from accounts.models import Domain, Mailbox
from accounts.room import NoRoomLeft
from accounts.services import create_mailbox
from audit.models import Event
from mails.models import Mail
from mailservers.drivers.base import TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Observation, Usage
from mailservers.tasks import push
from quotas.models import QuotaRequest
from quotas.services import (
    AlreadyAsked,
    AlreadyDecided,
    approve_request,
    change_quota,
    change_quotas,
    empty_trash,
    refuse_request,
    request_quota,
    suggested_quota,
)
from tests.quotas.conftest import MB, account_of

pytestmark = pytest.mark.sql
GB = 1024 * MB


@pytest.fixture
def three(domain):
    """Three mailboxes of 100 MB each in a domain that may give 500."""
    Domain.objects.filter(pk=domain.pk).update(max_quota_bytes=500 * MB)
    domain.refresh_from_db()
    return Mailbox.objects.bulk_create(
        Mailbox(
            address=f"u{n}@example.test",
            domain=domain,
            server=domain.server,
            login=f"u{n}",
            quota_bytes=100 * MB,
        )
        for n in range(3)
    )


def quotas():
    return [each // MB for each in Mailbox.objects.order_by("login").values_list("quota_bytes", flat=True)]


def test_the_server_gets_the_new_limit_and_the_chain_both(three, webmaster, committed):
    with committed():
        change = change_quota(three[0], 200 * MB, by=webmaster)
    change.refresh_from_db()
    assert change.state == Change.State.LIVE
    assert MemoryDriver.accounts["u0"].quota_bytes == 200 * MB
    event = Event.objects.get(verb="mailbox.quota_changed")
    assert (event.before, event.after) == ({"quota_bytes": 100 * MB}, {"quota_bytes": 200 * MB})
    assert event.by == webmaster


def test_nothing_is_given_beyond_the_domains_limit(three, domain, webmaster):
    change_quota(three[0], 300 * MB, by=webmaster)
    with pytest.raises(NoRoomLeft) as refusal:
        change_quota(three[1], 101 * MB, by=webmaster)
    assert refusal.value.lacking_bytes == 1 * MB
    with pytest.raises(NoRoomLeft):
        change_quotas(three, domain, 170 * MB, by=webmaster)
    assert quotas() == [300, 100, 100]
    assert change_quotas(three, domain, 160 * MB, by=webmaster) == 3
    assert quotas() == [160] * 3


def test_less_is_possible_in_a_domain_that_gave_too_much(three, domain, webmaster):
    Domain.objects.update(max_quota_bytes=100 * MB)
    change_quota(three[0], 50 * MB, by=webmaster)
    assert quotas() == [50, 100, 100]


def test_many_are_pushed_behind_single_changes_and_unchanged_ones_not(three, domain, webmaster):
    change_quota(three[0], 150 * MB, by=webmaster)
    three[0].refresh_from_db()
    assert change_quotas(three, domain, 150 * MB, by=webmaster) == 2
    assert set(Change.objects.exclude(mailbox=three[0]).values_list("priority", flat=True)) == {
        Change.Priority.BULK
    }


def create(domain, name, webmaster):
    return create_mailbox(domain, name, login=name, name="", by=webmaster)


def test_a_new_mailbox_takes_of_the_domains_room(three, domain, webmaster):
    Domain.objects.update(default_quota_bytes=150 * MB)
    create(domain, "u3", webmaster)
    with pytest.raises(NoRoomLeft) as refusal:
        create(domain, "u4", webmaster)
    assert refusal.value.lacking_bytes == 100 * MB
    assert quotas() == [100, 100, 100, 150]


def test_in_a_domain_with_a_limit_no_mailbox_is_without_one(three, domain, webmaster):
    Domain.objects.update(default_quota_bytes=0)
    with pytest.raises(NoRoomLeft):
        create(domain, "u3", webmaster)
    with pytest.raises(NoRoomLeft):
        change_quota(three[0], 0, by=webmaster)
    Domain.objects.update(max_quota_bytes=0)
    create(domain, "u3", webmaster)
    change_quota(three[0], 0, by=webmaster)
    assert quotas() == [0, 100, 100, 0]


@pytest.mark.parametrize("second", ["changes", "creates"])
def test_two_at_a_time_cannot_give_more_than_there_is(transactional_db, three, domain, webmaster, second):
    """Each alone would fit."""
    outcomes = []
    Domain.objects.update(default_quota_bytes=200 * MB)

    def give(step):
        try:
            step()
            outcomes.append("given")
        except NoRoomLeft:
            outcomes.append("refused")
        finally:
            connections.close_all()

    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing to prove")
    steps = [
        lambda: change_quota(three[0], 300 * MB, by=webmaster),
        (lambda: change_quota(three[1], 300 * MB, by=webmaster))
        if second == "changes"
        else (lambda: create(domain, "u3", webmaster)),
    ]
    threads = [threading.Thread(target=give, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["given", "refused"]
    assert sum(quotas()) == 500


# --- requests


@pytest.mark.parametrize(
    ("now", "suggested"), [(100 * MB, 150 * MB), (1 * GB, 1536 * MB), (2 * GB, 3 * GB), (7 * GB, 11 * GB)]
)
def test_one_click_asks_for_half_as_much_again(now, suggested):
    assert suggested_quota(Mailbox(quota_bytes=now)) == suggested


def test_a_request_is_approved_with_another_amount(three, owner, webmaster):
    type(webmaster).objects.filter(pk=webmaster.pk).update(email="willem@hoster.test")
    asked = request_quota(three[0], by=owner)
    assert Mail.objects.get().address == "willem@hoster.test"
    with pytest.raises(AlreadyAsked):
        request_quota(three[0], by=owner)
    approve_request(asked, 120 * MB, by=webmaster)
    assert quotas() == [120, 100, 100]
    with pytest.raises(AlreadyDecided):
        refuse_request(asked, by=webmaster)
    assert Mail.objects.filter(address="u0@example.test").count() == 1
    assert request_quota(three[0], by=owner).state == QuotaRequest.State.WAITING


def test_a_request_beyond_the_domains_limit_stays_waiting(three, owner, webmaster):
    asked = request_quota(three[0], by=owner)
    with pytest.raises(NoRoomLeft):
        approve_request(asked, 400 * MB, by=webmaster)
    asked.refresh_from_db()
    assert asked.state == QuotaRequest.State.WAITING
    refuse_request(asked, by=webmaster)
    assert quotas() == [100] * 3


# --- trash


def in_trash(mailbox, *ages_in_days):
    now = int(time.time())
    MemoryDriver.accounts[mailbox.login] = account_of(mailbox)
    MemoryDriver.in_trash[mailbox.login] = [(MB, now - int(days * 86400)) for days in ages_in_days]


def left(mailbox):
    now = time.time()
    return [round((now - saved) / 86400) for _size, saved in MemoryDriver.in_trash[mailbox.login]]


def test_everything_goes_and_the_page_hears_of_it(mailbox, owner, committed):
    in_trash(mailbox, 1, 40)
    with committed():
        change = empty_trash(mailbox, older_than=timedelta(0), by=owner)
    change.refresh_from_db()
    assert change.state == Change.State.LIVE
    assert left(mailbox) == []
    assert Event.objects.filter(verb="mailbox.trash_emptied").count() == 1
    assert Usage.objects.get().trash_bytes == 0
    assert not Observation.objects.exists()  # nothing that could drift


def test_only_what_lies_there_long_goes(mailbox, owner, committed):
    in_trash(mailbox, 1, 29, 31, 40)
    with committed():
        empty_trash(mailbox, older_than=timedelta(days=30), by=owner)
    assert left(mailbox) == [1, 29]


def test_what_came_after_the_wish_stays_however_late_it_is_carried_out(mailbox, owner, committed):
    in_trash(mailbox, 3)
    MemoryDriver.failures = [TryAgain("The server is away.")]
    with committed():
        change = empty_trash(mailbox, older_than=timedelta(0), by=owner)
    assert left(mailbox) == [3]
    MemoryDriver.in_trash[mailbox.login].append((MB, int(time.time()) + 5))
    Change.objects.update(next_attempt_at=change.requested_at)

    push(mailbox.server_id)
    change.refresh_from_db()
    assert change.state == Change.State.LIVE
    assert len(left(mailbox)) == 1


def test_a_wish_that_waits_is_not_lost_to_a_smaller_one(mailbox, owner, committed):
    in_trash(mailbox, 3, 40)
    empty_trash(mailbox, older_than=timedelta(0), by=owner)
    with committed():
        empty_trash(mailbox, older_than=timedelta(days=30), by=owner)
    assert left(mailbox) == []
    in_trash(mailbox, 3, 40)
    with committed():
        empty_trash(mailbox, older_than=timedelta(days=30), by=owner)
    assert left(mailbox) == [3]


def test_a_server_that_kept_something_makes_it_a_failure_in_words(mailbox, owner, committed, monkeypatch):
    in_trash(mailbox, 3)
    monkeypatch.setattr(MemoryDriver, "empty_trash", lambda *_: None)
    with committed():
        change = empty_trash(mailbox, older_than=timedelta(0), by=owner)
    change.refresh_from_db()
    assert change.state == Change.State.FAILED
    assert "1 message is still in the trash" in change.reason_text
