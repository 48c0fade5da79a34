"""Aliases on their way to the server: what it holds, what the audit keeps, the way back, and drift."""

import pytest

from accounts import alias_leads, aliases
from accounts.models import Alias, Mailbox, RedirectAlarm
from audit.models import Event
from mailservers import drift, outbox
from mailservers.drivers.base import AliasState, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import ALIAS, Change, Observation
from vacation.models import AutoReply

INFO = "info@example.test"


@pytest.fixture
def info(mailbox, webmaster, committed) -> Alias:
    with committed():
        return aliases.create_alias(mailbox.domain, INFO, [mailbox.address], by=webmaster)


def held(address: str = INFO) -> tuple[str, ...] | None:
    found = MemoryDriver.known_aliases.get(address)
    return None if found is None else found.targets


def newest(alias: Alias) -> Change:
    change = Change.objects.newest_of(alias.pk, ALIAS)
    assert change is not None
    return change


def compare(domain, committed) -> None:
    with committed():
        drift.request_check(domain.server, domain=domain, aspect=ALIAS)


def test_a_new_alias_gets_to_the_server_and_is_read_back(info, webmaster):
    assert held() == ("anna@example.test",)
    assert newest(info).state == "live"
    observation = Observation.objects.get(alias=info)
    assert (observation.mailbox_id, observation.drifted_since) == (None, None)
    event = Event.objects.get(verb="alias.created")
    assert (event.after, event.domain) == ({"leads_to": ["anna@example.test"]}, "example.test")
    assert Event.objects.get(verb="change.live").subject == INFO


def test_ten_changes_while_it_is_away_become_one_push(info, webmaster, committed, domain):
    MemoryDriver.failures.append(TryAgain("busy"))
    with committed():
        aliases.save_alias(info, ["first@x.test"], seen_version=1, by=webmaster)
    for number in range(2, 5):
        aliases.save_alias(info, [f"a{number}@x.test"], seen_version=number, by=webmaster)
    Change.objects.update(next_attempt_at=newest(info).requested_at)
    with committed():
        outbox.announce(domain.server, 0)
    assert held() == ("a4@x.test",)
    states = list(Change.objects.filter(alias=info).order_by("pk").values_list("state", flat=True))
    assert states == ["live", "superseded", "superseded", "superseded", "live"]


def test_what_somebody_did_not_see_is_not_overwritten(info, webmaster):
    aliases.save_alias(info, ["a@x.test"], seen_version=1, by=webmaster)
    with pytest.raises(aliases.Stale):
        aliases.save_alias(info, ["b@x.test"], seen_version=1, by=webmaster)
    assert Alias.objects.get(pk=info.pk).addresses() == ["a@x.test"]


@pytest.mark.sql
def test_a_change_is_undone_and_a_deletion_too(info, webmaster, committed):
    with committed():
        aliases.save_alias(info, ["a@x.test"], seen_version=1, by=webmaster)
    with committed():
        aliases.delete_alias(info, by=webmaster)
    assert held() is None
    with committed():
        outbox.undo(newest(info), by=webmaster)
    assert held() == ("a@x.test",)
    assert Alias.objects.alive().get().addresses() == ["a@x.test"]


def test_undoing_a_new_alias_takes_it_away(info, webmaster, committed):
    with committed():
        outbox.undo(newest(info), by=webmaster)
    assert held() is None
    assert not Alias.objects.alive().exists()


def test_a_deleted_aliass_address_taken_by_a_mailbox_does_not_come_back(info, webmaster, committed, mailbox):
    with committed():
        aliases.delete_alias(info, by=webmaster)
    Mailbox.objects.filter(pk=mailbox.pk).update(address=INFO)
    with pytest.raises(outbox.MovedOn):
        outbox.undo(newest(info), by=webmaster)
    with pytest.raises(aliases.Taken):
        aliases.create_alias(info.domain, INFO, ["a@x.test"], by=webmaster)


def test_a_waiting_change_is_cancelled(info, webmaster, committed):
    aliases.save_alias(info, ["a@x.test"], seen_version=1, by=webmaster)
    with committed():
        assert outbox.cancel(newest(info), by=webmaster) is None
    assert held() == ("anna@example.test",)
    assert Alias.objects.get(pk=info.pk).addresses() == ["anna@example.test"]


def test_a_domain_has_no_more_aliases_than_it_may(info, webmaster, domain):
    domain.max_aliases = 1
    domain.save()
    with pytest.raises(aliases.NoAliasLeft) as full:
        aliases.create_alias(domain, f"more@{domain.name}", ["a@x.test"], by=webmaster)
    assert full.value.most == 1


@pytest.mark.sql
def test_auto_replies_know_the_aliases_they_answer_for(mailbox, webmaster, committed):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="away")
    with committed():
        aliases.create_alias(mailbox.domain, INFO, [mailbox.address], by=webmaster)
    assert f'"{INFO}"' in MemoryDriver.scripts[mailbox.login].text
    with committed():
        aliases.save_alias(Alias.objects.get(), ["a@x.test"], seen_version=1, by=webmaster)
    assert INFO not in MemoryDriver.scripts[mailbox.login].text
    assert Event.objects.filter(verb="mailbox.addresses_changed").count() == 2


