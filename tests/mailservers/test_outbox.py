import pytest

from audit.chain import record
from mailservers import outbox
from mailservers.models import Change
from mailservers.tasks import sweep
from portal.celery import app

pytestmark = pytest.mark.sql


@pytest.fixture
def event(mailbox):
    return record("mailbox.created", by=None, about=mailbox)


def test_it_is_pushed_after_the_commit_and_not_before(mailbox, event, committed):
    with committed():
        change = outbox.request_push(mailbox, "account", event)
        assert change.state == "waiting"
    change.refresh_from_db()
    assert change.state == "live"


def test_without_a_broker_nothing_is_lost_and_the_sweep_finds_it(mailbox, event, committed):
    app.conf.task_always_eager = False
    with committed():
        change = outbox.request_push(mailbox, "account", event)
    change.refresh_from_db()
    assert change.state == "waiting"
    app.conf.task_always_eager = True
    sweep()
    change.refresh_from_db()
    assert change.state == "live"


def test_only_a_failed_change_is_tried_again(mailbox, event):
    change = outbox.request_push(mailbox, "account", event)
    with pytest.raises(outbox.MovedOn):
        outbox.try_again(change, by=None)


def test_a_failed_change_with_a_newer_one_is_not_tried_again(mailbox, event):
    change = outbox.request_push(mailbox, "account", event)
    outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    Change.objects.filter(pk=change.pk).update(state="failed")
    with pytest.raises(outbox.MovedOn):
        outbox.try_again(change, by=None)
    change.refresh_from_db()
    assert change.state == "failed"
