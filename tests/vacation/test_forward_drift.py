"""What somebody changed of a forwarding on the server: told in words, kept, and no false alarm."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import RedirectAlarm
from audit.chain import record
from mailservers import drift, outbox
from mailservers.drivers.base import ScriptState
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.sieve_reading import redirects
from mailservers.models import Observation
from vacation.forward_reading import FoundForward, read_script
from vacation.models import AutoReply, Forwarding, ForwardingTarget
from vacation.reply_reading import NotUnderstood

LOGIN = "example0001"


def roundcube(name: str) -> str:
    return (Path(__file__).parent / "roundcube" / f"{name}.sieve").read_text()


@pytest.fixture
def live(mailbox, committed):
    """Mail goes to an address that agreed, and to a colleague."""
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    for address in ("home@outside.test", "bert@example.test"):
        ForwardingTarget.objects.create(forwarding=forwarding, address=address, confirmed_at=timezone.now())
    with committed():
        outbox.request_push(mailbox, "script", record("mailbox.created", by=None, about=mailbox))
    return mailbox


@pytest.fixture
def look(server, committed):
    def look() -> list[str]:
        with committed():
            drift.request_check(server)
        part = Observation.objects.get(aspect="script")
        return [sentence for sentence, _values in part.differences] if part.drifted_since else []

    return look


def change(**values):
    MemoryDriver.scripts[LOGIN] = replace(MemoryDriver.scripts[LOGIN], **values)


def keep(mailbox, by, committed):
    with committed():
        drift.keep_theirs(mailbox, "script", seen=Observation.objects.get(aspect="script").mark, by=by)


def test_what_the_portal_sends_on_itself_raises_no_alarm(live, look):
    assert look() == []
    assert not RedirectAlarm.objects.exists()


def test_a_thiefs_address_in_the_portals_own_script_does(live, look):
    text = MemoryDriver.scripts[LOGIN].text
    change(text=text + 'redirect :copy "thief@evil.test";\n')
    assert look() == ["Mail is forwarded to other addresses there."]
    assert RedirectAlarm.objects.get().targets == ["thief@evil.test"]


def test_keeping_it_asks_the_new_address_first(live, look, webmaster, committed):
    change(text=MemoryDriver.scripts[LOGIN].text + 'redirect :copy "new@outside.test";\n')
    look()
    keep(live, webmaster, committed)
    assert "new@outside.test" in Forwarding.of(live).addresses()
    assert "new@outside.test" not in redirects(MemoryDriver.scripts[LOGIN].text)
    assert ForwardingTarget.objects.get(address="new@outside.test").answer == "waiting"


def test_switched_off_there_can_be_kept(live, look, webmaster, committed):
    MemoryDriver.scripts[LOGIN] = ScriptState("", active=False)
    assert look() == ["Mail is not forwarded there any more."]
    keep(live, webmaster, committed)
    assert not Forwarding.of(live).enabled


def test_without_copies_there(live, look, webmaster, committed):
    change(text=MemoryDriver.scripts[LOGIN].text.replace(" :copy", ""))
    assert look() == ["Whether a copy is kept is another choice there."]
    keep(live, webmaster, committed)
    assert not Forwarding.of(live).keep_copy


def test_beside_periods_and_days_of_the_week_it_is_still_understood(live, look, committed):
    AutoReply.objects.create(mailbox=live, enabled=True, text="x", weekdays=[3], outside_text="y")
    with committed():
        outbox.request_push(live, "script", record("mailbox.created", by=None, about=live))
    change(text=MemoryDriver.scripts[LOGIN].text.replace(" :copy", ""))
    assert look() == ["Whether a copy is kept is another choice there."]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("forward", FoundForward(("boss@elsewhere.test",), keep_copy=True)),
        ("copy", FoundForward(("boss@elsewhere.test",), keep_copy=True)),
        ("on", None),
    ],
)
def test_what_roundcubes_forms_write_is_read(name, found):
    reply, forward = read_script(roundcube(name))
    assert forward == found
    assert (reply is None) == (name == "forward")


@pytest.mark.parametrize(
    "script",
    [
        'redirect "a@x.test"; redirect :copy "b@x.test";',
        'if header :is "subject" "x" { redirect "a@x.test"; }',
        'redirect "a@x.test"; discard;',
        'redirect :list "a@x.test";',
        "redirect",
    ],
)
def test_what_the_portal_could_not_keep_is_not_understood(script):
    with pytest.raises(NotUnderstood):
        read_script(script)
