"""The portal's script next to the mailbox's own ones, on a real Pigeonhole."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fleet.dovecot import Dovecot
from fleet.sink import Sink
from mailservers.drivers import mailbox_scripts
from mailservers.drivers.base import (
    AccountState,
    DriverError,
    OwnScript,
    Refused,
    RuleEdit,
    ScriptReport,
    ScriptState,
    ServerAway,
    TryAgain,
    Unreadable,
)
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.managesieve import ManageSieveClient
from mailservers.drivers.portal_script import PortalScript, compose
from mailservers.drivers.switching_off import rules, switched_off
from tests.mailservers.drivers.contract import OFF, SCRIPT, new_account
from tests.mailservers.drivers.mailbox import (
    STRANGER,
    deliver,
    keep_own_script,
    script_text,
    scripts,
    signs_in,
    subjects,
    webmail,
)

FILING = """
require ["fileinto", "mailbox"];
if header :contains "subject" "invoice" { fileinto :create "Invoices"; stop; }
"""
AWAY = ScriptState(
    'require ["vacation"];\nvacation :days 7 :handle "portal" :subject "Away" "Back on Monday.";\n',
    active=True,
)
OWN_AWAY = 'require "vacation";\nvacation "Own reply.";\n'


@pytest.fixture(scope="module")
def server(dovecot_with_sqlite: Dovecot) -> Dovecot:
    return dovecot_with_sqlite


@pytest.fixture
def driver(server: Dovecot) -> Iterator[DovecotDriver]:
    driver = DovecotDriver(server.endpoints(), server.credentials())
    yield driver
    driver.close()


@pytest.fixture
def account(driver: DovecotDriver) -> AccountState:
    account = new_account()
    driver.put_account(account)
    return account


# --- scripts made in webmail


def test_own_rules_stay_run_after_ours_and_are_restored(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", FILING)
    away = replace(AWAY, own_first=False)

    driver.put_script(login, away)
    assert scripts(server, login) == {"portal": True, "roundcube": False}
    assert script_text(server, login, "roundcube") == FILING
    assert driver.read_script(login) == away

    deliver(server, account, "invoice-1", "customer@elsewhere.test")
    deliver(server, account, "greetings-1", "friend@elsewhere.test")
    assert subjects(server, login, "Invoices") == ["invoice-1"]
    assert subjects(server, login) == ["greetings-1"]
    [reply] = sink.wait_for(1, to="customer@elsewhere.test")
    assert reply["Subject"] == "Away"
    assert reply.get_content().strip() == "Back on Monday."
    sink.wait_for(1, to="friend@elsewhere.test")

    driver.put_script(login, OFF)
    assert scripts(server, login) == {"roundcube": True}
    assert script_text(server, login, "roundcube") == FILING
    deliver(server, account, "invoice-2", "late@elsewhere.test")
    assert subjects(server, login, "Invoices") == ["invoice-1", "invoice-2"]
    assert sink.messages(to="late@elsewhere.test") == []


def test_where_nobody_has_rules_of_their_own_the_server_is_asked_as_little_as_can_be(
    driver: DovecotDriver, account: AccountState, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    ask = ManageSieveClient._command

    def counted(client: ManageSieveClient, *parts: bytes, rows: bool = False) -> object:
        asked.append(parts[0])
        return ask(client, *parts, rows=rows)

    def asked_by(state: ScriptState) -> list[bytes]:
        with driver.session(account.login):
            asked.clear()
            driver.put_script(account.login, state)
            return [command for command in asked if command.endswith((b"SCRIPT", b"SCRIPTS", b"ACTIVE"))]

    monkeypatch.setattr(ManageSieveClient, "_command", counted)
    assert asked_by(AWAY) == [b"LISTSCRIPTS", b"PUTSCRIPT", b"SETACTIVE"]
    other = replace(AWAY, text=AWAY.text.replace("Monday", "Tuesday"))
    assert asked_by(other) == [b"LISTSCRIPTS", b"GETSCRIPT", b"PUTSCRIPT"]
    assert asked_by(other) == [b"LISTSCRIPTS", b"GETSCRIPT"]
    assert asked_by(OFF) == [b"LISTSCRIPTS", b"GETSCRIPT", b"SETACTIVE", b"DELETESCRIPT"]


def test_where_ours_ends_with_stop_own_rules_rest_and_run_again_afterwards(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    """So a frozen mailbox sends nothing on, by no rule, not even beside an auto-reply of its own."""
    login, thief = account.login, f"thief.{account.login}@elsewhere.test"
    own = f'require ["vacation"];\nvacation "Own reply.";\nredirect "{thief}";\n'
    keep_own_script(server, login, "roundcube", own)
    frozen = replace(AWAY, text=f"{AWAY.text}stop;\n")
    driver.put_script(login, frozen)
    assert driver.read_script(login) == frozen
    deliver(server, account, "hello", f"friend.{login}@elsewhere.test")
    [reply] = sink.wait_for(1, to=f"friend.{login}@elsewhere.test")
    assert reply["Subject"] == "Away"
    assert subjects(server, login) == ["hello"]
    assert sink.messages(to=thief) == []
    driver.put_script(login, OFF)
    assert scripts(server, login) == {"roundcube": True}
    assert script_text(server, login, "roundcube") == own
    deliver(server, account, "again", STRANGER)
    sink.wait_for(1, to=thief)


@pytest.mark.parametrize(
    "name", ['say "hi" \\o', "Büro & Ümläute 😀", "a b;", "x" * 120, "${x}", "portal-own-1"]
)
def test_any_name_of_an_own_script_is_remembered(
    name: str, server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, name, FILING)
    for _ in range(2):
        driver.put_script(account.login, SCRIPT)
        assert driver.read_script(account.login) == SCRIPT
    deliver(server, account, "invoice")
    assert subjects(server, account.login, "Invoices") == ["invoice"]
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {name: True}


def test_own_scripts_that_are_not_active_are_left_alone(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "old", FILING, active=False)
    driver.put_script(account.login, SCRIPT)
    assert "include :personal" not in script_text(server, account.login, "portal")
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {"old": False}


def test_another_script_activated_in_webmail_becomes_the_one_from_before(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "first", "keep;")
    driver.put_script(account.login, SCRIPT)
    keep_own_script(server, account.login, "second", FILING)
    assert driver.read_script(account.login) == ScriptState(SCRIPT.text, active=False)

    driver.put_script(account.login, SCRIPT)
    assert driver.read_script(account.login) == SCRIPT
    assert 'include :personal :optional "second";\n' in script_text(server, account.login, "portal")
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {"first": False, "second": True}


def test_turning_off_leaves_what_was_activated_in_webmail(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "first", "keep;")
    driver.put_script(account.login, SCRIPT)
    keep_own_script(server, account.login, "second", FILING)
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {"first": False, "second": True}


def test_all_switched_off_in_webmail_the_one_from_before_comes_along_again(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, SCRIPT)
    with webmail(server, account.login) as client:
        client.set_active("")
    assert not driver.read_script(account.login).active
    driver.put_script(account.login, SCRIPT)
    deliver(server, account, "invoice")
    assert subjects(server, account.login, "Invoices") == ["invoice"]


def test_the_one_from_before_may_be_deleted(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, SCRIPT)
    with webmail(server, account.login) as client:
        client.delete_script("roundcube")
    deliver(server, account, "still-delivered")
    assert subjects(server, account.login) == ["still-delivered"]
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {}


def test_an_own_script_named_like_ours_is_set_aside(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "portal-own-1", "keep;", active=False)
    keep_own_script(server, account.login, "portal", FILING)
    assert driver.read_script(account.login) == ScriptState(FILING, active=True)

    driver.put_script(account.login, SCRIPT)
    assert driver.read_script(account.login) == SCRIPT
    assert script_text(server, account.login, "portal-own-2") == FILING
    deliver(server, account, "invoice")
    assert subjects(server, account.login, "Invoices") == ["invoice"]
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {"portal-own-1": False, "portal-own-2": True}


def test_turning_off_does_not_destroy_an_own_script_named_like_ours(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "portal", FILING)
    driver.put_script(account.login, OFF)
    assert driver.read_script(account.login) == OFF
    assert scripts(server, account.login) == {"portal-own-1": True}
    assert script_text(server, account.login, "portal-own-1") == FILING


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda whole: whole.replace("if false", "if true"), 'if true { fileinto "ä"; }\n'),
        (lambda whole: whole + 'redirect "spy@elsewhere.test";\n', 'redirect "spy@elsewhere.test";\n'),
        (lambda whole: whole.replace("# ----- end", "# end"), None),
        (lambda whole: whole.replace("# Rules", "# My rules"), None),
    ],
)
def test_a_change_made_in_webmail_shows_and_is_mended(
    change: Callable[[str], str],
    kept: str | None,
    server: Dovecot,
    driver: DovecotDriver,
    account: AccountState,
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, SCRIPT)
    changed = change(script_text(server, account.login, "portal"))
    keep_own_script(server, account.login, "portal", changed)
    assert driver.read_script(account.login) == ScriptState(changed, active=True)
    driver.put_script(account.login, SCRIPT)
    assert driver.read_script(account.login) == SCRIPT
    driver.put_script(account.login, OFF)
    own = scripts(server, account.login)
    assert own == ({"roundcube": True} if kept is None else {"roundcube": False, "portal-own-1": True})
    assert kept is None or kept in script_text(server, account.login, "portal-own-1")


def test_what_is_there_already_is_not_written_again(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, SCRIPT)
    stored = server.directory / "mail" / account.login / "sieve" / "portal.sieve"
    written = stored.stat().st_ino, stored.stat().st_mtime_ns
    driver.put_script(account.login, SCRIPT)
    assert (stored.stat().st_ino, stored.stat().st_mtime_ns) == written
    driver.put_script(account.login, ScriptState("keep;", active=True))
    assert (stored.stat().st_ino, stored.stat().st_mtime_ns) != written


# --- two auto-replies


@pytest.mark.parametrize(
    "own",
    [
        OWN_AWAY,
        'require ["vacation"];\nif true {\n  vacation :days 1 text:\nOwn.\n.\n;\n}\n',
    ],
)
def test_an_own_auto_reply_is_told_instead_of_failing_at_each_mail(
    own: str, server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", own)
    with pytest.raises(Refused) as refusal:
        driver.put_script(account.login, AWAY)
    assert str(refusal.value) == (
        "The mailbox runs its own auto-reply in the script “roundcube”."
        " Choose on the mailbox's page which one holds, or switch it off in webmail."
    )
    assert refusal.value.values == {"script": "roundcube"}
    assert scripts(server, account.login) == {"roundcube": True}


def test_an_own_auto_reply_further_down_is_found(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "holiday", OWN_AWAY, active=False)
    chain = 'require "include";\ninclude "holiday";\n'
    keep_own_script(server, account.login, "main", chain)
    with pytest.raises(Refused, match="“holiday”"):
        driver.put_script(account.login, AWAY)


def test_an_own_auto_reply_that_came_later_is_found_too(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, AWAY)
    keep_own_script(server, account.login, "roundcube", OWN_AWAY, active=False)
    with pytest.raises(Refused, match="“roundcube”"):
        driver.put_script(account.login, AWAY)


def test_two_auto_replies_would_indeed_fail(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    """Why the above is worth its while: the server takes them, and then answers nobody as wanted."""
    both = 'require ["vacation", "include"];\nvacation "Ours.";\ninclude :personal "own";\n'
    keep_own_script(server, account.login, "own", OWN_AWAY, active=False)
    keep_own_script(server, account.login, "both", both)
    deliver(server, account, "hello", "twice@elsewhere.test")
    log = server.directory / "mail" / account.login / ".dovecot.sieve.log"
    assert "duplicate vacation action not allowed" in log.read_text()
    assert sink.messages(to="twice@elsewhere.test") == []


def test_a_rule_switched_off_in_roundcube_is_no_auto_reply(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    own = 'require ["vacation"];\n# rule:[Away]\nif false # true\n{\n\tvacation "Own.";\n}\n'
    keep_own_script(server, account.login, "roundcube", own)
    driver.put_script(account.login, AWAY)
    assert driver.read_script(account.login) == AWAY
    deliver(server, account, "hello", "curious@elsewhere.test")
    [reply] = sink.wait_for(1, to="curious@elsewhere.test")
    assert reply.get_content().strip() == "Back on Monday."


def test_forwarding_alone_goes_well_with_an_own_auto_reply(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    keep_own_script(server, account.login, "roundcube", OWN_AWAY)
    forward = ScriptState('require "copy";\nredirect :copy "target@elsewhere.test";\n', active=True)
    driver.put_script(account.login, forward)
    deliver(server, account, "hello", "asker@elsewhere.test")
    [reply] = sink.wait_for(1, to="asker@elsewhere.test")
    assert reply.get_content().strip() == "Own reply."
    assert sink.wait_for(1, to="target@elsewhere.test")[0]["Subject"] == "hello"
    assert subjects(server, account.login) == ["hello"]


# --- scripts the server does not take


def test_a_mistake_is_told_with_its_first_line_only(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    wrong = 'require "fileinto";\nnonsense "one";\nnonsense "my private words";\n'
    with pytest.raises(Refused) as refusal:
        driver.put_script(account.login, ScriptState(wrong, active=True))
    assert re.fullmatch(
        r"The mail server found a mistake in the script: line \d+: error: unknown command 'nonsense'[^\n]*",
        str(refusal.value),
    )
    assert "private" not in str(refusal.value)
    assert scripts(server, account.login) == {"roundcube": True}


def test_an_own_script_with_a_mistake_is_told(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    _damage(server, account, "roundcube")
    with pytest.raises(Refused, match="mistake"):
        driver.put_script(account.login, SCRIPT)
    assert scripts(server, account.login) == {"roundcube": True}


def test_ours_can_be_turned_off_when_the_one_from_before_is_broken(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", FILING)
    driver.put_script(account.login, SCRIPT)
    _damage(server, account, "roundcube")
    driver.put_script(account.login, OFF)
    assert scripts(server, account.login) == {"roundcube": False}


def _damage(server: Dovecot, account: AccountState, name: str) -> None:
    """Something the server would not take: it comes with a restored backup, say."""
    stored = server.directory / "mail" / account.login / "sieve" / f"{name}.sieve"
    stored.write_text("nonsense;\n")


def test_a_script_that_is_too_long(driver: DovecotDriver, account: AccountState) -> None:
    with pytest.raises(Refused, match="length"):
        driver.put_script(account.login, ScriptState("# x\n" * 20_000, active=True))
    assert driver.read_script(account.login) == OFF


def test_too_many_scripts(server: Dovecot, driver: DovecotDriver, account: AccountState) -> None:
    for number in range(10):
        keep_own_script(server, account.login, f"own-{number}", "keep;", active=number == 0)
    with pytest.raises(Refused, match="as many scripts as"):
        driver.put_script(account.login, SCRIPT)
    assert scripts(server, account.login)["own-0"]


def test_characters_that_cannot_be_sent(driver: DovecotDriver, account: AccountState) -> None:
    with pytest.raises(Refused, match="characters"):
        driver.put_script(account.login, ScriptState("# \ud800\n", active=True))


def test_a_server_warning_is_no_failure(driver: DovecotDriver, account: AccountState) -> None:
    long = ScriptState('require "vacation";\nvacation :days 100 "x";\n', active=True)
    driver.put_script(account.login, long)
    assert driver.read_script(account.login) == long


def test_a_mailbox_without_a_password_can_have_a_script(server: Dovecot, driver: DovecotDriver) -> None:
    account = new_account(password_hash="")
    driver.put_account(account)
    driver.put_script(account.login, SCRIPT)
    assert driver.read_script(account.login) == SCRIPT
    for password in ("", "!", "{SHA512-CRYPT}!"):
        assert not signs_in(server, account.login, password)


@pytest.mark.parametrize("ours_is_there", [False, True])
def test_ours_takes_the_place_of_an_own_auto_reply(
    ours_is_there: bool, server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    login = account.login
    own = FILING.replace('["fileinto", "mailbox"]', '["fileinto", "mailbox", "vacation"]')
    rule = 'if true\n{\n\tvacation :days 3 "Own reply.";\n}'
    own += f"# rule:[Vacation]\n{rule}\n"
    if ours_is_there:
        driver.put_script(login, AWAY)
    keep_own_script(server, login, "roundcube", own)
    if ours_is_there:
        with webmail(server, login) as client:
            client.put_script("portal", compose(PortalScript(AWAY.text, "roundcube")))
            client.set_active("portal")
    with pytest.raises(Refused):
        driver.put_script(login, AWAY)
    assert script_text(server, login, "roundcube") == own

    off = RuleEdit("roundcube", rule, f"if false # {rule[3:]}")
    away = replace(AWAY, own_first=False)
    for _ in range(2):
        driver.put_script(login, replace(away, edits=(off,)))
        assert driver.read_script(login) == away
    assert scripts(server, login) == {"portal": True, "roundcube": False}
    assert script_text(server, login, "roundcube") == own.replace("if true\n", "if false # true\n")
    sender = f"customer.{login}@elsewhere.test"
    deliver(server, account, "invoice", sender)
    assert subjects(server, login, "Invoices") == ["invoice"]
    [reply] = sink.wait_for(1, to=sender)
    assert reply["Subject"] == "Away"

    # And back: what was there runs again, as it was.
    on = RuleEdit("roundcube", off.after, off.before)
    driver.put_script(login, replace(OFF, edits=(on,)))
    assert scripts(server, login) == {"roundcube": True}
    assert script_text(server, login, "roundcube") == own


def test_an_edit_leaves_every_other_byte_as_it_is(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    before = "# mine – ü\n" + 'require "vacation";\r\n\n/* kept */\tif true\n{\r\n\t'
    before += "vacation text:\na\r\n..b\n.\n;\r\n}\n\nkeep ;"
    with webmail(server, login) as client:
        client.put_script("mixed", before, to_the_byte=True)
        client.set_active("mixed")
        assert client.get_script("mixed") == before
    [rule] = [rule for rule in rules(before) if rule.text.startswith("if")]
    off = RuleEdit("mixed", rule.text, switched_off(rule) or "")
    driver.put_script(login, replace(SCRIPT, edits=(off,)))
    with webmail(server, login) as client:
        assert client.get_script("mixed") == before.replace("if true", "if false # true")


def test_two_auto_replies_are_none_and_own_rules_do_not_run(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    """Why it is told as soon as somebody makes one in webmail beside the portal's."""
    login = account.login
    keep_own_script(server, login, "roundcube", FILING)
    driver.put_script(login, AWAY)
    both = 'require ["fileinto", "mailbox", "vacation"];\nvacation "Own reply.";\nfileinto :create "Own";\n'
    keep_own_script(server, login, "roundcube", both, active=False)
    sender = f"customer.{login}@elsewhere.test"
    deliver(server, account, "greetings", sender)
    assert subjects(server, login) == ["greetings"]
    assert subjects(server, login, "Own") == []
    assert sink.messages(to=sender) == []


