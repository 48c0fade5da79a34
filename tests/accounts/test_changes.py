import pytest
from django.utils import timezone

from audit.chain import record
from mailservers import outbox
from mailservers.drivers.base import Refused
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change


@pytest.fixture
def change(mailbox, webmaster):
    event = record("auto_reply.changed", by=webmaster, about=mailbox)
    return outbox.request_push(mailbox, "account", event)


def state_of(client, change, **query):
    return client.get(f"/changes/{change.pk}/state/", query).content.decode()


def test_a_waiting_change_asks_again_later_and_later(client, change, mailbox):
    client.force_login(mailbox.owner)
    assert 'data-state="waiting"' in state_of(client, change)
    assert "waiting for maximusconfessor" in state_of(client, change)
    assert "asked=8" in state_of(client, change, asked=7)


def test_a_settled_one_stops_asking(client, change, mailbox):
    Change.objects.update(state="live", settled_at=timezone.now())
    client.force_login(mailbox.owner)
    page = state_of(client, change)
    assert "live on maximusconfessor since" in page
    assert "hx-get" not in page


def test_a_failed_one_says_why(client, change, mailbox):
    Change.objects.update(state="failed", reason="Too large for %(server)s.", reason_values={"server": "x"})
    client.force_login(mailbox.owner)
    assert "Too large for x." in state_of(client, change)


def test_each_refresh_is_cheap(client, change, mailbox, django_assert_max_num_queries):
    client.force_login(mailbox.owner)
    with django_assert_max_num_queries(3):  # session, person, change
        state_of(client, change)


def test_a_stranger_finds_no_such_change(client, change, stranger):
    client.force_login(stranger)
    assert client.get(f"/changes/{change.pk}/state/").status_code == 404
    assert client.post(f"/changes/{change.pk}/try-again/").status_code == 404


def test_a_failed_change_goes_live_at_another_try(client, mailbox, webmaster, committed):
    MemoryDriver.failures.append(Refused("No."))
    with committed():
        failed = outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    client.force_login(webmaster)
    with committed():
        client.post(f"/changes/{failed.pk}/try-again/")
    failed.refresh_from_db()
    assert failed.state == "live"


def test_support_cannot_try_again(client, change, support):
    Change.objects.update(state="failed")
    client.force_login(support)
    assert client.post(f"/changes/{change.pk}/try-again/").status_code == 404
