"""Whatever a script is made of changes: the server hears of it, or will."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts import aliases, freezing, lifecycle
from accounts.account_drift import keep_account
from accounts.models import Alias, Mailbox, Person
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from vacation.aspects import desired_script
from vacation.content import script_text
from vacation.domain_services import save_rules
from vacation.forwarding import save_forwarding
from vacation.models import AutoReply, DomainRules, Forwarding
from vacation.services import save_auto_reply

GROUP, OWN, LATIN = "sales@example.test", "anna.j@example.test", "j\xf6rg@example.test"
Does = Callable[[Mailbox, Person], object]


def changes_the_name(mailbox, by):
    seen = {"name": mailbox.name, "recovery_address": ""}
    lifecycle.edit_mailbox(mailbox, {"name": "Anna Peeters", "recovery_address": ""}, seen=seen, by=by)


def keeps_the_servers_name(mailbox, by):
    held = {"password_hash": mailbox.password_hash, "quota_bytes": 1, "enabled": True, "name": "Anna P."}
    keep_account(mailbox, held, by)


def adds_an_alias(mailbox, by):
    aliases.create_alias(mailbox.domain, "more@example.test", [mailbox.address], by=by)


def makes_an_alias_a_group(mailbox, by):
    alias = Alias.objects.get(address=OWN)
    aliases.save_alias(alias, [*alias.addresses(), "bob@outside.test"], seen_version=alias.version, by=by)


def makes_a_group_an_alias(mailbox, by):
    alias = Alias.objects.get(address=GROUP)
    aliases.save_alias(alias, [mailbox.address], seen_version=alias.version, by=by)


def deletes_an_alias(mailbox, by):
    aliases.delete_alias(Alias.objects.get(address=OWN), by=by)


def forbids_outside(mailbox, by):
    save_rules(DomainRules(domain=mailbox.domain, outside="inside"), by=by)


def freezes(mailbox, by):
    freezing.freeze(mailbox, kind="forwarding")


def sets_a_forwarding(mailbox, by):
    before = Forwarding.of(mailbox)
    wanted = Forwarding(mailbox=mailbox, enabled=True)
    save_forwarding(wanted, ["anna@elsewhere.test"], seen_version=before.version, by=by)


def writes_another_text(mailbox, by):
    before = AutoReply.of(mailbox)
    reply = AutoReply(mailbox=mailbox, enabled=True, text=f"text {before.version}")
    save_auto_reply(reply, seen_version=before.version, by=by)


def brings_it_back_after_the_rules_changed(mailbox, by):
    lifecycle.delete_mailbox(mailbox, by=by, with_aliases=True)
    forbids_outside(mailbox, by)
    lifecycle.restore_mailbox(Mailbox.objects.get(pk=mailbox.pk), by=by)


EVERYTHING = (
    *(changes_the_name, keeps_the_servers_name, adds_an_alias, makes_an_alias_a_group, deletes_an_alias),
    *(makes_a_group_an_alias, forbids_outside, freezes, sets_a_forwarding, writes_another_text),
    brings_it_back_after_the_rules_changed,
)


@pytest.fixture
def answering(mailbox, webmaster, committed) -> Mailbox:
    with committed():
        aliases.create_alias(mailbox.domain, OWN, [mailbox.address], by=webmaster)
        aliases.create_alias(mailbox.domain, GROUP, [mailbox.address, "bob@outside.test"], by=webmaster)
        save_auto_reply(AutoReply(mailbox=mailbox, enabled=True, text="away"), seen_version=0, by=webmaster)
        forward = Forwarding(mailbox=mailbox, enabled=True)
        save_forwarding(forward, ["anna@outside.test"], seen_version=0, by=webmaster)
        target = forward.targets.get()
        target.confirmed_at = timezone.now()
        target.save()
    with committed():
        writes_another_text(mailbox, webmaster)
    assert is_as_wanted(mailbox)
    return mailbox


def wanted_of(mailbox):
    joined = Mailbox.objects.select_related(
        "domain__mail_rules", "server", "auto_reply", "forwarding", "own_scripts"
    )
    return desired_script(joined.get(pk=mailbox.pk)).text


def is_as_wanted(mailbox) -> bool:
    held = MemoryDriver.scripts.get(mailbox.login)
    return (held.text if held else "") == wanted_of(mailbox)


@pytest.mark.parametrize("does", EVERYTHING, ids=lambda does: does.__name__)
def test_the_server_holds_what_is_wanted_whatever_changes(answering, operator, committed, does: Does):
    before = wanted_of(answering)
    with committed():
        does(answering, operator)
    assert wanted_of(answering) != before, "the test changes no input"
    assert is_as_wanted(answering)


def test_a_reply_sent_after_a_marriage_has_the_new_name(answering, webmaster, committed):
    with committed():
        changes_the_name(answering, webmaster)
    assert '"Anna Peeters\\" <anna@example.test>"' in MemoryDriver.scripts[answering.login].text


def test_a_new_name_asks_no_push_of_a_reply_that_is_off(mailbox, webmaster, committed):
    with committed():
        changes_the_name(mailbox, webmaster)
    assert not Change.objects.filter(aspect="script").exists()


def test_an_alias_that_pigeonhole_does_not_know_costs_no_auto_reply(answering, committed, webmaster):
    for strange in (LATIN, "jorg.@example.test", "j..m@example.test"):
        alias = Alias.objects.create(address=strange, domain=answering.domain)
        alias.targets.create(address=answering.address)
    with committed():
        writes_another_text(answering, webmaster)
    change = Change.objects.filter(aspect="script").latest("pk")
    assert change.state == Change.State.LIVE
    assert "anna.j@" in MemoryDriver.scripts[answering.login].text
    assert "j..m" not in MemoryDriver.scripts[answering.login].text


def test_a_thousand_aliases_that_came_later_stop_no_push(answering):
    AutoReply.objects.filter(mailbox=answering).update(text="\U0001f389" * 10_000)
    for number in range(400):
        alias = Alias.objects.create(
            address=f"a.rather.long.one.{number}@example.test", domain=answering.domain
        )
        alias.targets.create(address=answering.address)
    joined = Mailbox.objects.select_related("domain", "auto_reply", "forwarding").get(pk=answering.pk)
    assert ':addresses ["anna@example.test"]' in script_text(joined)


def test_for_a_group_nobody_answers_unless_they_choose_to(answering, committed, webmaster):
    assert GROUP not in wanted_of(answering)
    assert OWN in wanted_of(answering)
    AutoReply.objects.filter(mailbox=answering).update(groups=[GROUP], left_out=[OWN])
    assert GROUP in wanted_of(answering)
    assert OWN not in wanted_of(answering)
