"""One mailbox that can't be read: the others go on, and it is told."""

from dataclasses import replace

import pytest
from django.db import DataError
from django.utils import timezone

from accounts.models import Mailbox, RedirectAlarm
from audit.chain import record
from mailservers import aspects, drift, outbox
from mailservers.aspects import aspect_named
from mailservers.drivers.base import NotThere, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.figures import figures_of
from mailservers.models import Change, DriftCheck, Observation, UsageRequest
from quotas import reading
from tests.conftest import PASSWORD_HASH
from vacation import script_drift

pytestmark = pytest.mark.sql

LOGIN, OTHER = "example0001", "example0002"
PAGE = "/mailboxes/anna@example.test/"
STRANGER = 'redirect "stranger@evil.test";\n'


@pytest.fixture
def other(mailbox, domain, server):
    return Mailbox.objects.create(
        address="bert@example.test",
        domain=domain,
        server=server,
        login=OTHER,
        owner=mailbox.owner,
        quota_bytes=0,
        password_hash=PASSWORD_HASH,
    )


@pytest.fixture
def both(mailbox, other, committed):
    """Seen once as they should be."""
    with committed():
        for each in (mailbox, other):
            outbox.request_push(each, "script", record("mailbox.created", by=None, about=each))
    return mailbox, other


@pytest.fixture
def look(server, committed):
    def look() -> DriftCheck:
        with committed():
            drift.request_check(server, aspect="script")
        assert not DriftCheck.objects.unfinished()
        return DriftCheck.objects.latest("pk")

    return look


def alarms():
    return {alarm.mailbox.login: alarm.targets for alarm in RedirectAlarm.objects.select_related("mailbox")}


def unread():
    return list(Observation.objects.unread().values_list("mailbox__login", flat=True))


@pytest.mark.parametrize(
    "script",
    [
        'require ["variables","encoded-character"]; set "x" "y"; redirect "${x}@b${hex:00}z.test";',
        'require "vacation"; vacation :mime "Content-Type: text/plain (; charset*=x\n\nhi";',
        'require "encoded-character"; redirect "${unicode:d800}@b.test";',
        'redirect "a\0@b.test";',
        "# rule:[a\0b]\n" + 'require "vacation"; vacation "a\0b";',
        'require "vacation"; vacation :subject "=?utf-8?b?=00?=" :from "\0" "x";',
        "#rule:[" * 6000 + "\n" + "keep;\n" * 60 + 'redirect "n@x.test";',
        'redirect "a@b.test";\n' * 60_000,
    ],
    ids=range(8),
)
def test_whatever_is_in_one_script_another_ones_redirect_is_told(script, both, look):
    MemoryDriver.own_scripts[LOGIN] = script
    MemoryDriver.own_scripts[OTHER] = STRANGER
    check = look()
    assert alarms()[OTHER] == ["stranger@evil.test"]
    assert check.compared == 2
    look()


def test_a_reader_that_fails_on_one_keeps_no_other_from_being_compared(
    both, look, monkeypatch, client, webmaster, server
):
    real = script_drift.own_rules.found_in

    def found_in(scripts):
        if any("odd" in script.text for script in scripts):
            raise RecursionError("with a secret")
        return real(scripts)

    monkeypatch.setattr(script_drift.own_rules, "found_in", found_in)
    MemoryDriver.own_scripts[LOGIN] = 'redirect "odd@evil.test";'
    MemoryDriver.own_scripts[OTHER] = STRANGER
    check = look()
    assert check.unread == 1
    assert unread() == [LOGIN]
    assert alarms() == {LOGIN: ["? unread"], OTHER: ["stranger@evil.test"]}
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = client.get(PAGE).content.decode()
    assert "The portal can't read the rules of this mailbox" in page
    assert "RecursionError" in page
    assert "secret" not in page
    assert "somewhere, maybe" in page
    assert figures_of([server])[server.pk].unread == 1
    look()
    assert RedirectAlarm.objects.count() == 2


