"""Signing in, sending and receiving are switched apart: what people see, and what the server holds."""

import re
from dataclasses import replace
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from accounts import lifecycle
from accounts.models import Mailbox, RedirectAlarm
from accounts.switches import fit_switches
from audit.chain import record
from audit.models import Event
from mailservers import outbox
from mailservers.drivers.base import Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from tests.conftest import step_up

URL = "/mailboxes/anna@example.test/"
BACKEND = "accounts.backends.PersonBackend"
LOGIN = "example0001"
# As Virtualmin has it, and a Dovecot whose table lacks the columns.
TAKES_ALL = Limits(ends_sessions=False, sends_apart=False, receives_apart=False, disabled_receives=True)
TAKES_NONE = Limits(sends_apart=False, receives_apart=False, disabled_receives=False)


@pytest.fixture
def live(mailbox, committed):
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    return mailbox


@pytest.fixture
def as_webmaster(client, webmaster):
    client.force_login(webmaster, BACKEND)
    step_up(client)
    return client


@pytest.fixture
def switch(as_webmaster, committed):
    """Somebody sends the form, or presses a button that sends a part of it."""

    def switch(**values):
        with committed():
            answer = as_webmaster.post(URL + "switch/", values, follow=True)
        return " ".join(answer.content.decode().split())

    return switch


def page(client, path=""):
    return " ".join(client.get(URL + path).content.decode().split())


def held():
    account = MemoryDriver.accounts[LOGIN]
    return account.enabled, account.sends, account.receives


def checked(text):
    """Which of the form's choices are proposed."""
    proposed = re.findall(r'<input type="radio" name="(\w+)" value="(\w+)"[^>]* checked', text)
    return dict(proposed)


def test_switching_off_proposes_that_mail_still_arrives(as_webmaster, live):
    assert checked(page(as_webmaster, "switch/?to=off")) == {
        "enabled": "off",
        "sends": "off",
        "receives": "on",
    }


def test_each_is_chosen_apart_and_the_server_holds_it(switch, live):
    told = switch(enabled="off", sends="off", receives="on")
    assert "Signing in is switched off" in told
    assert "Sending is stopped" in told
    assert "new mail arrives" in told
    assert held() == (False, False, True)
    assert "New mail is refused as soon as the mail server has the change." in switch(receives="off")
    assert held() == (False, False, False)


def test_switching_on_again_proposes_all_and_all_is_on(switch, as_webmaster, live):
    switch(enabled="off", sends="off", receives="off")
    assert set(checked(page(as_webmaster, "switch/?to=on")).values()) == {"on"}
    switch(enabled="on", sends="on", receives="on")
    assert held() == (True, True, True)


def test_sending_alone_is_stopped_by_one_button_and_ends_what_is_open(switch, as_webmaster, live):
    assert 'name="sends" value="off">Stop sending' in page(as_webmaster, "edit/")
    switch(sends="off")
    assert held() == (True, False, True)
    assert MemoryDriver.ended_sessions == [LOGIN]
    assert 'name="sends" value="on">Allow sending again' in page(as_webmaster, "edit/")
    switch(sends="on")
    assert held() == (True, True, True)


def test_its_user_is_told_and_stays_signed_in(client, live, owner, webmaster, committed):
    client.force_login(owner, BACKEND)
    with committed():
        lifecycle.switch_mailbox(live, {"sends": False}, by=webmaster)
    own = page(client)
    assert "You can't send mail now" in own
    assert "Ask the webmaster of example.test" in own
    assert "Allow sending again" not in own
    with committed():
        lifecycle.switch_mailbox(live, {"sends": True, "receives": False}, by=webmaster)
    assert "Who writes to you gets the mail back." in page(client)


def test_who_has_several_mailboxes_sees_at_once_which_cannot_send(client, live, owner, domain):
    Mailbox.objects.filter(pk=live.pk).update(sends=False)
    Mailbox.objects.create(
        address="info@example.test",
        domain=domain,
        server=domain.server,
        login="i",
        quota_bytes=0,
        owner=owner,
    )
    client.force_login(owner, BACKEND)
    assert client.get("/").content.decode().count('<span class="under">cannot send</span>') == 1


def test_a_deleted_mailbox_refuses_mail_and_comes_back_as_it_was_set(switch, as_webmaster, live, committed):
    switch(sends="off")
    with committed():
        as_webmaster.post(URL + "delete/", {"address": "anna@example.test"})
    assert held() == (False, False, False)
    with committed():
        as_webmaster.post("/deleted/anna@example.test/restore/")
    assert held() == (True, False, True)


def test_of_two_tabs_the_later_one_overwrites_nothing(switch, live):
    switch(sends="off")
    told = switch(enabled="off", seen_enabled="on", sends="on", seen_sends="on")
    assert "Somebody switched something while you were looking" in told
    assert held() == (True, False, True)
    # As it then is on the page, the form goes through: what somebody else did has been seen.
    again = dict(re.findall(r'name="(seen_\w+)" value="(\w+)"', told)) | {"enabled": "off", "sends": "on"}
    switch(**again)
    assert held() == (False, True, True)


