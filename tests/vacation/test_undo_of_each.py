"""Undo takes back what it stands beside and nothing else, though both are pushed in one script."""

import re

import pytest

from audit.chain import record
from mailservers import outbox, pushing
from mailservers.drivers.base import Refused
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from mailservers.standing import standing_of
from vacation.forwarding import save_forwarding
from vacation.models import AutoReply, Forwarding
from vacation.services import save_auto_reply

pytestmark = pytest.mark.sql

PAGES = {"auto_reply": "auto-reply", "forwarding": "forwarding"}


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


@pytest.fixture
def set_(mailbox, webmaster):
    """Sets one of the two; pushed unless somebody wants it to wait."""

    def set_(what, text, *, pushed=True):
        if what == "auto_reply":
            reply = AutoReply(mailbox=mailbox, enabled=True, text=text)
            change = save_auto_reply(reply, seen_version=AutoReply.of(mailbox).version, by=webmaster)
        else:
            forwarding = Forwarding(mailbox=mailbox, enabled=True)
            seen = Forwarding.of(mailbox).version
            change = save_forwarding(forwarding, [f"{text}@example.test"], seen_version=seen, by=webmaster)
        if pushed:
            pushing.push_some(mailbox.server_id)
        return change

    return set_


def what_is_set(mailbox):
    reply, forwarding = AutoReply.of(mailbox), Forwarding.of(mailbox)
    return reply.text if reply.enabled else "", "".join(forwarding.addresses()) if forwarding.enabled else ""


def badge(client, mailbox, what):
    page = client.get(f"/mailboxes/{mailbox.address}/{PAGES[what]}/").content.decode()
    return re.search(r'<div data-about="[^"]*">(.*?)</div>', page, re.S)


def press(client, mailbox, what):
    """The button of the badge on the feature's page."""
    found = re.search(r'formaction="([^"]+)"', badge(client, mailbox, what)[1])
    return client.post(found[1], follow=True)


def test_forwarding_that_nobody_touched_shows_no_state_and_no_undo(willem, mailbox, set_):
    set_("auto_reply", "one")
    assert badge(willem, mailbox, "forwarding") is None
    assert "Undo the auto-reply of " in badge(willem, mailbox, "auto_reply")[1]


@pytest.mark.parametrize("first", ["auto_reply", "forwarding"])
@pytest.mark.parametrize("undone", ["auto_reply", "forwarding"])
def test_each_is_undone_by_itself(willem, mailbox, set_, first, undone):
    second = "forwarding" if first == "auto_reply" else "auto_reply"
    set_(first, "old")
    set_(second, "kept")
    set_(first, "new")
    before = what_is_set(mailbox)
    press(willem, mailbox, undone)
    after = what_is_set(mailbox)
    changed = [name for name, b, a in zip(PAGES, before, after, strict=True) if b != a]
    assert changed == [undone]
    pushing.push_some(mailbox.server_id)
    [script] = MemoryDriver.scripts.values()
    assert [text in script.text for text in after if text] == [True] * sum(map(bool, after))


def test_a_waiting_one_is_cancelled_without_the_other(willem, mailbox, set_):
    set_("auto_reply", "one", pushed=False)
    set_("forwarding", "two", pushed=False)
    assert "Cancel" in badge(willem, mailbox, "auto_reply")[1]
    press(willem, mailbox, "auto_reply")
    assert what_is_set(mailbox) == ("", "two@example.test")
    pushing.push_some(mailbox.server_id)
    [script] = MemoryDriver.scripts.values()
    assert "two@example.test" in script.text
    assert "vacation" not in script.text


def test_what_a_later_push_has_taken_along_is_on_the_server_and_can_be_undone(willem, mailbox, set_):
    set_("auto_reply", "one", pushed=False)
    set_("forwarding", "two", pushed=False)
    pushing.push_some(mailbox.server_id)
    told = badge(willem, mailbox, "auto_reply")[1]
    assert 'data-state="live"' in told
    press(willem, mailbox, "auto_reply")
    assert what_is_set(mailbox) == ("", "two@example.test")


def test_one_that_was_there_stays_so_when_the_other_fails(willem, mailbox, set_, monkeypatch):
    set_("auto_reply", "one")
    monkeypatch.setattr(MemoryDriver, "put_script", refuse)
    set_("forwarding", "two")
    assert 'data-state="live"' in badge(willem, mailbox, "auto_reply")[1]
    assert 'data-state="failed"' in badge(willem, mailbox, "forwarding")[1]


def test_one_that_never_got_there_has_failed_when_the_push_that_took_it_along_did(
    willem, mailbox, set_, monkeypatch
):
    monkeypatch.setattr(MemoryDriver, "put_script", refuse)
    set_("auto_reply", "one", pushed=False)
    set_("forwarding", "two")
    told = badge(willem, mailbox, "auto_reply")[1]
    assert 'data-state="failed"' in told
    assert "Try again" in told


def test_a_target_that_agrees_takes_no_undo_away(willem, mailbox, set_, webmaster):
    set_("forwarding", "two")
    confirmed = outbox.request_push(mailbox, "script", record_confirmed(mailbox))
    pushing.push_some(mailbox.server_id)
    assert confirmed.feature == Change.Feature.NONE
    assert "Undo the forwarding of " in badge(willem, mailbox, "forwarding")[1]


def test_in_the_history_each_has_its_own_undo(willem, mailbox, set_):
    set_("auto_reply", "one")
    set_("forwarding", "two")
    page = willem.get(f"/mailboxes/{mailbox.address}/history/").content.decode()
    assert page.count("><span>Undo</span></button>") == 2
    reply = Change.objects.get(feature="auto_reply")
    willem.post(f"/changes/{reply.pk}/undo/")
    assert what_is_set(mailbox) == ("", "two@example.test")


def test_an_older_one_of_the_same_is_not_undone(willem, mailbox, set_):
    first = set_("auto_reply", "one")
    set_("auto_reply", "two")
    willem.post(f"/changes/{first.pk}/undo/")
    assert what_is_set(mailbox)[0] == "two"


def test_the_badge_asks_again_for_its_own_part(willem, mailbox, set_):
    set_("auto_reply", "one", pushed=False)
    set_("forwarding", "two", pushed=False)
    address = re.search(r'hx-get="([^"]+)"', badge(willem, mailbox, "auto_reply")[1])[1].replace("&amp;", "&")
    pushing.push_some(mailbox.server_id)
    assert "Undo the auto-reply of " in willem.get(address).content.decode()


def test_nothing_stands_where_nothing_was_set():
    assert standing_of([], "auto_reply") is None


def refuse(*_args):
    raise Refused("No.")


def record_confirmed(mailbox):
    return record("forwarding.confirmed", by=None, about=mailbox, domain=mailbox.domain.name)
