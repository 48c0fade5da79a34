"""Reading what domains hold: kept by mailbox and day, some at a time, whatever a server tells."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import Mailbox
from audit.chain import record
from mailservers import outbox, usage
from mailservers.drivers.base import FolderUsage, Refused, TryAgain, UsageState
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Slot, Usage, UsageDay, UsageRequest
from quotas import asking, reading, tasks
from quotas.models import DomainReading
from tests.quotas.conftest import MB, account_of, read_now

pytestmark = pytest.mark.sql


def test_what_the_server_holds_is_kept_with_its_day(held):
    assert read_now(held.domain) == ""
    kept = Usage.objects.get(mailbox=held)
    assert (kept.bytes_used, kept.messages) == (500 * MB, 94)
    assert (kept.trash_bytes, kept.trash_messages) == (50 * MB, 4)
    assert [folder["name"] for folder in kept.folders] == ["INBOX", "Trash"]
    assert UsageDay.objects.get().bytes_used == 500 * MB
    read_now(held.domain)
    assert UsageDay.objects.count() == 1


def test_the_next_reading_is_hours_away_and_not_done_twice(held):
    read_now(held.domain)
    assert reading.due_domains() == []
    MemoryDriver.mail[held.login] = (1, 1)
    assert reading.read_some(held.domain_id) == ""
    assert Usage.objects.get().bytes_used == 500 * MB
    hours = (DomainReading.objects.get().due_at - timezone.now()).total_seconds() / 3600
    assert 4.5 < hours < 6.1


@pytest.fixture
def many(domain):
    """1,200 mailboxes: three times what is written at once."""
    boxes = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"u{n}@example.test",
            domain=domain,
            server=domain.server,
            login=f"u{n:05}",
            quota_bytes=10 * MB,
        )
        for n in range(1200)
    )
    for n, mailbox in enumerate(boxes):
        MemoryDriver.accounts[mailbox.login] = account_of(mailbox)
        MemoryDriver.mail[mailbox.login] = (n, 1)
    return boxes


def test_a_long_domain_is_read_in_several_goes_without_losing_one(domain, many, monkeypatch):
    monkeypatch.setattr(reading, "ENOUGH", -1.0)
    goes = 1
    queue = read_now(domain)
    while queue:
        assert queue == "server.maximusconfessor"
        queue, goes = reading.read_some(domain.pk), goes + 1
    assert goes == 4
    found = Usage.objects.values_list("mailbox__login", "bytes_used")
    assert dict(found) == {f"u{n:05}": n for n in range(1200)}
    assert DomainReading.objects.get().finished_at


def test_it_makes_way_for_a_change_that_somebody_waits_for(domain, many):
    event = record("mailbox.created", by=None, about=many[0])
    outbox.request_push(many[0], "account", event)
    assert read_now(domain) == "server.maximusconfessor"
    assert Usage.objects.count() == reading.AT_ONCE
    Change.objects.all().update(priority=Change.Priority.BULK)
    assert reading.read_some(domain.pk) == ""
    assert Usage.objects.count() == 1200


def test_a_mailbox_that_vanishes_meanwhile_spoils_nothing(domain, many, monkeypatch):
    known = usage.keep

    def keep_late(readings, at):
        Mailbox.objects.filter(login="u00003").delete()
        Mailbox.objects.filter(login="u00004").update(deleted_at=timezone.now())
        return known(readings, at)

    monkeypatch.setattr(usage, "keep", keep_late)
    MemoryDriver.accounts.pop("u00005")
    read_now(domain)
    assert Usage.objects.count() == 1197


def test_queries_do_not_grow_with_the_mailboxes(domain, many, django_assert_max_num_queries):
    with django_assert_max_num_queries(75):
        read_now(domain)


def test_a_server_without_a_free_connection_is_left_alone(held):
    for _ in range(held.server.connections):
        assert Slot.objects.take(held.server, timedelta(minutes=1))
    assert read_now(held.domain) == ""
    assert not Usage.objects.exists()
    assert DomainReading.objects.get().due_at < timezone.now() + timedelta(minutes=1)


@pytest.mark.parametrize("trouble", [{"paused_at": timezone.now()}, {"probe_at": timezone.now()}])
def test_a_server_that_is_away_or_paused_is_not_asked(held, trouble):
    type(held.server).objects.update(**trouble)
    read_now(held.domain)
    assert not Usage.objects.exists()


def test_trouble_is_kept_in_words_and_tried_again_later(held):
    MemoryDriver.failures = [TryAgain("The server is away.")]
    read_now(held.domain)
    kept = DomainReading.objects.get()
    assert kept.reason_text == "The server is away."
    assert timedelta(minutes=10) < kept.due_at - timezone.now() < timedelta(minutes=16)
    read_now(held.domain)
    assert DomainReading.objects.get().reason == ""


def state(mailbox, **changes):
    values = {"bytes_used": 100, "messages": 1, "quota_bytes": mailbox.quota_bytes} | changes
    return UsageState(mailbox.login, **values)


def keep(mailbox, **changes):
    usage.keep([usage.Reading(mailbox.pk, mailbox.quota_bytes, state(mailbox, **changes))], timezone.now())
    return Usage.objects.get(mailbox=mailbox)


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        (None, 1_000_000_000),  # not told: the portal's counts
        (0, 0),  # no limit there: nothing can be full
        (999_999_488, 1_000_000_000),  # rounded to KiB
        (5 * MB, 5 * MB),
        (2**80, 2**63 - 1),
    ],
)
def test_limits_a_server_may_tell(mailbox, told, limit):
    assert keep(mailbox, quota_bytes=told).limit_with(mailbox.quota_bytes) == limit


def test_a_limit_that_was_changed_since_counts_instead_of_the_one_read(mailbox):
    assert keep(mailbox, quota_bytes=5 * MB).limit_with(7 * MB) == 7 * MB


@pytest.mark.parametrize("bytes_used", [-5, 0, 2**80])
def test_sizes_no_column_can_hold(mailbox, bytes_used):
    folders = (FolderUsage("INBOX", bytes_used, -1), FolderUsage("Tr\0ash\ud800", 5, 1))
    kept = keep(mailbox, bytes_used=bytes_used, messages=None, folders=folders)
    assert kept.bytes_used == min(max(0, bytes_used), 2**63 - 1)
    assert kept.messages is None
    assert {folder["name"] for folder in kept.folders} == {"INBOX", "Trash?"}


def test_of_5000_folders_the_largest_are_kept(mailbox):
    folders = tuple(FolderUsage(f"Ordner {n}/ü", n, 1) for n in range(5000))
    kept = keep(mailbox, folders=folders)
    assert kept.folder_count == 5000
    assert [folder["bytes"] for folder in kept.folders] == list(range(4999, 4899, -1))


def test_old_days_are_forgotten(mailbox):
    for days in (0, 100, 179, 181, 400):
        UsageDay.objects.create(mailbox=mailbox, day=date(2026, 11, 24) - timedelta(days=days), bytes_used=1)
    assert usage.forget_old_days(date(2026, 11, 24)) == 2
    assert UsageDay.objects.count() == 3


def test_the_fullest_come_first_and_those_without_a_limit_last(domain, many):
    read_now(domain)
    Mailbox.objects.filter(login__in=["u00001", "u00002"]).update(quota_bytes=0)
    logins = Usage.objects.fullest_first().values_list("mailbox__login", flat=True)
    assert list(logins[:2]) == ["u01199", "u01198"]
    assert list(logins)[-2:] == ["u00002", "u00001"]
    Usage.objects.filter(mailbox__login="u00007").update(bytes_used=9 * MB)
    assert [each.mailbox.login for each in Usage.objects.above(80)] == ["u00007"]


# --- one mailbox, on somebody's wish


def test_a_wish_is_answered_with_what_lies_long_in_the_trash(held):
    asking.ask(held)
    kept = Usage.objects.get()
    assert (kept.bytes_used, kept.old_trash_messages, kept.old_trash_bytes) == (500 * MB, 3, 30 * MB)
    assert UsageRequest.objects.get().answered_at


def test_a_wish_that_cannot_be_fulfilled_says_why(held):
    MemoryDriver.failures = [Refused("No such thing.")]
    asking.ask(held)
    assert UsageRequest.objects.get().reason_text == "No such thing."
    assert not Usage.objects.exists()


def test_a_wish_waits_for_a_connection(held, monkeypatch):
    later = []
    monkeypatch.setattr(tasks.refresh_usage, "apply_async", lambda *args, **options: later.append(options))
    tokens = [Slot.objects.take(held.server, timedelta(minutes=1)) for _ in range(held.server.connections)]
    asking.ask(held)
    tasks.refresh_usage(held.pk)
    assert later[-1]["countdown"] == 1
    assert UsageRequest.objects.get().is_open
    Slot.objects.give_back(tokens[0])
    tasks.refresh_usage(held.pk)
    assert not UsageRequest.objects.get().is_open


def test_the_beat_announces_what_is_due_to_its_servers_queue(held, monkeypatch):
    announced = []
    monkeypatch.setattr(
        tasks.read_domain, "apply_async", lambda args, **options: announced.append((args, options))
    )
    assert tasks.plan_readings() == 1
    [(args, options)] = announced
    assert args == (held.domain_id,)
    assert (options["queue"], options["priority"]) == ("server.maximusconfessor", 9)
