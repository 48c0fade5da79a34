from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from audit.chain import record
from mailservers import outbox, pushing
from mailservers.drivers.base import Refused, ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Lease, Observation, Server, Slot

pytestmark = pytest.mark.sql


@pytest.fixture
def ask(mailbox):
    """Asks for a push of the account; nothing is pushed yet."""

    def ask():
        return outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))

    return ask


def push(mailbox):
    return pushing.push_some(mailbox.server_id)


def hold(mailbox, **length):
    """The lease of some other worker."""
    return Lease.objects.take([(mailbox.pk, "account")], timedelta(**length))


def state(change):
    change.refresh_from_db()
    return change.state


def test_a_push_brings_the_wanted_state_and_is_live(mailbox, ask):
    change = ask()
    push(mailbox)
    assert MemoryDriver.accounts["example0001"].address == "anna@example.test"
    assert state(change) == "live"
    assert change.settled_at is not None


def test_what_was_read_back_is_noted(mailbox, ask):
    change = ask()
    push(mailbox)
    observation = Observation.objects.get()
    assert (observation.change, len(observation.fingerprint)) == (change, 64)


def test_the_newest_wins_and_older_ones_give_way(mailbox, ask):
    first, second = ask(), ask()
    push(mailbox)
    assert (state(first), state(second)) == ("superseded", "live")


def test_try_again_waits_with_the_reason_and_comes_back(mailbox, ask):
    change = ask()
    MemoryDriver.failures.append(TryAgain("%(server)s is busy.", server="maximusconfessor"))
    again = push(mailbox)
    assert state(change) == "waiting"
    assert change.reason_text == "maximusconfessor is busy."
    assert 2 < again.in_seconds <= 5


def test_a_waiting_change_is_not_pushed_before_its_time(mailbox, ask):
    ask()
    MemoryDriver.failures.append(TryAgain("Busy."))
    push(mailbox)
    push(mailbox)
    assert MemoryDriver.accounts == {}


def test_when_its_time_has_come_it_goes_live(mailbox, ask):
    change = ask()
    MemoryDriver.failures.append(TryAgain("Busy."))
    push(mailbox)
    Change.objects.update(next_attempt_at=timezone.now())
    push(mailbox)
    assert (state(change), change.attempts, change.reason) == ("live", 2, "")


def test_while_a_server_is_away_the_pause_does_not_grow(mailbox, ask):
    change = ask()
    Change.objects.update(attempts=9)
    MemoryDriver.failures.append(ServerAway("Away."))
    push(mailbox)
    change.refresh_from_db()
    assert change.next_attempt_at < timezone.now() + timedelta(seconds=6)


def test_a_refusal_fails_at_once_with_its_reason(mailbox, ask):
    change = ask()
    MemoryDriver.failures.append(Refused("The script is larger than %(limit)s allows.", limit="64 kB"))
    assert push(mailbox) is None
    assert state(change) == "failed"
    assert change.reason_text == "The script is larger than 64 kB allows."


def test_after_a_day_it_gives_up_with_the_last_reason(mailbox, ask):
    change = ask()
    Change.objects.update(requested_at=timezone.now() - timedelta(hours=25))
    MemoryDriver.failures.append(TryAgain("Still busy."))
    push(mailbox)
    assert (state(change), change.reason) == ("failed", "Still busy.")


def test_whatever_a_driver_raises_only_its_kind_is_told(mailbox, ask):
    change = ask()
    MemoryDriver.failures.append(ZeroDivisionError("a secret in the text"))
    push(mailbox)
    assert state(change) == "waiting"
    assert "ZeroDivisionError" in change.reason_text
    assert "secret" not in change.reason_text


def test_another_state_on_read_back_is_a_failure_that_names_the_difference(mailbox, ask, monkeypatch):
    change = ask()
    monkeypatch.setattr(MemoryDriver, "read_account", lambda self, login: None)
    push(mailbox)
    assert state(change) == "failed"
    assert "the account is not there" in change.reason_text


@pytest.mark.parametrize("nonsense", ["an account", 42, b"", [], object()])
def test_a_driver_that_reads_back_nonsense_takes_nothing_down(mailbox, ask, monkeypatch, nonsense):
    change = ask()
    monkeypatch.setattr(MemoryDriver, "read_account", lambda self, login: nonsense)
    push(mailbox)
    assert state(change) == "waiting"
    assert "Something unexpected happened" in change.reason_text
    assert not Lease.objects.exists()


def test_a_driver_that_hangs_is_stopped_and_the_change_tried_again(mailbox, ask):
    """Celery's soft limit raises in the middle of whatever runs; what was not begun waits as well."""
    change = ask()
    MemoryDriver.failures.append(SoftTimeLimitExceeded())
    push(mailbox)
    assert state(change) == "waiting"
    assert not Lease.objects.exists()


def test_a_worker_that_is_told_to_end_leaves_nothing_behind(mailbox, ask):
    change = ask()
    MemoryDriver.failures.append(SystemExit())
    with pytest.raises(SystemExit):
        push(mailbox)
    assert state(change) == "waiting"
    assert not Lease.objects.exists()
    assert not Slot.objects.in_use().exists()