def test_a_catch_all_is_no_address_of_a_mailbox(mailbox, webmaster, committed):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="away")
    with committed():
        aliases.create_alias(mailbox.domain, "@example.test", [mailbox.address], by=webmaster)
    assert held("@example.test") == (mailbox.address,)
    assert mailbox.login not in MemoryDriver.scripts
    assert alias_leads.addresses_of(mailbox) == []


# --- changed there


def test_what_was_changed_there_is_told_and_kept(info, webmaster, domain, committed):
    MemoryDriver.known_aliases[INFO] = AliasState(INFO, ("Boss@Example.test",))
    compare(domain, committed)
    part = Observation.objects.drifted().get()
    [told] = part.differences_told
    assert told == f"{INFO} leads to boss@example.test there, and to anna@example.test here."
    with committed():
        drift.keep_theirs(info, ALIAS, seen=part.mark, by=webmaster)
    assert Alias.objects.get(pk=info.pk).addresses() == ["boss@example.test"]
    assert not Observation.objects.drifted().exists()


def test_what_was_changed_there_is_restored(info, webmaster, domain, committed):
    del MemoryDriver.known_aliases[INFO]
    compare(domain, committed)
    part = Observation.objects.drifted().get()
    assert part.held == {"leads_to": []}
    with committed():
        drift.restore_ours(info, ALIAS, seen=part.mark, by=webmaster)
    assert held() == ("anna@example.test",)


@pytest.mark.sql
def test_an_alias_that_appears_there_is_found_and_may_be_kept_or_removed(
    info, webmaster, domain, committed, mailbox
):
    compare(domain, committed)
    for name in ("new", "other"):
        state = AliasState(f"{name}@example.test", (mailbox.address,))
        MemoryDriver.known_aliases[state.address] = state
    MemoryDriver.known_aliases["list@example.test"] = AliasState("list@example.test", ("|/usr/bin/list",))
    MemoryDriver.known_aliases[mailbox.address] = AliasState(mailbox.address, (mailbox.address,))
    compare(domain, committed)
    found = {part.subject.address: part for part in Observation.objects.drifted()}
    assert sorted(found) == ["new@example.test", "other@example.test"]
    new, other = found.values()
    with committed():
        drift.keep_theirs(new.subject, ALIAS, seen=new.mark, by=webmaster)
        drift.restore_ours(other.subject, ALIAS, seen=other.mark, by=webmaster)
    assert [alias.address for alias in Alias.objects.alive().order_by("address")] == [
        INFO,
        "new@example.test",
    ]
    assert held("other@example.test") is None
    assert held("new@example.test") == (mailbox.address,)
    assert not RedirectAlarm.objects.exists()


def test_what_was_there_before_the_portal_looked_is_taken_over(domain, mailbox, committed):
    for address, target in (("old@example.test", mailbox.address), ("@example.test", "boss@outside.test")):
        MemoryDriver.known_aliases[address] = AliasState(address, (target,))
    compare(domain, committed)
    assert {alias.address for alias in Alias.objects.alive()} == {"old@example.test", "@example.test"}
    assert not Observation.objects.drifted().exists()
    assert Event.objects.filter(verb="alias.kept_from_server").count() == 2
    compare(domain, committed)
    assert not Observation.objects.drifted().exists()


def test_an_alias_to_outside_that_appears_there_is_an_alarm_that_is_mailed(
    domain, webmaster, committed, mailoutbox
):
    webmaster.email = "willem@home.test"
    webmaster.save()
    compare(domain, committed)
    MemoryDriver.known_aliases[INFO] = AliasState(INFO, ("thief@evil.test",))
    compare(domain, committed)
    [alarm] = RedirectAlarm.objects.open_to(webmaster)
    assert (alarm.subject.address, alarm.targets) == (INFO, ["thief@evil.test"])
    [mail] = mailoutbox
    assert "thief@evil.test" in mail.body
    compare(domain, committed)
    assert RedirectAlarm.objects.count() == 1


def test_where_the_portal_itself_leads_mail_is_no_alarm(info, webmaster, domain, committed):
    with committed():
        aliases.save_alias(info, ["boss@outside.test"], seen_version=1, by=webmaster)
    for _ in range(2):
        compare(domain, committed)
    assert not RedirectAlarm.objects.exists()
    assert not Observation.objects.drifted().exists()


def test_what_was_deleted_long_ago_is_forgotten(info, webmaster, committed, settings):
    settings.KEEP_DELETED_DAYS = 0
    with committed():
        aliases.delete_alias(info, by=webmaster)
    assert aliases.purge_aliases() == 1
    assert not Alias.objects.exists()
    assert Event.objects.filter(verb="alias.deleted").exists()
