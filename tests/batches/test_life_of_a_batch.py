"""A plan carried out, stopped, gone on with and undone: what becomes of each mailbox."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import DomainAdmin, GivenLogin, Mailbox, OneTimeLink
from audit.models import Event
from batches import carrying_out, services
from batches.models import Batch, Row
from mailservers.drivers.base import Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from tests.conftest import PASSWORD_HASH, follow
from vacation.models import AutoReply, Forwarding

pytestmark = pytest.mark.sql

FILE = (
    "address,name,room,recovery address,signing in,action\n"
    "anna,Anna Peeters,2 GB,,no,\n"
    "bert,Bert,1 GB,bert@home.test,,\n"
    "carl,,,,,\n"
    "old,,,,,delete\n"
    "nobody,,,,,delete\n"
)


@pytest.fixture
def old(domain) -> Mailbox:
    return Mailbox.objects.create(
        address="old@example.test", domain=domain, server=domain.server, login="old", quota_bytes=5
    )


def results(batch: Batch) -> list[str]:
    return [row.undo_result or row.result or row.verdict for row in batch.rows.all()]


def test_a_file_pesters_nobody_with_links(upload, press, mailoutbox, committed):
    rows = "".join(f"m{n},M,victim+{n}@home.test\n" for n in range(25))
    with committed():
        batch = press(upload("address,name,recovery address\n" + rows), "begin")
    assert results(batch) == ["done"] * 25
    assert OneTimeLink.objects.count() == 20
    untold = [row.problem_text for row in batch.rows.all() if row.problem]
    assert untold[0].startswith("No link was sent: many went to victim+20@home.test today.")
    assert len(untold) == 5


def test_each_row_is_done_and_its_mail_server_holds_it(upload, press, mailbox, old, webmaster):
    batch = press(upload(FILE), "begin")
    assert batch.state == "done"
    assert results(batch) == ["done", "done", "done", "done", "refused"]
    anna, bert, carl = (
        Mailbox.objects.get(address=f"{name}@example.test") for name in ("anna", "bert", "carl")
    )
    assert (anna.name, anna.quota_bytes, anna.enabled) == ("Anna Peeters", 2 * 1024**3, False)
    assert (bert.login, bert.quota_bytes, bert.recovery_address) == ("example0002", 1024**3, "bert@home.test")
    assert carl.login == "example0003"
    old.refresh_from_db()
    assert old.deleted_at
    accounts = MemoryDriver.accounts
    assert accounts["example0002"].quota_bytes == 1024**3
    assert not accounts["example0001"].enabled
    assert not accounts["old"].enabled
    assert {row.change.state for row in batch.rows.exclude(change=None)} == {"live"}
    assert set(Change.objects.values_list("priority", flat=True)) == {Change.Priority.BULK}
    # Who has a recovery address gets a link; nobody else does.
    assert [link.mail_to for link in OneTimeLink.objects.all()] == ["bert@home.test"]
    verbs = list(Event.objects.filter(by=webmaster).order_by("number").values_list("verb", flat=True))
    assert verbs[:2] == ["batch.planned", "batch.begun"]
    assert {"mailbox.created", "mailbox.edited", "mailbox.deleted", "mailbox.password_link_sent"} <= set(
        verbs
    )


def test_undoing_puts_all_back(upload, press, mailbox, old):
    batch = press(press(upload(FILE), "begin"), "undo")
    assert batch.state == "undone"
    assert results(batch) == ["done", "done", "done", "done", "refused"]
    assert set(Mailbox.objects.alive().values_list("address", flat=True)) == {
        "anna@example.test",
        "old@example.test",
    }
    mailbox.refresh_from_db()
    assert (mailbox.name, mailbox.quota_bytes, mailbox.enabled) == ("Anna Jansen", 1_000_000_000, True)
    assert MemoryDriver.accounts["old"].enabled
    assert Mailbox.objects.deleted().filter(address="bert@example.test").exists()


def test_what_somebody_changed_meanwhile_is_told_and_left(upload, press, mailbox, old):
    batch = upload(FILE)
    Mailbox.objects.filter(pk=mailbox.pk).update(name="Anna Maria")
    Mailbox.objects.create(
        address="bert@example.test", domain=old.domain, server=old.server, login="example0002", quota_bytes=1
    )
    batch = press(batch, "begin")
    assert results(batch) == ["left", "left", "done", "done", "refused"]
    rows = list(batch.rows.all())
    assert rows[0].problem_text == "Somebody changed it meanwhile: “Name” is “Anna Maria” now."
    assert "made a mailbox or an alias with this address" in rows[1].problem_text
    # Its proposed login was taken, so it got the next one.
    assert Mailbox.objects.get(address="carl@example.test").login == "example0003"
    mailbox.refresh_from_db()
    assert (mailbox.name, mailbox.enabled) == ("Anna Maria", True)


def test_undoing_leaves_what_was_changed_since(upload, press, mailbox, old):
    batch = press(upload(FILE), "begin")
    Mailbox.objects.filter(address="anna@example.test").update(name="Anna Maria")
    Mailbox.objects.filter(address="bert@example.test").update(password_hash=PASSWORD_HASH)
    batch = press(batch, "undo")
    assert results(batch) == ["left", "left", "done", "done", "refused"]
    assert "Its user has chosen a password already." in batch.rows.get(number=3).problem_text
    assert Mailbox.objects.alive().filter(address="bert@example.test").exists()


def test_the_domains_limits_are_asked_again_when_it_is_done(upload, press, domain, mailbox, old):
    batch = upload(FILE)
    domain.max_mailboxes = 2
    domain.save()
    assert results(press(batch, "begin")) == ["done", "left", "left", "done", "refused"]


def test_stopped_it_goes_on_where_it_was_and_does_no_row_twice(upload, press, domain, monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 2)
    batch = upload("address\n" + "".join(f"new{number}\n" for number in range(7)))
    done = carrying_out.carry_out

    def stop_after_the_first(batch, rows, *, by):
        done(batch, rows, by=by)
        Batch.objects.filter(pk=batch.pk).update(state="stopped")

    monkeypatch.setattr(carrying_out, "carry_out", stop_after_the_first)
    batch = press(batch, "begin")
    assert (batch.state, batch.tally.done) == ("stopped", 2)
    monkeypatch.setattr(carrying_out, "carry_out", done)
    batch = press(batch, "begin")
    assert (batch.state, batch.tally.done) == ("done", 7)
    assert domain.mailboxes.count() == 7
    assert Event.objects.filter(verb="mailbox.created").count() == 7


def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(upload, press, domain, monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 2)
    batch = upload("address\na\nb\nc\nd\n")

    def die(*_args, **_options):
        raise SystemExit

    with monkeypatch.context() as death:
        death.setattr(type(Row.objects), "bulk_create", die)
        with pytest.raises(SystemExit):
            press(batch, "begin")
    assert domain.mailboxes.count() == 0
    assert services.left_behind() == [batch.pk]
    assert not services.work(batch.pk)
    assert Batch.objects.get(pk=batch.pk).tally.done == 4
    assert domain.mailboxes.count() == 4


def test_two_workers_do_not_work_on_the_same(upload, domain, webmaster):
    batch = upload("address\na\n")
    services.begin(batch, by=webmaster, announce=lambda _number: None)
    Batch.objects.filter(pk=batch.pk).update(working_until=timezone.now() + timedelta(minutes=1))
    assert not services.work(batch.pk)
    assert domain.mailboxes.count() == 0


def test_who_lost_the_right_meanwhile_changes_nothing_more(upload, domain, webmaster):
    batch = upload("address\na\n")
    services.begin(batch, by=webmaster, announce=lambda _number: None)
    DomainAdmin.objects.all().delete()
    assert not services.work(batch.pk)
    batch = Batch.objects.get()
    assert (batch.state, domain.mailboxes.count()) == ("stopped", 0)
    assert "may not change the domain any more" in batch.reason_text


def test_something_unexpected_stops_it_and_says_so(upload, press, domain, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("a secret")

    batch = upload("address\na\n")
    monkeypatch.setattr(carrying_out, "create_mailboxes", fail)
    batch = press(batch, "begin")
    assert batch.state == "stopped"
    assert "RuntimeError" in batch.reason_text
    assert "secret" not in batch.reason_text
    monkeypatch.undo()
    assert press(batch, "begin").tally.done == 1


def test_a_login_taken_at_the_last_moment_costs_that_row_alone(
    upload, press, domain, other_domain, monkeypatch
):
    batch = upload("address,login\na,wanted\nb,\n")
    taken = carrying_out._taken

    def take(domain, rows):
        found = taken(domain, rows)
        Mailbox.objects.get_or_create(
            address="x@elsewhere.test",
            domain=other_domain,
            server=other_domain.server,
            login="wanted",
            quota_bytes=0,
        )
        return found

    monkeypatch.setattr(carrying_out, "_taken", take)
    batch = press(batch, "begin")
    assert sorted(results(batch)) == ["done", "left"]


def test_hashes_go_to_the_mailbox_and_are_forgotten(upload, press, domain):
    batch = upload(f'address,password hash\na,"{PASSWORD_HASH}"\n')
    assert PASSWORD_HASH not in str(batch.rows.get().cells)
    batch = press(batch, "begin")
    assert Mailbox.objects.get().password_hash == PASSWORD_HASH
    assert batch.rows.get().password_hash == ""
    assert PASSWORD_HASH not in str(list(Event.objects.values_list("after", "before")))


@pytest.mark.parametrize(("action", "kind"), [("auto-reply-off", AutoReply), ("forwarding-off", Forwarding)])
def test_auto_replies_and_forwardings_are_switched_off_and_on_again(
    signed_in, press, mailbox, old, action, kind
):
    kind.objects.create(mailbox=mailbox, enabled=True, **({"text": "Away."} if kind is AutoReply else {}))
    signed_in.post("/domains/example.test/batches/choose/", {"which": "all", "action": action})
    batch = Batch.objects.get()
    assert results(batch) == ["changed", "unchanged"]
    batch = press(batch, "begin")
    assert not kind.objects.get().enabled
    assert batch.rows.get(number=1).change.aspect == "script"
    press(batch, "undo")
    assert kind.objects.get().enabled
    assert kind is Forwarding or kind.objects.get().text == "Away."


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("off", (True, True, True), (False, False, True)),
        ("on", (False, False, False), (True, True, True)),
        ("sending-off", (True, True, True), (True, False, True)),
        ("sending-on", (True, False, True), (True, True, True)),
        ("receiving-off", (True, True, True), (True, True, False)),
        ("receiving-on", (False, True, False), (False, True, True)),
    ],
)
def test_signing_in_sending_and_receiving_are_switched_and_undone(
    signed_in, press, mailbox, action, before, after
):
    Mailbox.objects.update(enabled=before[0], sends=before[1], receives=before[2])
    signed_in.post("/domains/example.test/batches/choose/", {"which": "all", "action": action})
    batch = press(Batch.objects.get(), "begin")
    held = MemoryDriver.accounts["example0001"]
    assert (held.enabled, held.sends, held.receives) == after
    press(batch, "undo")
    held = MemoryDriver.accounts["example0001"]
    assert (held.enabled, held.sends, held.receives) == before


def test_what_the_server_cannot_do_alone_is_refused_with_the_reason(monkeypatch, signed_in, mailbox, upload):
    limits = Limits(sends_apart=False, receives_apart=False, disabled_receives=False)
    monkeypatch.setattr(MemoryDriver, "limits", limits)
    signed_in.post("/domains/example.test/batches/choose/", {"which": "all", "action": "sending-off"})
    assert "can't stop sending alone" in Batch.objects.get().rows.get().problem_text
    rows = list(
        upload("address,signing in,sending,receiving\nanna,no,yes,yes\nbert,,,no\n").rows.order_by("number")
    )
    # What stands in the file as it was is no wish.
    assert rows[0].wanted == {"enabled": False, "receives": False}
    assert "refuses new mail while signing in is switched off" in rows[1].problem_text


def test_deleting_many_asks_for_the_password_first(upload, signed_in, mailbox):
    batch = upload("address,action\nanna,delete\n")
    answer = signed_in.post(f"/batches/{batch.pk}/begin/")
    assert "accounts/step_up.html" in [template.name for template in answer.templates]
    assert Batch.objects.get().state == "planned"


def test_letters_have_a_link_for_each_new_user_in_their_language(upload, press, signed_in, client, domain):
    batch = press(upload("address,language,signing in\na,fr,\nb,,\nc,,no\n"), "begin")
    Mailbox.objects.filter(address="b@example.test").update(password_hash=PASSWORD_HASH)
    page = signed_in.post(f"/batches/{batch.pk}/letters/").content.decode()
    assert page.count('<article class="letter" lang="fr">') == page.count("<article") == 1
    [link] = re.findall(r"http://testserver(/choose-password/[^<]*)", page)
    client.logout()
    assert "a@example.test" in follow(client, link).content.decode()
    assert Event.objects.filter(verb="mailbox.password_link_made").count() == 1
    assert link.partition("#")[2] not in str(list(Event.objects.values_list("after", flat=True)))


def test_a_plan_nobody_wants_is_thrown_away(upload, press, mailbox):
    batch = upload("address\na\n")
    begun = press(upload("address\nb\n"), "begin")
    with pytest.raises(Batch.DoesNotExist):
        press(batch, "throw-away")
    assert press(begun, "throw-away").state == "done"


def test_old_ones_are_forgotten(upload):
    batch = upload("address\na\n")
    assert services.forget_old() == 0
    Batch.objects.filter(pk=batch.pk).update(made_at=timezone.now() - timedelta(days=91))
    assert services.forget_old() == 1
    assert not Row.objects.exists()


def test_a_login_that_was_freed_since_the_plan_is_not_given_again(upload, press, domain):
    batch = upload("address,login\na,wanted\nb,\n")
    for login in ("wanted", batch.rows.get(address="b@example.test").wanted["login"]):
        GivenLogin.objects.create(server=domain.server, login=login)
    batch = press(batch, "begin")
    assert results(batch) == ["left", "done"]
    assert Mailbox.objects.get().login == "example0002"