def test_once_it_can_be_read_again_all_is_as_before(both, look, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(script_drift, "explain_script", None)
        broken.setattr(script_drift.own_rules, "found_in", lambda _scripts: 1 / 0)
        MemoryDriver.own_scripts[LOGIN] = STRANGER
        look()
    assert unread() == [LOGIN, OTHER]
    look()
    assert unread() == []
    assert Observation.objects.get(mailbox__login=LOGIN).redirects == ["stranger@evil.test"]


def test_what_fails_in_the_database_is_that_mailboxs_own(both, look, monkeypatch):
    real = script_drift.raise_unknown

    def raise_unknown(found, known_before):
        if any("poison@evil.test" in targets for _, targets in found):
            raise DataError
        real(found, known_before)

    script = aspect_named("script")
    broken = replace(script, watch=replace(script.watch, alarm=raise_unknown))
    monkeypatch.setitem(aspects._aspects, "script", broken)
    MemoryDriver.own_scripts[LOGIN] = 'redirect "poison@evil.test";'
    MemoryDriver.own_scripts[OTHER] = STRANGER
    look()
    assert unread() == [LOGIN]
    assert alarms()[OTHER] == ["stranger@evil.test"]


def test_a_mailbox_that_does_not_answer_twice_in_a_row_is_told(both, look, monkeypatch):
    def read_script(_driver, login):
        if login == LOGIN:
            raise TryAgain("A text is too long.")
        return real(_driver, login)

    real = MemoryDriver.read_script
    monkeypatch.setattr(MemoryDriver, "read_script", read_script)
    look()
    assert unread() == [LOGIN]
    assert alarms() == {}
    look()
    assert alarms() == {LOGIN: ["? unread"]}
    look()
    assert RedirectAlarm.objects.count() == 1


def test_a_mailbox_that_is_not_there_is_no_riddle(both, look, monkeypatch):
    def read_script(_driver, _login):
        raise NotThere("The mailbox is not on the mail server yet.")

    monkeypatch.setattr(MemoryDriver, "read_script", read_script)
    look()
    look()
    assert unread() == []


def test_a_mailbox_whose_only_push_failed_is_watched_too(mailbox, look, committed):
    with committed():
        change = outbox.request_push(mailbox, "script", record("mailbox.created", by=None, about=mailbox))
    Change.objects.filter(pk=change.pk).update(state=Change.State.FAILED)
    Observation.objects.all().delete()
    MemoryDriver.own_scripts[LOGIN] = 'if header :is "a" "b" { redirect "stranger@evil.test"; }\n'
    look()
    assert alarms() == {LOGIN: ["stranger@evil.test"]}


def test_what_a_driver_raises_while_it_tells_of_usage_is_noted_and_waits(domain, mailbox, monkeypatch):
    def usages(_driver, _domain, _after):
        raise RecursionError("with a secret")

    monkeypatch.setattr(MemoryDriver, "usages", usages)
    [(number, _queue)] = reading.due_domains()
    assert reading.read_some(number) == ""
    row = reading.DomainReading.objects.get()
    assert "RecursionError" in row.reason_text
    assert reading.due_domains() == []


def test_who_asks_what_a_mailbox_holds_is_told_that_it_can_not_be_read(mailbox, monkeypatch):
    def usage(_driver, _login):
        raise TypeError("with a secret")

    monkeypatch.setattr(MemoryDriver, "usage", usage)
    UsageRequest.objects.create(mailbox=mailbox, asked_at=timezone.now())
    assert reading.answer(mailbox.pk) == ""
    wish = UsageRequest.objects.get()
    assert wish.answered_at
    assert wish.reason_values == {"kind": "TypeError"}


@pytest.mark.parametrize(
    ("target", "alarms_count"),
    [
        ("bert@example.test", 0),
        ("jörg@example.test", 0),
        ("${x}@example.test", 1),
        ("<bert@example.test> stranger@evil.test", 1),
        ("stranger@evil.test, bert@example.test", 1),
        ("bert@example.test.", 1),
    ],
)
def test_only_a_plain_address_of_ones_own_raises_no_alarm(both, look, target, alarms_count):
    variables = 'require "variables"; set "x" "stranger";' if "$" in target else ""
    MemoryDriver.own_scripts[LOGIN] = f'{variables} if header :is "a" "b" {{ redirect "{target}"; }}'
    look()
    assert RedirectAlarm.objects.count() == alarms_count
