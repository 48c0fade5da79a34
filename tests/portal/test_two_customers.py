"""Two customers on one server, and all that one of them has points at the other.

Nothing of theirs is seen here, changed from here, or in the way. Every page of the portal is walked, and
every service that does something for a person has to be named here with what keeps it at home.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.test import Client
from django.utils import timezone

from accounts import alias_leads, aliases, lifecycle
from accounts.models import Alias, Domain, DomainAdmin, Mailbox, PasswordRequest, Person
from audit.models import Event
from batches import services as batches
from batches.models import Batch, Row
from batches.planning import plan_chosen
from mailboxtemplates.models import MailboxTemplate
from mailservers import outbox
from mailservers.models import Change
from quotas.models import QuotaRequest
from tests.portal.test_imports import ORDER, ROOT
from tests.portal.test_urls import TABLE, URLS
from vacation.content import script_text
from vacation.models import AutoReply, DomainRules, Forwarding, ReplyTemplate, SettingRequest

# Stands in all that is the other customer's.
MARK = "zzquid"
ANNA, BERT = "anna@example.test", "zzquid-bert@elsewhere.test"


@pytest.fixture(autouse=True)
def _just_proved_who_they_are(monkeypatch) -> None:
    # Where it was imported by name first: what is imported while it is replaced would keep that.
    for module in ("batches.views", "batches.file_views", "accounts.stepping_up"):
        monkeypatch.setattr(f"{module}.has_stepped_up", lambda request: True)


@pytest.fixture
def berta(domain, webmaster) -> Mailbox:
    return Mailbox.objects.create(
        address="berta@example.test", domain=domain, server=domain.server, login="example0002", quota_bytes=0
    )


@pytest.fixture
def theirs(mailbox, berta, other_domain, other_webmaster) -> int:
    """Of the other customer: all of it leads here. The number of what is named by one, here too."""
    user = Person.objects.create(username=BERT, name="Zzquid Bert")
    bert = Mailbox.objects.create(
        address=BERT,
        domain=other_domain,
        server=other_domain.server,
        login="zzquid0001",
        name="Zzquid Bert",
        quota_bytes=0,
        owner=user,
    )
    for name, leads_to in {
        "zzquid-partner": [ANNA],
        "zzquid-both": [ANNA, "berta@example.test"],
        "zzquid-info": ["info@example.test"],
        "postmaster": [ANNA],
    }.items():
        aliases.create_alias(other_domain, f"{name}@elsewhere.test", leads_to, by=other_webmaster)
    aliases.create_alias(other_domain, "@elsewhere.test", [ANNA], by=other_webmaster)
    forwarding = Forwarding.objects.create(mailbox=bert, enabled=True, keep_copy=False)
    for address in (ANNA, "info@example.test"):
        forwarding.targets.create(address=address, confirmed_at=timezone.now())
    AutoReply.objects.create(mailbox=bert, enabled=True, text=f"zzquid: write to {ANNA}", addresses=[ANNA])
    reply = ReplyTemplate.objects.create(domain=other_domain, title="zzquid reply", text=f"zzquid {ANNA}")
    MailboxTemplate.objects.create(domain=other_domain, title="zzquid template", reply=reply)
    batch = Batch.objects.create(domain=other_domain, title="zzquid batch")
    batch.rows.create(number=1, address=ANNA, verdict=Row.Verdict.DELETED, cells=["zzquid"])
    wanted = Forwarding(mailbox=bert, enabled=True).as_told([ANNA, "zzquid@x.test"])
    SettingRequest.objects.create(mailbox=bert, setting="forwarding", before={}, wanted=wanted)
    QuotaRequest.objects.create(mailbox=bert, wanted_bytes=5)
    PasswordRequest.objects.create(mailbox=bert, typed="zzquid", state="waiting")
    return batch.pk


@pytest.fixture
def ours(theirs, mailbox, berta, webmaster, domain) -> Change:
    info = aliases.create_alias(domain, "info@example.test", [ANNA], by=webmaster)
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="away")
    Forwarding.objects.create(mailbox=mailbox, enabled=True).targets.create(
        address="berta@example.test", confirmed_at=timezone.now()
    )
    return Change.objects.filter(alias=info).latest("pk")


def rows_of(domain: Domain) -> dict[str, list[Any]]:
    """All that belongs to a domain, as it stands in the database."""
    found: dict[str, list[Any]] = {}
    for model in apps.get_models():
        ways = [
            way
            for field in model._meta.get_fields()
            if field.is_relation and field.concrete and (way := _way_to_domain(model, field.name))
        ]
        if model is Domain:
            rows: QuerySet[Any] = Domain.objects.filter(pk=domain.pk)
        elif model is Event:
            rows = Event.objects.filter(domain=domain.name)
        elif ways:
            rows = model._base_manager.filter(*[Q.create([(way, domain) for way in ways], Q.OR)])
        else:
            continue
        found[model._meta.label] = list(rows.order_by("pk").values())
    return found


def differences(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    """Models of which something is another one, but for what the portal does by itself.

    Where a forwarding's target takes no mail any more it sends nothing there and tells its people.
    """
    found = []
    for label, rows_before in before.items():
        was, now = rows_before, after[label]
        if label == "vacation.ForwardingTarget":
            was, now = ([row | {"gone_at": None} for row in rows] for rows in (was, now))
        if label == "audit.Event":
            now = [row for row in now if row["by_id"] or row["verb"] not in BY_ITSELF]
        if label == "mailservers.Change":
            news = Event.objects.filter(pk__in=[row["event_id"] for row in now[len(was) :]])
            now = now if news.exclude(verb__in=BY_ITSELF).exists() else now[: len(was)]
        if label == "accounts.RedirectAlarm":
            now = [row for row in now if row["kind"] != "gone"]
        if was != now:
            found.append(label)
    return found


BY_ITSELF = ("forwarding.target_gone", "forwarding.target_back")


def _way_to_domain(model: type[Model], name: str, depth: int = 0) -> str:
    """By which relations a row belongs to a domain: "mailbox__domain", say."""
    field = model._meta.get_field(name)
    to: Any = field.related_model
    if to is Domain and (field.many_to_one or field.one_to_one):
        return name
    if (
        depth < 2
        and isinstance(to, type)
        and issubclass(to, OWNED)
        and (field.many_to_one or field.one_to_one)
    ):
        for inner in to._meta.get_fields():
            if inner.is_relation and inner.concrete and (way := _way_to_domain(to, inner.name, depth + 1)):
                return f"{name}__{way}"
    return ""


OWNED = (Mailbox, Alias, Batch, Forwarding, DomainRules)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# --- Every page


def path_of(view: str, names: dict[str, str]) -> str:
    path = "/" + URLS[view]
    for place, name in names.items():
        path = path.replace(f"<{place}>", name)
    return path


FILE = "address,action,login\nanna@example.test,delete,\nnew@example.test,,zzquid0001\n"
# What people would send: as much of it as reaches others, in as far as pages take it.
SENT: dict[str, dict[str, Any]] = {
    "accounts:delete-mailbox": {"address": ANNA, "with_aliases": "on"},
    "accounts:switch-mailbox": {"enabled": "", "sends": "", "receives": ""},
    "aliases:hand-over": {"targets": "spy@evil.test", "version": "0"},
    "aliases:create-alias": {
        "local_part": "new",
        "targets": "zzquid-partner@elsewhere.test, anna@elsewhera.test",
        "version": "0",
    },
    "aliases:edit-alias": {"targets": "zzquid-info@elsewhere.test", "version": "1"},
    "aliases:edit-catch-all": {"targets": "zzquid-partner@elsewhere.test", "version": "0"},
    "aliases:give-names": {"targets": ANNA, "version": "0"},
    "vacation:edit-forwarding": {
        "enabled": "on",
        "addresses": "zzquid-partner@elsewhere.test, bert@elsewhera.test",
        "version": "0",
    },
    "batches:choose": {"which": "ticked", "mailbox": [ANNA], "action": "delete"},
    "batches:upload": {"file": FILE},
    "quotas:change-quotas": {"mailbox": [ANNA, BERT], "quota": "1 GB"},
    "mailboxtemplates:create-mailbox": {"local_part": "new", "login": "zzquid0001"},
    "accounts:list-mailboxes": {},
}


def walk(
    client: Client, names: dict[str, str], theirs: Domain
) -> Iterator[tuple[str, str, int, str, list[str]]]:
    """Every page, read and sent to: view, method, status, what is shown, what is changed of theirs."""
    before = rows_of(theirs)
    assert before["accounts.Alias"]
    assert before["vacation.ForwardingTarget"]
    assert before["batches.Row"]
    for view, method in itertools.product(TABLE, ("get", "post")):
        if view in ENDS_THE_SESSION:
            continue
        sent = dict(SENT.get(view, {})) if method == "post" else {}
        if "file" in sent:
            sent["file"] = SimpleUploadedFile("people.csv", str(sent["file"]).encode())
        changed: list[str] = []
        with rolled_back():
            answer = getattr(client, method)(path_of(view, names), sent)
            shown = "" if answer.streaming else answer.content.decode(errors="replace")
            if answer.status_code == 302 and not answer.headers["Location"].startswith("/sign-in"):
                shown += client.get(answer.headers["Location"]).content.decode(errors="replace")
            if method == "post" and answer.status_code not in (404, 405):
                after = rows_of(theirs)
                changed = differences(before, after)
        yield view, method, answer.status_code, shown.casefold(), changed


TYPED = re.compile("zzquid-(partner|info)@elsewhere.test|zzquid0001")
ENDS_THE_SESSION = {"accounts:sign-out", "accounts:end-other-sessions"}


@pytest.mark.parametrize("who", ["owner", "webmaster"])
def test_no_page_shows_or_changes_what_another_customer_has(
    client, ours, who, request, other_domain, mailbox
):
    client.force_login(request.getfixturevalue(who), "accounts.backends.PersonBackend")
    names = {
        "int:number": str(ours.pk),
        "str:name": "example.test",
        "str:address": ANNA,
        "str:alias": "info@example.test",
        "str:username": "willem",
        "slug:server": mailbox.server.name,
    }
    found = []
    for view, method, status, shown, changed in walk(client, names, other_domain):
        # What one has typed oneself stands in the form again.
        told = (
            re.sub("zzquid-(partner|info)@elsewhere.test|zzquid0001", "", shown)
            if method == "post"
            else shown
        )
        if MARK in told:
            at = told.index(MARK)
            found.append((view, method, status, told[max(at - 80, 0) : at + 60]))
        if changed:
            found.append((view, method, status, f"changed {changed}"))
    assert found == []


@pytest.mark.parametrize("who", ["owner", "webmaster"])
def test_what_another_customer_has_is_not_found(client, ours, theirs, who, request, other_domain, mailbox):
    """The same with the names and numbers of what is theirs."""
    client.force_login(request.getfixturevalue(who), "accounts.backends.PersonBackend")
    names = {
        "int:number": str(theirs),
        "str:name": "elsewhere.test",
        "str:address": BERT,
        "str:alias": "zzquid-partner@elsewhere.test",
        "str:username": BERT,
        "slug:server": mailbox.server.name,
    }
    found = []
    for view, method, status, shown, changed in walk(client, names, other_domain):
        path = path_of(view, names)
        is_named = MARK in path or "elsewhere.test" in path
        told = shown.replace(path, "")
        if (
            (is_named and status not in (404, 405))
            or "zzquid batch" in told
            or "zzquid reply" in told
            or changed
        ):
            found.append((view, method, status, changed))
    assert [each for each in found if each[0] not in FOR_EVERYBODY] == []


# Their addresses hold a domain or a name, and everybody may ask.
FOR_EVERYBODY = {"clientsetup:autoconfig", "clientsetup:autodiscover-json-address"}


# --- Every service


def services() -> Iterator[str]:
    """Every public function that does something in the name of a person."""
    for app in ORDER:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    arguments = [*node.args.args, *node.args.kwonlyargs]
                    if any(each.arg == "by" for each in arguments):
                        yield f"{app}.{path.stem}.{node.name}"


ROW = "works on the row it is given, which a queryset of rights has found"
PEOPLE = "is about people, found by Person.objects.manageable_by or their own"
STAFF = "is staff's"
# What keeps each of them at home; a test's name where it walks by addresses, texts or logins.
AT_HOME: dict[str, str] = {
    **dict.fromkeys(
        (
            "accounts.account_drift.keep_account",
            "accounts.alarms.acknowledge",
            "accounts.answering.tell_rules",
            "accounts.answering.tell_scripts",
            "accounts.app_passwords.end_all_app_passwords",
            "accounts.app_passwords.end_app_password",
            "accounts.app_passwords.let_in_by_app_passwords_alone",
            "accounts.app_passwords.let_in_by_password_too",
            "accounts.app_passwords.make_app_password",
            "accounts.domains.change_domain",
            "accounts.domains.save_app_password_rule",
            "accounts.domains.save_password_rules",
            "accounts.freezing.unfreeze",
            "accounts.helping.allow_help",
            "accounts.helping.end_help",
            "accounts.lifecycle.edit_mailbox",
            "accounts.lookups.look_up",
            "accounts.many.change_mailboxes",
            "accounts.many.create_mailboxes",
            "accounts.notices.tell",
            "accounts.notices.tell_moved",
            "accounts.one_time_links.make_link",
            "accounts.one_time_links.plan_link",
            "accounts.one_time_links.plan_links",
            "accounts.password_requests.approve",
            "accounts.password_requests.make_mailbox_link",
            "accounts.password_requests.refuse",
            "accounts.password_requests.send_mailbox_link",
            "accounts.recovery.ask_for_address",
            "accounts.recovery.take_address_away",
            "accounts.services.change_password",
            "accounts.services.close_until_new_password",
            "accounts.services.create_mailbox",
            "audit.chain.record",
            "audit.chain.record_all",
            "batches.services.begin",
            "batches.services.keep_plan",
            "batches.services.make_letters",
            "batches.services.stop",
            "batches.services.throw_away",
            "batches.services.undo",
            "branding.services.save_brand",
            "clientsetup.services.make_link",
            "mailboxtemplates.services.begin_replies",
            "mailboxtemplates.services.begin_reply",
            "mailboxtemplates.services.delete_template",
            "mailboxtemplates.services.make_mailbox",
            "mailboxtemplates.services.save_template",
            "mailservers.drift.keep_theirs",
            "mailservers.drift.leave_theirs",
            "mailservers.drift.restore_ours",
            "mailservers.drift.see_to_it_again",
            "mailservers.outbox.cancel",
            "mailservers.outbox.try_again",
            "mailservers.outbox.undo",
            "quotas.services.approve_request",
            "quotas.services.change_domain_rules",
            "quotas.services.change_quota",
            "quotas.services.change_quotas",
            "quotas.services.empty_trash",
            "quotas.services.refuse_request",
            "quotas.services.request_quota",
            "vacation.domain_services.save_rules",
            "vacation.forwarding.ask_again",
            "vacation.forwarding.save_forwarding",
            "vacation.many.switch_many",
            "vacation.ordering.order_own_rules",
            "vacation.proofs.start",
            "vacation.requests.approve",
            "vacation.requests.ask",
            "vacation.requests.refuse",
            "vacation.requests.withdraw",
            "vacation.services.save_auto_replies",
            "vacation.services.save_auto_reply",
            "vacation.taking_over.keep_script",
            "vacation.taking_over.restore_own_rules",
            "vacation.taking_over.restore_script",
            "vacation.telling.tell_user",
        ),
        ROW,
    ),
    **dict.fromkeys(
        (
            "accounts.people.change_rights",
            "accounts.people.disable",
            "accounts.people.enable",
            "accounts.people.invite",
            "accounts.people.invite_again",
            "accounts.people.invite_by_mail",
            "accounts.people.mail_link_again",
            "accounts.people.remove",
            "accounts.people.remove_from_domain",
            "accounts.people.rename",
            "accounts.personal.erase_name",
            "accounts.people.reset_second_factor",
            "accounts.second_factors.remove_all",
        ),
        PEOPLE,
    ),
    **dict.fromkeys(
        (
            "accounts.domains.create_domain",
            "accounts.personal.erase_person",
            "adoption.adopting.adopt_domain",
            "adoption.aliases.adopt_aliases",
            "adoption.services.ask",
            "adoption.services.begin",
            "audit.erasing.erase",
            "mailservers.operating.pause",
            "mailservers.operating.plan_maintenance",
            "mailservers.operating.push_what_waits",
            "mailservers.operating.request_check",
            "mailservers.operating.request_comparison",
            "mailservers.operating.resume",
            "mailservers.operating.try_failed_again",
        ),
        STAFF,
    ),
    "accounts.aliases.create_alias": "test_no_alias_of_theirs_enters_a_script_here",
    "accounts.aliases.save_alias": "test_no_alias_of_theirs_enters_a_script_here",
    "accounts.aliases.delete_alias": "test_an_alias_that_theirs_lead_to_is_deleted",
    "accounts.aliases.restore_alias": "test_an_alias_that_theirs_lead_to_is_deleted",
    "accounts.aliases.keep_alias": "test_no_alias_of_theirs_enters_a_script_here",
    "accounts.alias_leads.changed_by": "test_a_mailbox_is_handed_over_and_theirs_stay",
    "accounts.aliases.bring_back": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.led_here.leads_to": "test_no_page_shows_or_changes_what_another_customer_has",
    "accounts.led_here.tell_gone": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.led_here.tell_back": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.led_here.raise_gone": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "vacation.gone_targets.find": "test_no_page_shows_or_changes_what_another_customer_has",
    "vacation.gone_targets.stop_sending_to": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "vacation.gone_targets.send_again_to": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "batches.leads.notes_about": "test_no_page_shows_or_changes_what_another_customer_has",
    "accounts.alias_leads.aliases_to": "test_a_mailbox_is_handed_over_and_theirs_stay",
    "accounts.alias_leads.leading_only_to": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.alias_leads.leading_here": "test_no_page_shows_or_changes_what_another_customer_has",
    "accounts.alias_leads.left_without": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.alias_leads.last_readers": "test_many_that_theirs_lead_to_are_deleted",
    "accounts.aliases.hand_over": "test_a_mailbox_is_handed_over_and_theirs_stay",
    "accounts.aliases.take_off": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.lifecycle.delete_mailbox": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.lifecycle.restore_mailbox": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "accounts.lifecycle.switch_mailbox": "test_a_mailbox_that_theirs_lead_to_is_switched",
    "accounts.many.delete_mailboxes": "test_many_that_theirs_lead_to_are_deleted",
    "accounts.many.restore_mailboxes": "test_a_mailbox_that_theirs_lead_to_is_deleted",
    "aliases.targets.doubt_about": "test_no_page_shows_or_changes_what_another_customer_has",
    "batches.looking_up.look_up": "test_no_page_shows_or_changes_what_another_customer_has",
    "batches.planning.plan_table": "test_no_page_shows_or_changes_what_another_customer_has",
    "batches.planning.plan_chosen": "test_many_that_theirs_lead_to_are_deleted",
    "batches.carrying_out.carry_out": "test_many_that_theirs_lead_to_are_deleted",
    "batches.carrying_out.undo": "test_many_that_theirs_lead_to_are_deleted",
}


def test_every_service_has_been_thought_of():
    assert set(services()) == set(AT_HOME)
    for what in AT_HOME.values():
        assert what in (ROW, PEOPLE, STAFF) or what in globals(), what


def script_of(address: str) -> str:
    return script_text(Mailbox.objects.get(address=address))


def test_a_mailbox_is_handed_over_and_theirs_stay(ours, mailbox, webmaster, other_domain):
    before = rows_of(other_domain)
    assert [alias.address for alias in alias_leads.aliases_to(mailbox, webmaster)] == ["info@example.test"]
    assert aliases.hand_over(mailbox, ["berta@example.test"], by=webmaster) == 1
    assert differences(before, rows_of(other_domain)) == []


def test_handing_over_asks_the_rules_of_each_aliass_own_domain(theirs, mailbox, webmaster, other_domain):
    DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    DomainRules.objects.create(domain=other_domain, outside="listed", allow_list=["example.test"])
    with pytest.raises(outbox.NotAllowed, match="evil"):
        aliases.hand_over(mailbox, ["spy@evil.test"], by=webmaster)


def test_a_mailbox_that_theirs_lead_to_is_deleted(ours, mailbox, webmaster, other_domain):
    """Not held up by their postmaster@, which leads there alone."""
    before = rows_of(other_domain)
    assert alias_leads.leading_only_to(ANNA, webmaster) == ["info@example.test"]
    lifecycle.delete_mailbox(mailbox, by=webmaster, with_aliases=True)
    assert not Alias.objects.alive().filter(address="info@example.test").exists()
    assert differences(before, rows_of(other_domain)) == []
    lifecycle.restore_mailbox(mailbox, by=webmaster)
    assert differences(before, rows_of(other_domain)) == []


def test_a_mailbox_that_theirs_lead_to_is_switched(ours, mailbox, webmaster, other_domain):
    before = rows_of(other_domain)
    for on in (False, True):
        lifecycle.switch_mailbox(mailbox, {"receives": on}, by=webmaster)
        assert differences(before, rows_of(other_domain)) == []


def test_many_that_theirs_lead_to_are_deleted(ours, mailbox, berta, webmaster, domain, other_domain):
    before = rows_of(other_domain)
    aliases.hand_over(mailbox, ["boss@x.test"], by=webmaster)
    rows = plan_chosen([mailbox, berta], domain, action="delete", by=webmaster)
    assert [row.verdict for row in rows] == [Row.Verdict.DELETED] * 2
    batch = batches.keep_plan(domain, rows, by=webmaster, source=Batch.Source.LIST, title="delete")
    batches.begin(batch, by=webmaster, announce=lambda number: None)
    batches.work(batch.pk)
    assert not Mailbox.objects.alive().filter(domain=domain).exists()
    assert differences(before, rows_of(other_domain)) == []
    batches.undo(batch, by=webmaster, announce=lambda number: None)
    batches.work(batch.pk)
    assert Mailbox.objects.alive().filter(domain=domain).count() == 2
    assert differences(before, rows_of(other_domain)) == []


def test_an_alias_that_theirs_lead_to_is_deleted(ours, webmaster, other_domain):
    before = rows_of(other_domain)
    info = Alias.objects.get(address="info@example.test")
    aliases.delete_alias(info, by=webmaster)
    assert differences(before, rows_of(other_domain)) == []
    change = Change.objects.filter(alias=info).latest("pk")
    Change.objects.filter(pk=change.pk).update(state="live")
    outbox.undo(Change.objects.with_way_back().get(pk=change.pk), by=webmaster)
    assert differences(before, rows_of(other_domain)) == []


def test_no_alias_of_theirs_enters_a_script_here(ours, theirs, other_domain, other_webmaster, domain):
    before = rows_of(domain)
    made = aliases.create_alias(other_domain, "inject@elsewhere.test", [ANNA], by=other_webmaster)
    aliases.save_alias(made, [ANNA, "x@x.test"], seen_version=1, by=other_webmaster)
    aliases.save_alias(made, ["x@x.test"], seen_version=2, by=other_webmaster)
    aliases.keep_alias(made, {"leads_to": [ANNA]}, other_webmaster)
    assert rows_of(domain) == before
    assert "elsewhere.test" not in script_of(ANNA)
    assert '"info@example.test"' in script_of(ANNA)


def test_aliases_of_the_same_customers_domains_are_answered(theirs, mailbox, webmaster, other_domain):
    """All who make aliases there look after this domain as well."""
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="away")
    DomainAdmin.objects.filter(domain=other_domain).delete()
    DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    assert '"zzquid-partner@elsewhere.test"' in script_of(ANNA)
    DomainAdmin.objects.create(person=Person.objects.create(username="third"), domain=other_domain)
    assert "elsewhere.test" not in script_of(ANNA)
