"""Auto-replies and forwardings made in webmail: seen, told, taken over, switched off, and brought back.

The files in roundcube/ were written by Roundcube's own plug-in (see test_reply_reading.py).
"""

import datetime as dt
import json
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.aliases import create_alias
from accounts.models import RedirectAlarm
from audit.chain import record
from mails.models import Mail
from mailservers import drift, outbox
from mailservers.drivers.base import OwnScript, Refused
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.sieve_reading import has_vacation, redirects
from mailservers.drivers.switching_off import edited
from mailservers.models import Change, Observation
from tests.conftest import PASSWORD, PASSWORD_HASH, step_up
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget, OwnScripts
from vacation.own_rules import found_in
from vacation.services import save_auto_reply

pytestmark = pytest.mark.sql

LOGIN = "example0001"
PAGE = "/mailboxes/anna@example.test/"
FILING = (
    'require "fileinto";\r\n# rule:[Invoices]\r\n'
    'if header :contains "subject" "invoice"\r\n{\r\n\tfileinto "I";\r\n}\r\n'
)
MORE_THAN_ANSWERS = "With the answer it also sends mail on or throws it away; the portal does not."


def roundcube(name: str) -> str:
    """With windows that are not over yet."""
    text = (Path(__file__).parent / "roundcube" / f"{name}.sieve").read_bytes().decode()
    return text.replace('"2026-06-', '"2046-06-')


@pytest.fixture
def look(mailbox, server, committed):
    """What is said of the mailbox once the server was looked at."""

    def look() -> list[str]:
        with committed():
            drift.request_check(server, mailbox=mailbox)
        parts = [part for part in drift.drifted_parts(mailbox) if part.aspect == "script"]
        return [told for part in parts for told in part.differences_told]

    return look


@pytest.fixture
def keep(mailbox, webmaster, committed):
    def keep(by=None):
        with committed():
            mark = Observation.objects.get(aspect="script").mark
            return drift.keep_theirs(mailbox, "script", seen=mark, by=by or webmaster)

    return keep


@pytest.fixture
def restore(mailbox, webmaster, committed):
    def restore():
        with committed():
            mark = Observation.objects.get(aspect="script").mark
            return drift.restore_ours(mailbox, "script", seen=mark, by=webmaster)

    return restore


@pytest.fixture
def undo(webmaster, committed):
    def undo():
        with committed():
            return outbox.undo(Change.objects.with_way_back().latest("pk"), by=webmaster)

    return undo


def answered_here(mailbox, committed, webmaster, text="Set here."):
    with committed():
        reply = AutoReply(mailbox=mailbox, enabled=True, text=text)
        return save_auto_reply(reply, seen_version=0, by=webmaster)


def own():
    return MemoryDriver.own_scripts[LOGIN]


def part():
    return Observation.objects.get(aspect="script")


# --- an auto-reply


