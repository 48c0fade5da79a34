"""What the server holds after an auto-reply's change was cancelled, whatever was on its way meanwhile."""

from datetime import timedelta

import pytest

from mailservers import outbox, pushing
from mailservers.drivers.base import TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Lease
from vacation.models import AutoReply
from vacation.services import save_auto_reply

pytestmark = pytest.mark.sql


@pytest.fixture
def save(mailbox, webmaster):
    """Saves an auto-reply with this text; nothing is pushed yet."""

    def save(text):
        version = AutoReply.of(mailbox).version
        auto_reply = AutoReply(mailbox=mailbox, enabled=True, text=text)
        return save_auto_reply(auto_reply, seen_version=version, by=webmaster)

    return save


def cancel(change):
    return outbox.cancel(change, by=change.mailbox.owner)


def text_on_the_server():
    [script] = MemoryDriver.scripts.values()
    return script.text


def test_a_change_that_never_left_is_cancelled_without_a_word_to_the_server(save, mailbox):
    save("Monday")
    pushing.push_some(mailbox.server_id)
    assert cancel(save("Tuesday")) is None
    assert "Monday" in text_on_the_server()
    assert not Change.objects.open().exists()


def test_so_is_the_very_first_one(save, mailbox):
    assert cancel(save("Monday")) is None
    assert not AutoReply.of(mailbox).enabled
    pushing.push_some(mailbox.server_id)
    assert MemoryDriver.scripts == {}


def test_what_an_older_push_took_along_is_taken_back(save, mailbox, monkeypatch):
    save("Monday")
    saved = []
    load = pushing.subjects_of

    def saved_just_before_it_is_read(changes):
        if not saved:
            saved.append(save("Tuesday"))
        return load(changes)

    monkeypatch.setattr(pushing, "subjects_of", saved_just_before_it_is_read)
    pushing.push_some(mailbox.server_id)
    assert "Tuesday" in text_on_the_server()
    again = cancel(saved[0])
    assert again is not None
    pushing.push_some(mailbox.server_id)
    assert "Monday" in text_on_the_server()


def test_while_an_older_push_runs_the_server_is_told_after_it(save, mailbox):
    save("Monday")
    pushing.push_some(mailbox.server_id)
    holding = Lease.objects.take([(mailbox.pk, "script")], timedelta(minutes=1))
    again = cancel(save("Tuesday"))
    Lease.objects.give_back(holding)
    assert again.state == Change.State.WAITING


def test_what_the_cancelled_one_replaced_is_not_lost(save, mailbox):
    save("Monday")
    tuesday = save("Tuesday")
    MemoryDriver.failures.append(TryAgain("Busy."))
    pushing.push_some(mailbox.server_id)
    cancel(tuesday)
    pushing.push_some(mailbox.server_id)
    assert "Monday" in text_on_the_server()


def test_a_change_cancelled_under_a_worker_leaves_no_lease(save, mailbox, monkeypatch):
    change = save("Monday")
    take = type(Lease.objects).take

    def cancelled_meanwhile(leases, parts, length):
        holding = take(leases, parts, length)
        Change.objects.filter(pk=change.pk).update(state=Change.State.CANCELLED)
        return holding

    monkeypatch.setattr(type(Lease.objects), "take", cancelled_meanwhile)
    pushing.push_some(mailbox.server_id)
    assert MemoryDriver.scripts == {}
    assert not Lease.objects.exists()
