"""What somebody changes on a server behind the portal's back, found on the memory driver."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.alarm_mails import mail_alarms
from accounts.models import DomainAdmin, Mailbox, RedirectAlarm
from audit.chain import record
from audit.models import Event
from audit.sentences import sentence_for
from audit.verifying import problems
from mails import queue
from mails.models import Mail
from mailservers import comparing, drift, outbox, tasks
from mailservers.aspects import Seen, aspect_named
from mailservers.drivers.base import ScriptState, ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, DriftCheck, Lease, Observation, Slot
from tests.conftest import PASSWORD_HASH
from vacation.models import AutoReply, OwnScripts
from vacation.services import save_auto_reply

pytestmark = pytest.mark.sql

LOGIN = "example0001"
OTHER_HASH = "{SHA512-CRYPT}$6$rounds=1000$salt$UBI0KQXkWnvxL8GbG3vEZoHmwcLoKZTR6WrnkKQs3JEJO1DzFnzRNh0"


@pytest.fixture
def live(mailbox, owner, committed):
    """The mailbox with an account and an auto-reply, both live."""
    with committed():
        event = record("mailbox.created", by=None, about=mailbox, domain="example.test")
        outbox.request_push(mailbox, "account", event)
        reply = AutoReply(mailbox=mailbox, enabled=True, subject="Away “now”", text="Back on Monday.\nAnna")
        save_auto_reply(reply, seen_version=0, by=owner)
    assert set(Change.objects.values_list("state", flat=True)) == {"live"}
    return Mailbox.objects.get()


def check(server, committed):
    with committed():
        drift.request_check(server)
    assert not DriftCheck.objects.unfinished()


def change_account(**values):
    MemoryDriver.accounts[LOGIN] = replace(MemoryDriver.accounts[LOGIN], **values)


def change_script(**values):
    MemoryDriver.scripts[LOGIN] = replace(MemoryDriver.scripts[LOGIN], **values)


def wanted_of(mailbox):
    aspect = aspect_named("account")
    return aspect.fit(aspect.desired(mailbox), MemoryDriver().limits)


def told(mailbox):
    return [sentence for part in drift.drifted_parts(mailbox) for sentence in part.differences_told]


# --- finding it


def test_what_is_as_it_was_is_no_drift(live, server, committed):
    check(server, committed)
    assert told(live) == []
    assert sum(DriftCheck.objects.values_list("compared", flat=True)) == 2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"quota_bytes": 2 * 1024**3}, "It has room for 2 GB there, and for"),
        ({"quota_bytes": 0}, "There is no limit to its room there"),
        ({"enabled": False}, "The mailbox is switched off there: nobody can sign in."),
        ({"sends": False}, "Sending is stopped there: nobody can send with this mailbox."),
        ({"receives": False}, "New mail is refused there: senders get it back."),
        ({"password_hash": OTHER_HASH}, "The mailbox has another password there."),
        ({"password_hash": ""}, "No password is set there"),
        ({"address": "anna@x.test"}, "The address is anna@x.test there"),
    ],
)
def test_a_changed_account_is_told_in_words_without_secrets(live, server, committed, values, sentence):
    change_account(**values)
    check(server, committed)
    [found] = told(live)
    assert found.replace("\N{NO-BREAK SPACE}", " ").startswith(sentence)
    event = Event.objects.get(verb="mailbox.drifted")
    assert "The portal found" in sentence_for(event)
    assert "$6$" not in str(event.after) + found


def test_a_vanished_account_is_told_and_cannot_be_kept(live, server, committed):
    MemoryDriver.accounts.clear()
    check(server, committed)
    [part] = drift.drifted_parts(live)
    assert part.differences_told == ["The mailbox is not on the mail server any more."]
    assert part.held is None
    assert part.why_not_text


def test_since_when_stays_and_it_is_recorded_once(live, server, committed):
    change_account(enabled=False)
    check(server, committed)
    since = Observation.objects.get(aspect="account").drifted_since
    check(server, committed)
    assert Observation.objects.get(aspect="account").drifted_since == since
    assert Event.objects.filter(verb="mailbox.drifted").count() == 1


def test_it_is_forgotten_when_somebody_changes_it_back(live, server, committed):
    change_account(enabled=False)
    check(server, committed)
    change_account(enabled=True)
    check(server, committed)
    row = Observation.objects.get(aspect="account")
    assert (row.drifted_since, row.differences, row.held) == (None, [], None)


def test_a_push_makes_it_right(live, server, committed):
    change_account(enabled=False)
    check(server, committed)
    with committed():
        event = record("mailbox.created", by=None, about=live)
        outbox.request_push(live, "account", event)
    assert told(live) == []
    assert MemoryDriver.accounts[LOGIN].enabled
    assert Observation.objects.get(aspect="account").held is None


def test_nothing_is_compared_while_a_push_waits_or_a_worker_is_at_it(live, server, committed):
    change_account(enabled=False)
    change = Change.objects.create(
        mailbox=live,
        aspect="account",
        server=server,
        event=record("x", by=None, about=live),
        next_attempt_at=timezone.now() + timedelta(minutes=5),
    )
    check(server, committed)
    assert told(live) == []
    change.delete()
    holding = Lease.objects.take([(live.pk, "account")], timedelta(seconds=60))
    check(server, committed)
    assert told(live) == []
    Lease.objects.give_back(holding)
    check(server, committed)
    assert told(live)


def test_a_push_during_the_check_is_no_alarm(live, server, committed, monkeypatch):
    """The server is read before the push, and judged after it."""
    watch = aspect_named("account").watch
    change_account(enabled=False)
    old = dict(MemoryDriver.accounts)

    def read(driver, logins, connections, seconds):
        live.quota_bytes = 5
        live.save()
        with committed():
            outbox.request_push(live, "account", record("mailbox.created", by=None, about=live))
        assert Change.objects.latest("pk").state == "live"
        return {login: Seen(old[login]) for login in logins}

    monkeypatch.setattr("accounts.aspects.watch", watch)
    aspect = replace(aspect_named("account"), watch=replace(watch, read=read))
    tally = comparing.compare(server, aspect, Mailbox.objects.all())
    assert (tally.compared, tally.found) == (0, [])
    assert told(live) == []


def test_own_rules_read_before_a_push_are_not_noted_after_it(live, server, committed):
    """What the push has noted of them is newer."""

    def read(driver, logins, connections, seconds):
        with committed():
            outbox.request_push(live, "script", record("mailbox.created", by=None, about=live))
        assert Change.objects.latest("pk").state == "live"
        return {login: Seen(replace(MemoryDriver.scripts[login], before="old")) for login in logins}

    aspect = replace(aspect_named("script"), watch=replace(aspect_named("script").watch, read=read))
    comparing.compare(server, aspect, Mailbox.objects.all())
    assert not OwnScripts.objects.filter(active="old").exists()


def test_a_failed_change_is_not_drift_as_well(live, server, committed):
    live.quota_bytes = 7
    live.save()
    Change.objects.create(
        mailbox=live, aspect="account", server=server, state="failed", event=record("x", by=None, about=live)
    )
    check(server, committed)
    assert told(live) == []


def test_mailboxes_the_portal_never_pushed_are_compared_with_the_database(mailbox, server, committed):
    MemoryDriver.accounts[LOGIN] = wanted_of(mailbox)
    check(server, committed)
    assert told(mailbox) == []
    assert Observation.objects.filter(drifted_since=None).count() == 2
    change_account(quota_bytes=1)
    check(server, committed)
    assert len(told(mailbox)) == 1


# --- keeping and restoring


def part_of(mailbox, aspect="account"):
    return next(part for part in drift.drifted_parts(mailbox) if part.aspect == aspect)


def test_an_account_is_kept(live, server, committed, webmaster, owner):
    session_key = owner.password
    change_account(quota_bytes=2_000_000, enabled=False, sends=False, password_hash=OTHER_HASH)
    check(server, committed)
    with committed():
        drift.keep_theirs(live, "account", seen=part_of(live).mark, by=webmaster)
    live.refresh_from_db()
    owner.refresh_from_db()
    assert (live.quota_bytes, live.enabled, live.password_hash) == (2_000_000, False, OTHER_HASH)
    assert (live.sends, live.receives) == (False, True)
    assert owner.password != session_key
    assert MemoryDriver.accounts[LOGIN].password_hash == OTHER_HASH
    assert told(live) == []
    event = Event.objects.get(verb="mailbox.kept_from_server")
    assert sentence_for(event) == "willem kept what was changed of the mailbox on the mail server"
    assert OTHER_HASH not in str(event.after)
    check(server, committed)
    assert told(live) == []
    assert list(problems()) == []


def test_an_account_is_restored(live, server, committed, webmaster):
    change_account(quota_bytes=2_000_000, password_hash=OTHER_HASH)
    check(server, committed)
    with committed():
        drift.restore_ours(live, "account", seen=part_of(live).mark, by=webmaster)
    assert MemoryDriver.accounts[LOGIN].quota_bytes == 1_000_000_000
    assert MemoryDriver.accounts[LOGIN].password_hash == PASSWORD_HASH
    assert told(live) == []
    assert "willem had the mail server" in sentence_for(Event.objects.get(verb="mailbox.restored_on_server"))


def test_a_button_about_something_else_does_nothing(live, server, committed, webmaster):
    change_account(enabled=False)
    check(server, committed)
    seen = part_of(live).mark
    change_account(quota_bytes=3)
    check(server, committed)
    for act in (drift.keep_theirs, drift.restore_ours):
        with pytest.raises(outbox.MovedOn):
            act(live, "account", seen=seen, by=webmaster)
        with pytest.raises(outbox.MovedOn):
            act(live, "nonsense", seen=seen, by=webmaster)
    live.refresh_from_db()
    assert live.enabled


def test_what_cannot_be_kept_is_not(live, server, committed, webmaster):
    MemoryDriver.accounts.clear()
    check(server, committed)
    with pytest.raises(outbox.MovedOn):
        drift.keep_theirs(live, "account", seen=part_of(live).mark, by=webmaster)


def test_an_auto_reply_switched_off_there_is_kept_off(live, server, committed, webmaster):
    change_script(active=False)
    check(server, committed)
    assert told(live) == ["The auto-reply does not run there: it was switched off, or its script replaced."]
    with committed():
        drift.keep_theirs(live, "script", seen=part_of(live, "script").mark, by=webmaster)
    reply = AutoReply.objects.get()
    assert (reply.enabled, reply.text) == (False, "Back on Monday.\nAnna")
    assert told(live) == []


def test_another_text_there_is_taken_over_to_the_letter(live, server, committed, webmaster):
    change_script(text=MemoryDriver.scripts[LOGIN].text.replace("Back on Monday.", "Back on =E2=82=ACday."))
    check(server, committed)
    script = MemoryDriver.scripts[LOGIN]
    if told(live) == ["The script of the auto-reply was rewritten there."]:
        pytest.fail(script.text)
    assert told(live) == ["The auto-reply has another text there."]
    with committed():
        drift.keep_theirs(live, "script", seen=part_of(live, "script").mark, by=webmaster)
    assert AutoReply.objects.get().text == "Back on €day.\nAnna"
    assert AutoReply.objects.get().subject == "Away “now”"
    assert MemoryDriver.scripts[LOGIN] == script
    assert told(live) == []


def test_a_script_nobody_understands_can_only_be_restored(live, server, committed, webmaster):
    ours = MemoryDriver.scripts[LOGIN]
    change_script(text=ours.text + "discard;\n")
    check(server, committed)
    part = part_of(live, "script")
    assert part.held is None
    assert part.why_not_text == "The script does more than answer; the portal could not keep all of it."
    with committed():
        drift.restore_ours(live, "script", seen=part.mark, by=webmaster)
    assert MemoryDriver.scripts[LOGIN] == ours


def test_an_old_script_that_runs_again_is_told(live, server, committed, owner):
    old = MemoryDriver.scripts[LOGIN]
    reply = AutoReply.objects.get()
    reply.enabled = False
    with committed():
        save_auto_reply(reply, seen_version=reply.version, by=owner)
    MemoryDriver.scripts[LOGIN] = old
    check(server, committed)
    assert told(live) == ["The auto-reply runs there, and is switched off here."]
    MemoryDriver.scripts[LOGIN] = ScriptState(old.text, active=False)
    check(server, committed)
    assert told(live) == []  # it lies there, and does nothing


# --- mail sent on


def test_a_new_redirect_alarms_once(live, server, committed, webmaster, mailoutbox, other_domain):
    webmaster.email = "willem@example.test"
    webmaster.save()
    DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    MemoryDriver.own_scripts[LOGIN] = 'redirect "thief@evil.test";\nredirect "bert@elsewhere.test";\n'
    check(server, committed)
    [alarm] = RedirectAlarm.objects.open_to(webmaster)
    assert alarm.targets == ["thief@evil.test"]  # elsewhere.test is in the same hands
    [mail] = mailoutbox
    assert mail.to == ["willem@example.test"]
    assert "example.test" in mail.subject
    for part in ("anna@example.test", "thief@evil.test", "http://testserver/mailboxes/anna@example.test/"):
        assert part in mail.body
    check(server, committed)
    assert (RedirectAlarm.objects.count(), len(mailoutbox)) == (1, 1)
    MemoryDriver.own_scripts.clear()
    check(server, committed)
    MemoryDriver.own_scripts[LOGIN] = 'redirect "thief@evil.test";\n'
    check(server, committed)
    assert (RedirectAlarm.objects.count(), len(mailoutbox)) == (2, 2)
    assert Event.objects.filter(verb="mailbox.redirect_found").count() == 2


def test_what_was_there_before_the_portal_is_shown_and_not_mailed(
    mailbox, server, committed, operator, mailoutbox
):
    operator.email = "olga@example.test"
    operator.save()
    MemoryDriver.own_scripts[LOGIN] = 'redirect "boss@old.test";\n'
    check(server, committed)
    assert RedirectAlarm.objects.open().count() == 1
    assert mailoutbox == []
    MemoryDriver.own_scripts[LOGIN] += 'redirect "thief@evil.test";\n'
    check(server, committed)
    assert [mail.to for mail in mailoutbox] == [["olga@example.test"]]  # the domain has no webmaster
    assert "boss@old.test" not in mailoutbox[0].body


def test_a_mail_that_could_not_be_sent_is_sent_later(live, server, committed, webmaster, mailoutbox):
    MemoryDriver.own_scripts[LOGIN] = 'redirect "thief@evil.test";\n'
    check(server, committed)
    assert mailoutbox == []  # nobody has an address
    webmaster.email = "willem@example.test"
    webmaster.save()
    RedirectAlarm.objects.update(mail_due_at=timezone.now())
    assert (mail_alarms(), mail_alarms()) == (1, 0)
    queue.send_due()
    assert len(mailoutbox) == 1


def test_a_mail_server_that_is_away_gets_the_mail_later(
    live, server, committed, webmaster, settings, mailoutbox
):
    webmaster.email = "willem@example.test"
    webmaster.save()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 1  # where nobody listens
    MemoryDriver.own_scripts[LOGIN] = 'redirect "thief@evil.test";\n'
    check(server, committed)
    assert Mail.objects.get().state == Mail.State.WAITING
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Mail.objects.update(next_attempt_at=timezone.now())
    queue.send_due()
    assert len(mailoutbox) == 1


# --- going through a whole server


def many(domain, count):
    Mailbox.objects.bulk_create(
        Mailbox(
            address=f"m{n:05}@example.test",
            domain=domain,
            server=domain.server,
            login=f"m{n:05}",
            quota_bytes=1,
        )
        for n in range(count)
    )
    for mailbox in Mailbox.objects.filter(login__startswith="m").select_related("server"):
        MemoryDriver.accounts[mailbox.login] = wanted_of(mailbox)


def test_pieces_add_up_and_go_on_after_a_restart(domain, server, committed, monkeypatch):
    many(domain, 250)
    calls = []
    monkeypatch.setattr(
        tasks.check_drift, "apply_async", lambda args, **kwargs: calls.append((args[0], kwargs))
    )
    with committed():
        _account, script, _aliases = drift.request_check(server)
    assert {(call[1]["queue"], call[1]["priority"]) for call in calls} == {(server.queue, 9)}
    assert comparing.check_some(script.pk) is True
    script.refresh_from_db()
    assert (script.compared, script.finished_at) == (100, None)
    # The broker has lost everything: the sweep finds it.
    assert script in list(comparing.waiting_checks())
    assert (comparing.check_some(script.pk), comparing.check_some(script.pk)) == (True, False)
    script.refresh_from_db()
    assert script.compared == 250
    assert script.finished_at


def test_one_worker_at_a_time_is_at_a_check(domain, server):
    [check, *_] = comparing.note_checks(server)
    assert DriftCheck.objects.take(check.pk, timedelta(seconds=60)) == check
    assert comparing.check_some(check.pk) is False
    assert check not in list(comparing.waiting_checks())


def test_a_check_that_is_under_way_is_not_begun_twice(server):
    assert comparing.note_checks(server) == comparing.note_checks(server)


def test_one_connection_is_left_for_peoples_changes(live, server, committed):
    with comparing.connections_to(server) as connections:
        assert connections == server.connections - 1
        assert Slot.objects.take(server, timedelta(seconds=60))
    with comparing.connections_to(server) as connections:
        assert connections == server.connections - 1  # one is still taken


def test_without_a_connection_to_spare_the_check_waits(live, server):
    for _ in range(server.connections):
        Slot.objects.take(server, timedelta(seconds=60))
    [check, *_] = comparing.note_checks(server)
    assert comparing.check_some(check.pk) is False
    assert check in list(comparing.waiting_checks())


def test_a_server_away_stops_the_check_and_it_goes_on_later(live, server, committed):
    change_account(enabled=False)
    MemoryDriver.failures += [ServerAway("The mail server cannot be reached.")] * 3
    for _ in range(3):
        [check, *_] = comparing.note_checks(server)
        assert comparing.check_some(check.pk) is False
    check.refresh_from_db()
    assert (check.reason_text, check.finished_at) == ("The mail server cannot be reached.", None)
    server.refresh_from_db()
    assert server.is_away
    assert list(comparing.waiting_checks()) == []
    server.probe_at = None
    server.save()
    check_now = next(iter(comparing.waiting_checks()))
    assert comparing.check_some(check_now.pk) is False
    assert told(live)


@pytest.mark.parametrize("trouble", [TryAgain("busy"), ZeroDivisionError("a secret")])
def test_one_mailbox_in_trouble_hides_no_other(live, stranger, server, committed, trouble):
    MemoryDriver.own_scripts["elsewh0001"] = 'redirect "thief@evil.test";'
    if isinstance(trouble, TryAgain):
        MemoryDriver.failures += [None, trouble]  # accounts, the first script
        check(server, committed)
        assert [alarm.mailbox.login for alarm in RedirectAlarm.objects.all()] == ["elsewh0001"]
    else:
        MemoryDriver.failures.append(trouble)
        [check_, *_] = comparing.note_checks(server)
        assert comparing.check_some(check_.pk) is False
        check_.refresh_from_db()
        assert "ZeroDivisionError" in check_.reason_text
        assert "secret" not in check_.reason_text


def test_thousands_of_accounts_take_a_handful_of_queries(
    domain, server, monkeypatch, django_assert_max_num_queries
):
    many(domain, 2_000)
    asked = []
    read = MemoryDriver.read_accounts
    monkeypatch.setattr(
        MemoryDriver, "read_accounts", lambda self, logins: asked.append(logins) or read(self, logins)
    )
    for _ in range(2):
        [account, *_] = comparing.note_checks(server)
        with django_assert_max_num_queries(140):  # of the portal's own database, in three pieces
            while comparing.check_some(account.pk):
                pass
    assert [len(logins) for logins in asked] == [1000, 1000] * 2
    account.refresh_from_db()
    assert (account.compared, account.drifted) == (2_000, 0)


# --- by hand


def test_the_command_tells_and_notes(live, server, capsys):
    change_account(enabled=False)
    call_command("check_drift", "--dry-run", "--server", server.name)
    out = capsys.readouterr().out
    assert "anna@example.test: The mailbox is switched off there: nobody can sign in." in out
    assert f"{server.name}: account: 1 compared, 1 different." in out
    assert told(live) == []
    call_command("check_drift", "--domain", "Example.test")
    assert told(live)


def test_the_command_says_what_it_could_not_do(live, server, capsys):
    for arguments in (["--server", "nowhere"], ["--domain", "nowhere.test"]):
        with pytest.raises(CommandError, match=r"no (server|domain) named"):
            call_command("check_drift", *arguments)
    server.paused_at = timezone.now()
    server.save()
    with pytest.raises(CommandError, match=server.name):
        call_command("check_drift")
    assert "paused" in capsys.readouterr().err