def test_one_made_in_webmails_form_is_told_and_taken_over_whole(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = roundcube("days")
    assert look() == ["The rule “Vacation” in the script “own” answers or sends mail on from 2046-06-01."]
    assert part().keeping_told == [
        "The auto-reply set here becomes the one of that rule.",
        "It holds for all mail then; there, rules before it keep some mail from it.",
        "The rule is switched off there. All other rules stay as they are and still run. A copy of the"
        " script is kept, and Undo switches the rule on again.",
    ]
    keep()
    reply = AutoReply.of(mailbox)
    assert reply.enabled
    assert reply.text == 'Dag "allemaal",\n\n.ik ben terug op maandag.\n.\n\nAnna – \\o/'
    assert (reply.subject, reply.days) == ('Weg: tot maandag – "echt"', 3)
    brussels = dt.timezone(dt.timedelta(hours=2))
    assert (reply.starts, reply.ends) == (
        dt.datetime(2046, 6, 1, tzinfo=brussels),
        dt.datetime(2046, 6, 15, tzinfo=brussels),
    )
    assert reply.addresses == []
    assert own() == roundcube("days").replace("if allof", "if false # allof")
    assert "Weg: tot maandag" in MemoryDriver.scripts[LOGIN].text
    assert look() == []
    [kept] = OwnScripts.objects.get().rules
    assert (kept["whole"], kept["is_due"]) == (roundcube("days"), False)


def test_undoing_it_switches_the_rule_on_again_and_undoing_that_off(look, keep, undo, mailbox):
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    look()
    keep()
    undo()
    assert own() == roundcube("on")
    assert not AutoReply.of(mailbox).enabled
    assert MemoryDriver.scripts[LOGIN].text == ""
    undo()
    assert AutoReply.of(mailbox).enabled
    assert not has_vacation(own())
    assert look() == []


def test_the_other_rules_stay_byte_for_byte(look, keep):
    MemoryDriver.own_scripts[LOGIN] = FILING + roundcube("on").partition("\n")[2]
    before = own()
    look()
    keep()
    assert own() == before.replace("if true", "if false # true")


def test_addresses_that_it_answers_as_well_are_kept(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = roundcube("on").replace(
        '"anna@example.test"', '["anna@example.test", "Sales@other.test"]'
    )
    look()
    keep()
    assert AutoReply.of(mailbox).addresses == ["sales@other.test"]
    assert "sales@other.test" in MemoryDriver.scripts[LOGIN].text


def test_one_made_before_ours_makes_the_push_fail_and_is_told_at_once(
    mailbox, webmaster, committed, keep, monkeypatch
):
    """Pigeonhole would send neither of two, so the driver refuses: the memory server does so here."""
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    refuse_two(monkeypatch)
    change = answered_here(mailbox, committed, webmaster)
    change.refresh_from_db()
    assert change.state == Change.State.FAILED
    assert part().differences_told == ["The rule “Vacation” in the script “own” answers automatically."]
    keep()
    assert AutoReply.of(mailbox).text == "Back on Monday."
    assert "Back on Monday." in MemoryDriver.scripts[LOGIN].text


def test_restoring_ours_switches_theirs_off_and_nothing_is_lost(
    look, restore, mailbox, webmaster, committed, monkeypatch
):
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    refuse_two(monkeypatch)
    answered_here(mailbox, committed, webmaster)
    restore()
    assert "Set here." in MemoryDriver.scripts[LOGIN].text
    assert own() == roundcube("on").replace("if true", "if false # true")
    assert look() == []
    assert OwnScripts.objects.get().rules[0]["whole"] == roundcube("on")


def test_a_rule_that_answers_does_not_come_back_beside_ours(
    look, restore, undo, mailbox, webmaster, committed, monkeypatch
):
    """The server would send neither, and each later change would fail for a rule that is off there."""
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    refuse_two(monkeypatch)
    answered_here(mailbox, committed, webmaster)
    restore()
    with pytest.raises(outbox.NotAllowed, match="Switch that off first"):
        undo()
    assert not has_vacation(own())
    with committed():
        off = AutoReply(mailbox=mailbox, enabled=False, text="Set here.")
        save_auto_reply(off, seen_version=1, by=webmaster)
    assert Change.objects.latest("pk").state == Change.State.LIVE


def test_one_made_while_ours_runs_is_told_as_two(look, mailbox, webmaster, committed):
    answered_here(mailbox, committed, webmaster)
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    assert look()[1] == "More than one auto-reply runs there: the mail server then sends none at all."


@pytest.mark.parametrize(
    ("script", "why_not"),
    [
        (
            roundcube("discard"),
            "With the answer it also sends mail on or throws it away; the portal does not.",
        ),
        (roundcube("on") + roundcube("on").partition("\n")[2], "The script has more than one auto-reply."),
        (
            roundcube("on").replace("}", "\tstop;\r\n}") + "keep;\n",
            "The rule keeps those after it from running; without it they would run again.",
        ),
    ],
)
def test_what_the_portal_could_not_do_is_not_kept_but_can_be_switched_off(
    look, restore, script, why_not, mailbox
):
    MemoryDriver.own_scripts[LOGIN] = script
    look()
    assert part().held is None
    assert part().why_not_text == why_not
    restore()
    assert not has_vacation(own())
    assert look() == []


def test_rules_about_some_mail_only_are_their_owners_business(look, mailbox, webmaster, committed):
    MemoryDriver.own_scripts[LOGIN] = (
        roundcube("only-from-boss") + 'if header :is "subject" "x" { redirect "b@x.test"; }\n'
    )
    assert look() == []
    answered_here(mailbox, committed, webmaster)
    assert "More than one auto-reply runs there" in look()[-1]


def test_a_script_that_only_sometimes_runs_is_its_owners_too():
    text = roundcube("forward")
    assert found_in([OwnScript("a", text, always=False)]) == ()
    assert [rule.name for rule in found_in([OwnScript("a", text)])] == ["Forward"]


def test_one_that_goes_on_answering_is_told_as_soon_as_ours_is_off(mailbox, webmaster, committed):
    """Made while ours was on; the server takes the push, and yet everybody gets an answer."""
    answered_here(mailbox, committed, webmaster)
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    with committed():
        off = AutoReply(mailbox=mailbox, enabled=False, text="Set here.")
        save_auto_reply(off, seen_version=1, by=webmaster)
    assert Change.objects.latest("pk").state == Change.State.LIVE
    assert part().differences_told == ["The rule “Vacation” in the script “own” answers automatically."]


def test_a_push_does_not_hide_what_a_look_has_told(look, mailbox, webmaster, committed):
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    told = look()
    answered_here(mailbox, committed, webmaster)
    assert part().differences_told == told == ["The rule “Forward” in the script “own” sends mail on."]


# --- forwarding


def test_a_forwarding_to_outside_is_taken_over_and_asked_first(look, keep, mailbox, domain):
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    assert look() == ["The rule “Forward” in the script “own” sends mail on."]
    assert part().keeping_told[0] == (
        "boss@elsewhere.test is asked by mail first; until it agrees, nothing goes there."
    )
    assert RedirectAlarm.objects.get().targets == ["boss@elsewhere.test"]
    keep()
    forwarding = Forwarding.of(mailbox)
    assert (forwarding.enabled, forwarding.keep_copy) == (True, True)
    target = ForwardingTarget.objects.get()
    assert (target.address, target.answer) == ("boss@elsewhere.test", "waiting")
    assert redirects(own()) == []
    assert MemoryDriver.scripts[LOGIN].text == ""


def test_one_within_the_domain_goes_on_at_once(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = FILING + 'redirect "Bert@Example.test";\n'
    assert look() == ["The rule “#2” in the script “own” sends mail on."]
    keep()
    assert redirects(MemoryDriver.scripts[LOGIN].text) == ["bert@example.test"]
    assert not Forwarding.of(mailbox).keep_copy
    assert own() == FILING + 'if false # true\r\n{\r\n\tredirect "Bert@Example.test";\r\n}\n'


def test_beside_one_set_here_both_are_kept(look, keep, mailbox, webmaster, committed):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True, keep_copy=True)
    ForwardingTarget.objects.create(
        forwarding=forwarding, address="cees@example.test", confirmed_at=dt.datetime.now(dt.UTC)
    )
    with committed():
        outbox.request_push(mailbox, "script", event_of(mailbox))
    MemoryDriver.own_scripts[LOGIN] = 'require "copy";\nredirect :copy "bert@example.test";\n'
    look()
    keep()
    assert redirects(MemoryDriver.scripts[LOGIN].text) == ["bert@example.test", "cees@example.test"]
    assert Forwarding.of(mailbox).keep_copy


def test_answer_and_forward_of_one_rule_are_both_taken_over(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = roundcube("copy")
    assert look() == ["The rule “Vacation” in the script “own” answers and sends mail on."]
    keep()
    assert AutoReply.of(mailbox).text == "Back on Monday."
    assert Forwarding.of(mailbox).addresses() == ["boss@elsewhere.test"]


def test_what_the_domain_forbids_is_said_before(look, keep, mailbox, domain):
    DomainRules.objects.create(domain=domain, outside="inside")
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    look()
    assert "Nothing goes to boss@elsewhere.test: the domain's rules do not allow it." in part().keeping_told


# --- who may


@pytest.mark.parametrize(
    "rule", [{"forwarding": "approval"}, {"forwarding": "webmaster"}, {"outside": "approval"}]
)
def test_a_user_who_must_ask_is_told_so_and_cannot_keep(
    look, client, mailbox, owner, domain, committed, rule
):
    DomainRules.objects.create(domain=domain, **rule)
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    look()
    client.force_login(owner, "accounts.backends.PersonBackend")
    page = client.get(PAGE).content.decode()
    assert "To keep what is there needs a webmaster in this domain." in page
    assert "Keep what is there</button>" not in page
    told = {"aspect": "script", "seen": part().mark}
    answer = client.post(PAGE + "keep-theirs/", told, follow=True).content.decode()
    assert "in this domain a webmaster decides about that" in answer
    assert not Forwarding.objects.exists()


def test_the_page_shows_what_is_set_and_not_what_could_be_kept(look, client, mailbox, owner, committed):
    answered_here(mailbox, committed, owner, text="Set in the portal.")
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    look()
    client.force_login(owner, "accounts.backends.PersonBackend")
    page = client.get(PAGE).content.decode()
    assert "Set in the portal." in page
    assert "Back on Monday." not in page


def test_the_page_says_what_comes_of_either_way(look, client, mailbox, owner):
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    look()
    client.force_login(owner, "accounts.backends.PersonBackend")
    page = client.get(PAGE).content.decode()
    for words in (
        "If you keep what is there",
        "boss@elsewhere.test is asked by mail first",
        "If you restore what is set here",
        "Keep what is there</button>",
    ):
        assert words in page


def test_a_forwarding_to_outside_is_kept_with_the_password_only(look, client, mailbox, owner, committed):
    MemoryDriver.own_scripts[LOGIN] = roundcube("forward")
    look()
    mailbox.password_hash = PASSWORD_HASH
    mailbox.save()
    client.force_login(owner, "accounts.backends.MailboxBackend")
    told = {"aspect": "script", "seen": part().mark}
    page = client.post(PAGE + "keep-theirs/", told).content.decode()
    assert "step_up_proof" in page
    assert not Forwarding.objects.exists()
    with committed():
        client.post(PAGE + "keep-theirs/", told | {"step_up_proof": PASSWORD})
    assert Forwarding.of(mailbox).addresses() == ["boss@elsewhere.test"]


def test_more_targets_than_the_server_bears_are_not_kept(look, mailbox):
    rules = "".join(f'redirect :copy "a{number}@example.test";\n' for number in range(5))
    MemoryDriver.own_scripts[LOGIN] = f'require "copy";\n{rules}'
    look()
    assert part().why_not_text == "Together these are more addresses than the mail server forwards to."


def test_what_leads_back_here_is_not_kept(look, mailbox, webmaster):
    create_alias(mailbox.domain, "team@example.test", [mailbox.address], by=webmaster)
    MemoryDriver.own_scripts[LOGIN] = 'require "copy";\nredirect :copy "team@example.test";\n'
    look()
    assert part().why_not_text == "Mail that is sent on there would come back to this mailbox."


def test_whoever_it_is_kept_for_is_told(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = roundcube("on")
    look()
    keep()
    assert Mail.objects.get().address == "anna@example.test"


def test_the_settings_pages_say_so_and_show_the_script_as_it_was(look, keep, client, webmaster):
    MemoryDriver.own_scripts[LOGIN] = roundcube("days")
    look()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    for page in ("auto-reply/", "forwarding/"):
        assert (
            "It was not done in this portal. Choose what holds." in client.get(PAGE + page).content.decode()
        )
    keep()
    page = client.get(PAGE + "auto-reply/").content.decode()
    assert "It was not done in this portal" not in page
    assert "“Vacation” in the script “own”" in page
    assert "INBOX/Invoices" in page


def event_of(mailbox):
    return record("mailbox.created", by=None, about=mailbox)


def refuse_two(monkeypatch):
    """As the driver for Dovecot does."""
    put = MemoryDriver.put_script

    def put_script(driver, login, script):
        if has_vacation(script.text) and has_vacation(
            edited(MemoryDriver.own_scripts.get(login, ""), script.edits)
        ):
            raise Refused("The mailbox runs its own auto-reply.")
        put(driver, login, script)

    monkeypatch.setattr(MemoryDriver, "put_script", put_script)


# --- left as it is

LEAVE = f"{PAGE}leave-theirs/"


def leave(client, by, **more):
    client.force_login(by, "accounts.backends.PersonBackend")
    step_up(client)
    seen = Observation.objects.get(aspect="script").mark
    return client.post(LEAVE, {"aspect": "script", "seen": seen, **more}, follow=True).content.decode()


def test_an_answer_made_in_webmail_may_be_left_as_it_is(client, mailbox, look, committed):
    MemoryDriver.own_scripts[LOGIN] = own = 'require "vacation";\nvacation "Away.";\n'
    assert look()
    page = leave(client, mailbox.owner)
    assert "Also runs on the mail server, made in webmail" in page
    assert "answers automatically" in page
    assert "Nobody gets an automatic answer" not in page
    assert "left as it is: it runs beside" in client.get(f"{PAGE}auto-reply/").content.decode()
    assert look() == []
    with committed():
        outbox.request_push(mailbox, "script", record("mailbox.edited", by=None, about=mailbox))
    assert look() == []
    assert "Also runs on the mail server" in client.get(PAGE).content.decode()
    MemoryDriver.own_scripts[LOGIN] = own.replace("Away", "Gone")
    assert look()
    MemoryDriver.own_scripts[LOGIN] = own
    look()
    leave(client, mailbox.owner)
    look()
    page = client.post(LEAVE, {"aspect": "script", "again": "1"}, follow=True).content.decode()
    assert "Keep what is there" in page
    assert look()
    MemoryDriver.own_scripts.clear()
    assert look() == []


def test_what_sends_mail_on_is_left_by_a_webmaster_alone(client, mailbox, webmaster, look):
    MemoryDriver.own_scripts[LOGIN] = 'redirect "x@outside.test";\n'
    assert look()
    assert "a webmaster decides" in leave(client, mailbox.owner)
    assert look()
    assert "Left as it is there" in leave(client, webmaster)
    assert look() == []


def test_to_leave_what_sends_mail_on_asks_who_it_is(client, webmaster, mailbox, look):
    MemoryDriver.own_scripts[LOGIN] = 'redirect "x@outside.test";\n'
    assert look()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    seen = Observation.objects.get(aspect="script").mark
    page = client.post(LEAVE, {"aspect": "script", "seen": seen}).content.decode()
    assert "Is it still you?" in page
    assert look()


def test_beside_an_auto_reply_set_here_it_is_not_left(client, mailbox, owner, webmaster, look, committed):
    with committed():
        reply = AutoReply(mailbox=mailbox, enabled=True, text="Here.")
        save_auto_reply(reply, seen_version=0, by=owner)
    MemoryDriver.own_scripts[LOGIN] = 'require "vacation";\nvacation "Away.";\n'
    assert look()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    assert "Leave it as it is" not in client.get(PAGE).content.decode()


# --- read rightly

OVER = (
    'require ["date","relational","vacation"];\r\n# rule:[Vacation]\r\n'
    'if allof (currentdate :zone "+0200" :value "ge" "date" "2024-06-01",'
    ' currentdate :zone "+0200" :value "le" "date" "2024-06-14")\r\n{\r\n\tvacation "Text of 2024.";\r\n}\r\n'
)


def test_an_own_vacation_that_is_over_is_no_rival_and_not_offered(look, mailbox, webmaster, committed):
    MemoryDriver.own_scripts[LOGIN] = OVER
    assert look() == []
    answered_here(mailbox, committed, webmaster)
    assert Change.objects.latest("pk").state == Change.State.LIVE
    assert look() == []
    assert own() == OVER


def test_one_that_begins_later_is_told_with_its_day(look):
    MemoryDriver.own_scripts[LOGIN] = OVER.replace("2024", "2046")
    assert look() == ["The rule “Vacation” in the script “own” answers or sends mail on from 2046-06-01."]


def test_one_at_another_time_than_ours_is_no_second_answer(look, mailbox, webmaster, committed):
    ends = timezone.now() + dt.timedelta(days=3)
    with committed():
        reply = AutoReply(mailbox=mailbox, enabled=True, text="Set here.", ends=ends)
        save_auto_reply(reply, seen_version=0, by=webmaster)
    MemoryDriver.own_scripts[LOGIN] = OVER.replace("2024", "2046")
    assert look() == ["The rule “Vacation” in the script “own” answers or sends mail on from 2046-06-01."]


DEPENDS = "What it does depends on variables or encoded characters in the script."


@pytest.mark.parametrize(
    ("script", "why_not"),
    [
        ('require "variables"; set "u" "boss"; redirect "${u}@example.test";', DEPENDS),
        ('require ["variables", "vacation"]; set "name" "Anna"; vacation "I am ${name}.";', DEPENDS),
        ('require ["encoded-character", "vacation"]; vacation "Gr${hex:c3 bc}n";', DEPENDS),
        ('require ["encoded-character"]; redirect "bert${hex:40}example.test";', DEPENDS),
        ('require "vacation"; vacation "a"; keep;' + "keep;" * 3000, "The script is too long for the portal"),
        (
            'require "vacation"; if true { vacation "a"; return; } keep;',
            "The rule keeps those after it from running; without it they would run again.",
        ),
    ],
)
def test_what_would_be_read_wrongly_is_not_taken_over_and_the_page_says_why(
    look, client, mailbox, webmaster, script, why_not
):
    MemoryDriver.own_scripts[LOGIN] = script
    assert look()
    assert part().held is None
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = client.get(PAGE).content.decode()
    assert why_not in page
    assert "Keep what is there</button>" not in page


def test_a_return_before_it_is_told_as_a_stop_is(look):
    MemoryDriver.own_scripts[LOGIN] = (
        'require "vacation"; if header :is "a" "b" { return; }\nvacation "Gone.";\n'
    )
    look()
    assert "It holds for all mail then; there, rules before it keep some mail from it." in part().keeping_told


def test_what_is_never_come_to_is_nobodys_business(look):
    MemoryDriver.own_scripts[LOGIN] = 'require "vacation"; return;\nvacation "Gone.";\n'
    assert look() == []


def test_who_it_answers_as_is_not_dropped_without_a_word(look):
    MemoryDriver.own_scripts[LOGIN] = (
        'require "vacation"; vacation :days 90 :from "The Boss <boss@example.test>" "Gone.";\n'
    )
    look()
    told = part().keeping_told
    assert (
        "There it answers as “The Boss <boss@example.test>”; here it answers with the mailbox's own name."
        in told
    )
    assert "Days between two replies to one sender, here: 60. There it is another number." in told


def test_addresses_written_oddly_are_the_same_addresses(look, keep, mailbox):
    MemoryDriver.own_scripts[LOGIN] = 'redirect "Bert (at work) < bert @example.test >";\n'
    look()
    keep()
    assert Forwarding.of(mailbox).addresses() == ["bert@example.test"]


@pytest.mark.parametrize("count", [400, 800])
def test_hundreds_of_redirects_are_kept_once(look, restore, count):
    """It was 19 MB of the database and 14 s for 800 of them."""
    script = 'require "copy";\n' + "".join(f'redirect :copy "a{n}@evil.test";\n' for n in range(count))
    MemoryDriver.own_scripts[LOGIN] = script
    told = look()
    assert told[-1] == f"So do {count - 20} more rules."
    assert len(json.dumps(part().put_right)) < 10 * len(script)
    restore()
    assert redirects(own()) == []
    rules = OwnScripts.objects.get().rules
    assert [rule["whole"] for rule in rules] == [script] + [""] * (count - 1)


def test_rules_switched_off_together_show_their_script_once(look, restore, client, webmaster):
    script = 'require "copy";\nredirect :copy "a@evil.test";\nredirect :copy "b@evil.test";\n'
    MemoryDriver.own_scripts[LOGIN] = script
    look()
    restore()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = client.get(PAGE + "forwarding/").content.decode()
    assert "“#1, #2” in the script “own”" in page
    assert page.count("redirect :copy &quot;a@evil.test&quot;") == 1
