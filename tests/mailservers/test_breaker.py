from datetime import timedelta

import pytest
from django.utils import timezone

from audit.chain import record
from mailservers import breaker, outbox, pushing
from mailservers.breaker import Gate
from mailservers.drivers.base import ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Server

pytestmark = pytest.mark.sql

AWAY = ServerAway("The mail server cannot be reached, or broke off.")


@pytest.fixture
def change(mailbox):
    return outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))


def fail(server, times):
    for _ in range(times):
        breaker.note_away(server, AWAY)
    server.refresh_from_db()


def test_two_failures_leave_it_closed_and_three_open_it(server):
    fail(server, 2)
    assert not server.is_away
    fail(server, 1)
    assert server.is_away
    assert server.away_since is not None


def test_while_it_is_open_nothing_is_pushed(server, change):
    fail(server, 3)
    again = pushing.push_some(server.pk)
    assert MemoryDriver.accounts == {}
    assert 0 < again.in_seconds < 6


def test_at_the_time_of_the_probe_one_worker_gets_it(server):
    fail(server, 3)
    Server.objects.update(probe_at=timezone.now())
    assert [breaker.pass_gate(server), breaker.pass_gate(server)] == [Gate.PROBE, Gate.SHUT]


def test_a_good_probe_closes_it_and_lets_everything_go(server, change, mailbox):
    fail(server, 3)
    Change.objects.update(next_attempt_at=timezone.now())
    Server.objects.update(probe_at=timezone.now())
    pushing.push_some(server.pk)
    server.refresh_from_db()
    assert (server.is_away, server.away_since, server.failures_in_a_row) == (False, None, 0)


def test_what_waits_long_goes_at_once_when_the_server_is_back(server, change):
    fail(server, 3)
    Change.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=15))
    breaker.note_reached(server)
    pushing.push_some(server.pk)
    change.refresh_from_db()
    assert change.state == "live"


def test_a_bad_probe_keeps_it_open(server, change):
    fail(server, 3)
    Server.objects.update(probe_at=timezone.now())
    MemoryDriver.failures.append(AWAY)
    pushing.push_some(server.pk)
    server.refresh_from_db()
    assert server.probe_at > timezone.now()


def test_trouble_with_one_mailbox_says_nothing_about_the_server(server, change):
    for _ in range(5):
        MemoryDriver.failures.append(TryAgain("The mailbox is not there yet."))
        Change.objects.update(next_attempt_at=timezone.now())
        pushing.push_some(server.pk)
    server.refresh_from_db()
    assert (server.is_away, server.failures_in_a_row) == (False, 0)


def test_a_server_away_ends_the_batch_and_the_rest_keeps_its_attempts(server, mailbox, other_domain):
    boxes = type(mailbox).objects.bulk_create(
        type(mailbox)(
            address=f"{n}@elsewhere.test", domain=other_domain, server=server, login=f"e{n}", quota_bytes=0
        )
        for n in range(4)
    )
    for box in boxes:
        outbox.request_push(box, "account", record("mailbox.created", by=None, about=box))
    MemoryDriver.failures.append(AWAY)
    pushing.push_some(server.pk)
    assert sorted(Change.objects.values_list("state", "attempts")) == [("waiting", 0)] * 3 + [("waiting", 1)]


@pytest.mark.parametrize(
    "stopped",
    [
        {"paused_at": timezone.now()},
        {"maintenance_starts": timezone.now() - timedelta(hours=1)},
        {
            "maintenance_starts": timezone.now() - timedelta(hours=1),
            "maintenance_ends": timezone.now() + timedelta(hours=1),
        },
    ],
)
def test_a_paused_server_or_one_in_maintenance_is_left_alone(server, change, stopped):
    Server.objects.update(**stopped)
    pushing.push_some(server.pk)
    change.refresh_from_db()
    assert change.state == "waiting"


def test_after_the_maintenance_it_goes_on(server, change):
    hour = timedelta(hours=1)
    Server.objects.update(
        maintenance_starts=timezone.now() - 2 * hour, maintenance_ends=timezone.now() - hour
    )
    pushing.push_some(server.pk)
    change.refresh_from_db()
    assert change.state == "live"


def test_the_pauses_between_probes_grow_to_half_a_minute():
    assert breaker._pause(3) <= 5
    assert 22 <= breaker._pause(50) <= 30