def test_a_server_whose_settings_are_wrong_waits_for_its_operators(mailbox, ask):
    change = ask()
    Server.objects.update(kind="pigeon")
    push(mailbox)
    assert state(change) == "waiting"
    assert "pigeon" in change.reason_text


def test_while_another_worker_holds_the_lease_nothing_happens(mailbox, ask):
    change = ask()
    hold(mailbox, minutes=1)
    assert push(mailbox) is None
    assert state(change) == "waiting"


def test_the_lease_of_a_lost_worker_runs_out(mailbox, ask):
    change = ask()
    hold(mailbox, seconds=-1)
    Change.objects.update(state="pushing")
    push(mailbox)
    assert state(change) == "live"


def test_no_lease_is_left_behind(mailbox, ask):
    ask()
    MemoryDriver.failures.append(ZeroDivisionError())
    push(mailbox)
    assert not Lease.objects.exists()


@pytest.fixture
def frozen(mailbox, monkeypatch):
    """A worker that is frozen in the middle of a push: what is given to it happens before it writes."""
    put = MemoryDriver.put_account

    def freeze(meanwhile):
        def put_late(driver, account):
            monkeypatch.setattr(MemoryDriver, "put_account", put)
            meanwhile()
            put(driver, account)

        monkeypatch.setattr(MemoryDriver, "put_account", put_late)

    return freeze


def save(mailbox, ask, quota):
    mailbox.quota_bytes = quota
    mailbox.save()
    return ask()


def test_what_a_frozen_worker_writes_late_does_not_stand(mailbox, ask, frozen):
    old, changes = save(mailbox, ask, 1), []

    def meanwhile():
        Lease.objects.update(expires_at=timezone.now())
        changes.append(save(mailbox, ask, 2))
        push(mailbox)
        assert state(changes[0]) == "live"

    frozen(meanwhile)
    push(mailbox)
    assert MemoryDriver.accounts["example0001"].quota_bytes == 1
    assert state(changes[0]) == "waiting"
    push(mailbox)
    assert MemoryDriver.accounts["example0001"].quota_bytes == 2
    assert (state(old), state(changes[0])) == ("superseded", "live")
    assert not Lease.objects.exists()


def test_the_worker_that_took_over_learns_that_a_frozen_one_wrote_late(mailbox, ask, frozen):
    """Both are in the middle of a push when the frozen one is done."""
    changes = [save(mailbox, ask, 1)]

    def taken_over():
        Lease.objects.update(expires_at=timezone.now())
        changes.append(save(mailbox, ask, 2))
        # The second worker has the lease, and has not written yet.
        holding, _ = pushing._claim(mailbox.server, 8)
        holdings.append(holding)

    holdings = []
    frozen(taken_over)
    push(mailbox)
    assert state(changes[1]) == "waiting"
    assert pushing._let_go(holdings[0]) == {(mailbox.pk, "account")}
    push(mailbox)
    assert MemoryDriver.accounts["example0001"].quota_bytes == 2
    assert state(changes[1]) == "live"


def test_an_edit_made_during_a_push_is_pushed_right_after_it(mailbox, ask, monkeypatch):
    first = ask()
    later = []
    put = MemoryDriver.put_account

    def edited_meanwhile(self, account):
        put(self, account)
        if not later:
            type(mailbox).objects.update(quota_bytes=5)
            later.append(ask())

    monkeypatch.setattr(MemoryDriver, "put_account", edited_meanwhile)
    again = push(mailbox)
    assert again.in_seconds == 0
    push(mailbox)
    assert MemoryDriver.accounts["example0001"].quota_bytes == 5
    assert (state(first), state(later[0])) == ("live", "live")


def test_the_pauses_grow_and_never_exceed_a_quarter_of_an_hour():
    assert all(pushing.pause_after(attempt) <= 15 * 60 for attempt in range(1, 100))
    assert pushing.pause_after(9) > pushing.pause_after(1)


def test_due_is_what_waits_or_was_left_in_the_middle(mailbox, ask):
    ask()
    assert pushing.due_servers() == [(mailbox.server_id, "server.maximusconfessor", 0)]
    Change.objects.update(state="pushing")
    assert pushing.due_servers() == [(mailbox.server_id, "server.maximusconfessor", 0)]


def test_what_is_held_planned_or_settled_is_not_due(mailbox, ask):
    change = ask()
    holding = hold(mailbox, minutes=1)
    assert pushing.due_servers() == []
    Lease.objects.give_back(holding)
    Change.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert pushing.due_servers() == []
    Change.objects.filter(pk=change.pk).update(state="live", next_attempt_at=timezone.now())
    assert pushing.due_servers() == []


def test_what_a_clock_planned_too_far_ahead_is_due_when_it_has_jumped_back(mailbox, ask):
    change = ask()
    Change.objects.update(next_attempt_at=timezone.now() + timedelta(days=3))
    hold(mailbox, days=3)
    push(mailbox)
    assert state(change) == "live"
