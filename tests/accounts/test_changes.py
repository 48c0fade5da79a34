import pytest
from django.utils import timezone

from audit.chain import record
from mailservers import outbox, pushing
from mailservers.drivers.base import Refused, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from vacation.models import AutoReply
from vacation.services import save_auto_reply


@pytest.fixture
def change(mailbox, webmaster):
    event = record("auto_reply.changed", by=webmaster, about=mailbox)
    return outbox.request_push(mailbox, "account", event)


def state_of(client, change, **query):
    return client.get(f"/changes/{change.pk}/state/", query).content.decode()


def test_a_waiting_change_asks_again_later_and_later(client, change, mailbox):
    client.force_login(mailbox.owner)
    assert 'data-state="waiting"' in state_of(client, change)
    assert "Waiting for maximusconfessor" in state_of(client, change)
    assert "asked=8" in state_of(client, change, asked=7)


def test_a_settled_one_stops_asking(client, change, mailbox):
    Change.objects.update(state="live", settled_at=timezone.now())
    client.force_login(mailbox.owner)
    page = state_of(client, change)
    assert "On the server ✓" in page
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


AUTO_REPLY = "/mailboxes/anna@example.test/auto-reply/"
HISTORY = "/mailboxes/anna@example.test/history/"


@pytest.fixture
def save(mailbox, webmaster):
    """Saves an auto-reply with this text, as the page would."""

    def save(text, enabled=True):
        version = AutoReply.of(mailbox).version
        return save_auto_reply(
            AutoReply(mailbox=mailbox, enabled=enabled, text=text), seen_version=version, by=webmaster
        )

    return save


def press(client, change, button, **more):
    return client.post(f"/changes/{change.pk}/{button}/", more, follow=True).content.decode()


def texts_on_the_server():
    return [script.text for script in MemoryDriver.scripts.values() if script.active]


def state(change):
    change.refresh_from_db()
    return change.state


def test_a_waiting_change_is_cancelled_and_the_value_before_stands_again(client, save, mailbox, committed):
    with committed():
        first = save("Back on Monday.")
    second = save("Back on Tuesday.")
    client.force_login(mailbox.owner)
    assert f"/changes/{second.pk}/cancel/" in client.get(AUTO_REPLY).content.decode()
    with committed():
        page = press(client, second, "cancel", next=AUTO_REPLY)
    assert "The change is cancelled." in page
    assert "Back on Monday." in page
    assert (state(first), state(second)) == ("live", "cancelled")
    assert AutoReply.of(mailbox).text == "Back on Monday."
    assert "Monday" in texts_on_the_server()[0]
    # Nothing was lost on the way, so the server need not hear of it.
    assert Change.objects.count() == 2


def test_what_may_be_half_way_on_the_server_is_pushed_over_when_cancelled(client, save, mailbox, committed):
    with committed():
        save("Back on Monday.")
    MemoryDriver.failures.extend([None, TryAgain("Lost the line.")])
    with committed():
        second = save("Back on Tuesday.")
    assert "Tuesday" in texts_on_the_server()[0]
    client.force_login(mailbox.owner)
    with committed():
        press(client, second, "cancel")
    assert state(second) == "cancelled"
    assert "Monday" in texts_on_the_server()[0]


def test_a_change_that_an_older_one_gave_way_to_leaves_no_gap_when_cancelled(save, mailbox, committed):
    with committed():
        save("Back on Monday.")
    second, third = save("Back on Tuesday."), save("Back on Wednesday.")
    MemoryDriver.failures.append(TryAgain("Busy."))
    pushing.push_some(mailbox.server_id)
    Change.objects.filter(pk=third.pk).update(attempts=0)
    assert (state(second), state(third)) == ("superseded", "waiting")
    with committed():
        outbox.cancel(third, by=mailbox.owner)
    assert "Tuesday" in texts_on_the_server()[0]


def test_a_live_change_is_undone_and_the_server_hears_of_it(client, save, mailbox, committed):
    with committed():
        save("Back on Monday.")
    with committed():
        second = save("Back on Tuesday.", enabled=False)
    assert texts_on_the_server() == []
    client.force_login(mailbox.owner)
    assert f"/changes/{second.pk}/undo/" in client.get(HISTORY).content.decode()
    absence = AutoReply.of(mailbox).absence
    with committed():
        page = press(client, second, "undo", next=HISTORY)
    assert "What was set before stands again." in page
    assert "You undid the change of the auto-reply" in page
    assert "Monday" in texts_on_the_server()[0]
    # The same absence goes on: nobody is answered twice.
    assert AutoReply.of(mailbox).absence == absence


def test_only_the_newest_can_be_taken_back(client, save, mailbox, committed):
    with committed():
        first = save("Back on Monday.")
    with committed():
        second = save("Back on Tuesday.")
    client.force_login(mailbox.owner)
    history = client.get(HISTORY).content.decode()
    assert f"/changes/{first.pk}/undo/" not in history
    assert f"/changes/{second.pk}/undo/" in history
    assert "there is a newer change meanwhile" in press(client, first, "undo")
    assert AutoReply.of(mailbox).text == "Back on Tuesday."


def test_what_is_live_meanwhile_is_not_cancelled(client, save, mailbox, committed):
    with committed():
        change = save("Back on Monday.")
    client.force_login(mailbox.owner)
    assert "could not be cancelled" in press(client, change, "cancel")
    assert (state(change), AutoReply.of(mailbox).enabled) == ("live", True)


def test_support_reads_it_and_takes_nothing_back(client, save, support, committed, looked_up):
    with committed():
        change = save("Back on Monday.")
    client.force_login(support)
    assert "/undo/" not in client.get(AUTO_REPLY).content.decode()
    assert client.post(f"/changes/{change.pk}/undo/").status_code == 404
    assert client.post(f"/changes/{change.pk}/cancel/").status_code == 404


def test_another_try_stands_in_the_history(client, change, mailbox):
    Change.objects.update(state="failed")
    client.force_login(mailbox.owner)
    press(client, change, "try-again")
    assert "had the mail server told once more" in client.get(HISTORY).content.decode()


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test/", "evil"])
def test_the_way_back_leads_to_no_other_site(client, change, mailbox, elsewhere):
    client.force_login(mailbox.owner)
    answer = client.post(f"/changes/{change.pk}/try-again/", {"next": elsewhere})
    assert answer.headers["Location"] == "/mailboxes/anna@example.test/"


def test_a_password_has_no_way_back(client, mailbox, committed):
    with committed():
        change = outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    client.force_login(mailbox.owner)
    assert "/undo/" not in client.get("/mailboxes/anna@example.test/").content.decode()
    assert "could not be undone" in press(client, change, "undo")