# --- many at once


def test_redirects_are_told_wherever_they_run(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "forgotten", 'redirect "never@x.test";\n', active=False)
    keep_own_script(server, login, "deeper", 'redirect "deep@x.test";\n', active=False)
    keep_own_script(
        server, login, "roundcube", 'require "include";\nredirect "first@x.test";\ninclude "deeper";\n'
    )
    driver.put_script(login, AWAY)
    report = driver.read_scripts([login], connections=1, seconds=30.0)[login]
    assert isinstance(report, ScriptReport)
    assert report.script == AWAY
    assert report.redirects == ("deep@x.test", "first@x.test")
    assert [(script.name, script.always) for script in report.own] == [("roundcube", True), ("deeper", True)]


def test_own_scripts_that_answer_are_told(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    def report() -> ScriptReport | DriverError:
        return driver.read_scripts([account.login], connections=1, seconds=30.0)[account.login]

    own = (OwnScript("roundcube", OWN_AWAY.replace("\n", "\r\n")),)
    keep_own_script(server, account.login, "roundcube", OWN_AWAY)
    assert report() == ScriptReport(OFF, (), own)
    driver.put_script(account.login, SCRIPT)
    assert report() == ScriptReport(SCRIPT, (), own)
    keep_own_script(server, account.login, "filing", FILING)
    assert report() == ScriptReport(ScriptState(SCRIPT.text, active=False))


def test_a_changed_script_of_ours_tells_its_redirects_too(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    driver.put_script(account.login, AWAY)
    changed = script_text(server, account.login, "portal") + 'redirect "thief@x.test";\n'
    keep_own_script(server, account.login, "portal", changed)
    report = driver.read_scripts([account.login], connections=1, seconds=30.0)[account.login]
    assert isinstance(report, ScriptReport)
    assert report.redirects == ("thief@x.test",)
    assert report.script.text == changed


def test_scripts_of_some_do_not_hide_the_others_trouble(driver: DovecotDriver, account: AccountState) -> None:
    reports = driver.read_scripts([account.login, "nobody0001"], connections=2, seconds=30.0)
    assert reports[account.login] == ScriptReport(OFF)
    assert isinstance(reports["nobody0001"], TryAgain)
    assert not isinstance(reports["nobody0001"], ServerAway)


def test_no_script_is_begun_after_the_time(driver: DovecotDriver, account: AccountState) -> None:
    assert driver.read_scripts([account.login], connections=1, seconds=0.0) == {}


WINDOW = 'currentdate :zone "+0000" :value "{}" "date" "{}"'


def own_away(*tests: str) -> str:
    rule = f'if allof ({", ".join(tests)}) {{ vacation "Own reply."; }}'
    return f'require ["vacation", "date", "relational"];\n# rule:[Vacation]\n{rule}\n'


def test_an_own_auto_reply_whose_time_is_over_does_not_block_ours(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    own = own_away(WINDOW.format("ge", "2024-06-01"), WINDOW.format("le", "2024-06-14"))
    keep_own_script(server, login, "roundcube", own)
    driver.put_script(login, AWAY)
    assert scripts(server, login)["portal"]
    assert script_text(server, login, "roundcube") == own


def test_an_own_auto_reply_at_another_time_does_not_block_ours(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", own_away(WINDOW.format("ge", "2046-06-01")))
    until = f'if {WINDOW.format("lt", "2046-06-01")} {{ vacation :handle "portal" "Back on Monday."; }}\n'
    driver.put_script(
        login, ScriptState(f'require ["date", "relational", "vacation"];\n{until}', active=True)
    )
    assert scripts(server, login)["portal"]
    with pytest.raises(Refused, match="“roundcube”"):
        driver.put_script(login, AWAY)


def test_more_scripts_than_anybody_has_are_told_as_unread(
    server: Dovecot, driver: DovecotDriver, account: AccountState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of the tests takes ten; another one may take a thousand."""
    monkeypatch.setattr(mailbox_scripts, "MOST_RUNNING", 3)
    login = account.login
    for number in range(3, -1, -1):
        inner = f'include :personal "own{number + 1}";\n' if number < 3 else ""
        keep_own_script(
            server, login, f"own{number}", f'require "include";\n{inner}keep;\n', active=number == 0
        )
    [report] = driver.read_scripts([login], connections=1, seconds=20).values()
    assert isinstance(report, Unreadable)
