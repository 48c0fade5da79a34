from datetime import timedelta

import pytest
from django.utils import timezone

from audit.chain import record
from mailservers import outbox, push_times, pushing
from mailservers.models import Change, PushTime

pytestmark = pytest.mark.sql


@pytest.fixture
def push(mailbox):
    """Pushes a change that was asked for so many seconds ago."""

    def push(seconds):
        change = outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
        Change.objects.filter(pk=change.pk).update(requested_at=timezone.now() - timedelta(seconds=seconds))
        pushing.push_some(mailbox.server_id)

    return push


def counts():
    return {row.step: row.changes for row in PushTime.objects.filter(changes__gt=0)}


def test_each_live_change_is_counted_once_in_its_step(push):
    push(7)
    push(8)
    push(100_000)
    push(-5)
    ten, longest = push_times.BOUNDS.index(10.0), len(push_times.BOUNDS)
    assert counts() == {ten: 2, longest: 1, 0: 1}
    assert PushTime.objects.get(step=ten).seconds == pytest.approx(15, abs=2)


def test_it_costs_a_batch_one_statement(server, mailbox, push, django_assert_num_queries):
    push(1)
    live = [Change(aspect="account", requested_at=timezone.now()) for _ in range(8)]
    with django_assert_num_queries(1):
        push_times.count(server, live, timezone.now())


def test_a_bound_belongs_to_the_step_it_ends():
    assert push_times.step_of(0.1) == 0
    assert push_times.step_of(0.1001) == 1
    assert push_times.step_of(86400.1) == len(push_times.BOUNDS)