def test_what_is_no_choice_is_refused(switch, live):
    assert "Select a valid choice" in switch(sends="perhaps")
    assert held() == (True, True, True)


def test_nothing_is_pushed_when_nothing_differs(switch, live):
    before = Change.objects.count()
    assert "nothing is changed" in switch(enabled="on", sends="on")
    assert Change.objects.count() == before


def test_the_history_says_what_happened(switch, as_webmaster, live):
    switch(sends="off")
    switch(receives="off")
    switch(enabled="off", sends="on")
    assert list(
        Event.objects.filter(by__isnull=False).order_by("-number").values_list("verb", flat=True)[:3]
    ) == [
        "mailbox.switched_off",
        "mailbox.mail_refused",
        "mailbox.sending_stopped",
    ]
    history = page(as_webmaster, "history/")
    assert "You stopped sending" in history
    assert "Sending is allowed" in history


@pytest.mark.parametrize(
    ("limits", "told", "after"),
    [
        (TAKES_ALL, "takes new mail in any case", (False, True, True)),
        (TAKES_NONE, "refuses new mail while signing in is switched off", (False, True, False)),
    ],
)
def test_what_the_server_cannot_do_apart_is_not_offered_but_said(
    monkeypatch, switch, as_webmaster, live, limits, told, after
):
    monkeypatch.setattr(MemoryDriver, "limits", limits)
    text = page(as_webmaster, "switch/?to=off")
    assert told in text
    assert "stop sending alone" in text
    assert ("mail programs that are open go on" in text) is not limits.ends_sessions
    assert checked(text) == {"enabled": "off"}
    assert "Stop sending" not in page(as_webmaster, "edit/").replace("Stop sending when", "")
    switch(enabled="off", sends="off", receives="off")
    mailbox = Mailbox.objects.get()
    assert (mailbox.enabled, mailbox.sends, mailbox.receives) == after == held()
    switch(enabled="on")
    assert held() == (True, True, True)


def test_a_server_that_can_do_everything_is_taken_for_granted_when_its_settings_are_broken():
    wanted = {"enabled": False, "sends": False, "receives": True}
    assert fit_switches(wanted, None) == wanted


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ({"sends": False}, "cannot send"),
        ({"receives": False}, "refuses mail"),
        ({"sends": False, "receives": False}, "cannot send, refuses mail"),
        ({"enabled": False}, "switched off, still receives"),
        ({"enabled": False, "receives": False}, "switched off, refuses mail"),
    ],
)
def test_the_list_says_what_is_not_on(as_webmaster, live, values, note):
    Mailbox.objects.update(**values)
    assert f'<span class="under">{note}</span>' in as_webmaster.get("/domains/example.test/").content.decode()


@pytest.mark.parametrize(
    ("show", "found"),
    [
        ("sends-not", ["locked", "off"]),
        ("receives-not", ["refusing"]),
        ("off-receives", ["off"]),
        ("sends-not&show=on", ["locked"]),
    ],
)
def test_the_list_is_narrowed_by_each(as_webmaster, domain, show, found):
    rows = {
        "locked": {"sends": False},
        "off": {"enabled": False},
        "refusing": {"receives": False},
        "usual": {},
    }
    for name, values in rows.items():
        Mailbox.objects.create(
            address=f"{name}@example.test",
            domain=domain,
            server=domain.server,
            login=name,
            quota_bytes=0,
            **values,
        )
    text = as_webmaster.get(f"/domains/example.test/?show={show}").content.decode()
    assert [name for name in rows if f">{name}@example.test<" in text] == found


def test_after_this_was_not_me_sending_is_stopped_with_one_press(as_webmaster, live):
    RedirectAlarm.objects.create(mailbox=live, kind="not-me")
    Mailbox.objects.update(frozen_at=timezone.now())
    assert 'name="sends" value="off">Stop sending as well' in page(as_webmaster)


def test_those_switched_off_before_go_on_refusing_mail_where_they_did(live, server):
    refuse_as_before = import_module("accounts.migrations.0021_sending_and_receiving").refuse_as_before
    refuse_as_before(apps, None)
    assert Mailbox.objects.get().receives
    Mailbox.objects.update(enabled=False)
    type(server).objects.update(kind="virtualmin")
    refuse_as_before(apps, None)
    assert Mailbox.objects.get().receives
    type(server).objects.update(kind="dovecot")
    refuse_as_before(apps, None)
    assert not Mailbox.objects.get().receives


def test_of_two_switches_in_one_transaction_each_counts(live, webmaster, committed):
    with committed():
        assert lifecycle.switch_mailbox(live, {"sends": False}, by=webmaster) == {"sends": False}
        assert lifecycle.switch_mailbox(live, {"sends": False}, by=webmaster) == {}
    assert MemoryDriver.accounts[LOGIN] == replace(MemoryDriver.accounts[LOGIN], sends=False)
