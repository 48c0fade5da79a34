"""What webmail puts into the portal's own script is never lost, on a real Pigeonhole."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fleet.dovecot import Dovecot
from fleet.sink import Sink
from mailservers.drivers.base import (
    AccountState,
    MovingRule,
    Refused,
    RuleEdit,
    ScriptReport,
    ScriptState,
    TryAgain,
)
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.managesieve import ManageSieveClient
from mailservers.drivers.portal_script import PortalScript, compose
from tests.mailservers.drivers.contract import OFF, new_account
from tests.mailservers.drivers.mailbox import (
    deliver,
    keep_own_script,
    script_text,
    scripts,
    subjects,
    webmail,
)

AWAY = ScriptState(
    'require ["copy", "vacation"];\n'
    'vacation :days 7 :subject "Away" :from "anna@a.test" :handle "portal-1-0" "Back on Monday.";\n'
    'redirect :copy "deputy@a.test";\n',
    active=True,
)
OTHER = replace(AWAY, text=AWAY.text.replace("Monday", "Tuesday"))
OWN = 'require ["fileinto", "mailbox"];\n'
OWN += 'if header :contains "subject" "invoice" { fileinto :create "Invoices"; }\n'
RULE = """\
# rule:[Newsletters]
if header :contains "subject" "newsletter"
{
\tfileinto :create "Newsletters";
}
"""
# Roundcube 1.6 keeps the first lines, drops the others, and writes all commands anew.
BY_ROUNDCUBE = """\
{header}

require ["copy","fileinto","include","mailbox","vacation"];
{first}vacation :days 7 :subject "Away" :handle "portal-1-0" :from "anna@a.test" "Back on Monday.";
redirect :copy "deputy@a.test";
{last}{rule}"""


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


def by_roundcube(whole: str, rule: str = RULE) -> str:
    header = whole.partition("require")[0].rstrip("\n")
    include = next((line + "\n" for line in whole.splitlines() if line.startswith("include")), "")
    include = include.replace(":personal :optional", ":optional :personal")
    first = whole.find("include :") < whole.find("vacation :")
    return BY_ROUNDCUBE.format(
        header=header, first=include if first else "", last="" if first else include, rule=rule
    )


def after_the_end(whole: str) -> str:
    return whole.replace('require "include";', 'require ["include", "fileinto", "mailbox"];') + RULE


def before_ours(whole: str) -> str:
    begin = "# ----- from the portal -----\n"
    whole = whole.replace('require "include";', 'require ["include", "fileinto", "mailbox"];')
    # In the former order the text begins with its own `require`, which must stay in front.
    if whole.index(begin) < whole.index('require ["copy"'):
        return whole.replace('"vacation"];\n', f'"vacation"];\n{RULE}')
    return whole.replace(begin, f"{RULE}{begin}")


def inside_ours(whole: str) -> str:
    whole = whole.replace('require "include";', 'require ["include", "fileinto", "mailbox"];')
    return whole.replace("redirect :copy", f"{RULE}redirect :copy")


def nothing_of_ours(whole: str) -> str:
    header = whole.partition("require")[0]
    return f'{header}require ["fileinto", "mailbox"];\n{RULE}'


def wholly_own(_whole: str) -> str:
    return f'require ["fileinto", "mailbox"];\n{RULE}'


def without_the_first_lines(whole: str) -> str:
    return by_roundcube(whole).partition("\n\n")[2]


CHANGES = [
    by_roundcube,
    after_the_end,
    before_ours,
    inside_ours,
    nothing_of_ours,
    wholly_own,
    without_the_first_lines,
]
Act = Callable[[DovecotDriver, str], None]


def save_another_text(driver: DovecotDriver, login: str) -> None:
    driver.put_script(login, OTHER)
    assert driver.read_script(login) == OTHER


def switch_off(driver: DovecotDriver, login: str) -> None:
    driver.put_script(login, OFF)
    assert driver.read_script(login) == OFF


def restore(driver: DovecotDriver, login: str) -> None:
    driver.put_script(login, AWAY)
    assert driver.read_script(login) == AWAY


@pytest.mark.parametrize("act", [save_another_text, switch_off, restore])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("own_first", [True, False, None])
def test_a_filter_made_in_the_portals_script_runs_on(
    change: Callable[[str], str],
    act: Act,
    own_first: bool | None,
    server: Dovecot,
    driver: DovecotDriver,
    account: AccountState,
    sink: Sink,
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", OWN)
    driver.put_script(login, AWAY)
    keep_own_script(server, login, "portal", compose(PortalScript(AWAY.text, "roundcube", own_first)))
    keep_own_script(server, login, "portal", change(script_text(server, login, "portal")))
    act(driver, login)
    act(driver, login)
    deliver(server, account, "newsletter", f"news.{login}@elsewhere.test")
    assert subjects(server, login, "Newsletters") == ["newsletter"]
    assert len(sink.messages(to=f"news.{login}@elsewhere.test")) == (act is not switch_off)
    if change not in (nothing_of_ours, wholly_own):
        deliver(server, account, "invoice", f"customer.{login}@elsewhere.test")
        assert subjects(server, login, "Invoices") == ["invoice"]
    held = scripts(server, login)
    assert set(held) == {"roundcube", "portal-own-1"} | (set() if act is switch_off else {"portal"})
    # Nothing of the portal's own runs twice, now or once it is off.
    own = script_text(server, login, "portal-own-1")
    live = own.partition("if false")[0]
    assert "Monday" not in live
    assert "deputy" not in live
    driver.put_script(login, OFF)
    assert scripts(server, login) == {"roundcube": False, "portal-own-1": True}


def test_a_second_filter_joins_the_first(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", OWN)
    driver.put_script(login, AWAY)
    for name in ("Newsletters", "Parties"):
        rule = RULE.replace("Newsletters", name).replace('"newsletter"', f'"{name.lower()}"')
        changed = by_roundcube(script_text(server, login, "portal"), rule)
        keep_own_script(server, login, "portal", changed)
        driver.put_script(login, AWAY)
    assert set(scripts(server, login)) == {"portal", "roundcube", "portal-own-1"}
    for subject in ("invoice", "newsletters", "parties"):
        deliver(server, account, subject)
    assert subjects(server, login, "Parties") == ["parties"]
    assert subjects(server, login, "Newsletters") == ["newsletters"]
    assert subjects(server, login, "Invoices") == ["invoice"]


def test_one_named_like_it_is_left_alone(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "portal-own-1", OWN)
    driver.put_script(login, AWAY)
    keep_own_script(server, login, "portal", by_roundcube(script_text(server, login, "portal")))
    driver.put_script(login, AWAY)
    assert script_text(server, login, "portal-own-1") == OWN
    for subject in ("invoice", "newsletter"):
        deliver(server, account, subject)
    assert subjects(server, login, "Newsletters") == ["newsletter"]
    assert subjects(server, login, "Invoices") == ["invoice"]


def test_another_text_typed_into_the_portals_reply_is_kept_switched_off(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    """Beside the portal's it must not run; but somebody wrote it."""
    login = account.login
    driver.put_script(login, AWAY)
    typed = by_roundcube(script_text(server, login, "portal"), "").replace("Monday", "Friday, ask Tom")
    keep_own_script(server, login, "portal", typed)
    [told] = driver.read_script(login).moving
    assert told == MovingRule("#1", "portal-own-1", runs=False)
    driver.put_script(login, AWAY)
    assert "Friday, ask Tom" in script_text(server, login, "portal-own-1")
    sender = f"asker.{login}@elsewhere.test"
    deliver(server, account, "hello", sender)
    assert [mail.get_content().strip() for mail in sink.wait_for(1, to=sender)] == ["Back on Monday."]
    driver.put_script(login, OFF)
    deliver(server, account, "again", f"second.{sender}")
    assert sink.messages(to=f"second.{sender}") == []
    assert subjects(server, login) == ["hello", "again"]


def test_what_will_move_is_told_beforehand(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    driver.put_script(login, AWAY)
    assert driver.read_script(login).moving == ()
    keep_own_script(server, login, "portal", by_roundcube(script_text(server, login, "portal")))
    assert driver.read_script(login).moving == (MovingRule("Newsletters", "portal-own-1", runs=True),)
    assert set(scripts(server, login)) == {"portal"}
    keep_own_script(server, login, "portal", wholly_own(""))
    assert driver.read_script(login).moving == (MovingRule("Newsletters", "portal-own-1", runs=True),)


@pytest.mark.parametrize("wanted", [OTHER, OFF])
def test_no_room_for_another_script_and_nothing_is_written(
    wanted: ScriptState, server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    driver.put_script(login, AWAY)
    changed = by_roundcube(script_text(server, login, "portal"))
    keep_own_script(server, login, "portal", changed)
    for number in range(9):
        keep_own_script(server, login, f"some-{number}", "keep;", active=False)
    before = scripts(server, login)
    with pytest.raises(Refused, match="as many scripts as the mail server allows"):
        driver.put_script(login, wanted)
    assert scripts(server, login) == before
    assert script_text(server, login, "portal") == changed


def test_what_is_saved_in_webmail_between_the_look_and_the_writing_is_not_lost(
    server: Dovecot, driver: DovecotDriver, account: AccountState, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", "keep;\n")
    driver.put_script(login, AWAY)
    changed = by_roundcube(script_text(server, login, "portal"))
    check = ManageSieveClient.check_script
    meanwhile = [lambda: keep_own_script(server, login, "portal", changed)]

    def checked(client: ManageSieveClient, text: str) -> str:
        while meanwhile:
            meanwhile.pop()()
        return check(client, text)

    monkeypatch.setattr(ManageSieveClient, "check_script", checked)
    driver.put_script(login, OTHER)
    deliver(server, account, "newsletter")
    assert subjects(server, login, "Newsletters") == ["newsletter"]


def test_somebody_who_goes_on_saving_is_waited_for(
    server: Dovecot, driver: DovecotDriver, account: AccountState, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", "keep;\n")
    driver.put_script(login, AWAY)
    check = ManageSieveClient.check_script
    numbers = iter(range(100))

    def checked(client: ManageSieveClient, text: str) -> str:
        keep_own_script(server, login, f"new-{next(numbers)}", "keep;", active=False)
        return check(client, text)

    monkeypatch.setattr(ManageSieveClient, "check_script", checked)
    with pytest.raises(TryAgain, match="changed in between"):
        driver.put_script(login, OTHER)
    assert "Monday" in script_text(server, login, "portal")


# --- scripts that include others


def test_a_master_script_goes_on_including_the_portals(
    server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    login = account.login
    driver.put_script(login, AWAY)
    keep_own_script(server, login, "mine", OWN, active=False)
    keep_own_script(server, login, "main", 'require "include";\ninclude "mine";\ninclude "portal";\n')
    assert driver.read_script(login) == AWAY
    driver.put_script(login, OTHER)
    assert driver.read_script(login) == OTHER
    assert scripts(server, login) == {"main": True, "mine": False, "portal": False}
    sender = f"asker.{login}@elsewhere.test"
    deliver(server, account, "invoice", sender)
    assert subjects(server, login, "Invoices") == ["invoice"]
    assert "Tuesday" in sink.wait_for(1, to=sender)[0].get_content()
    driver.put_script(login, OFF)
    assert driver.read_script(login) == OFF
    deliver(server, account, "invoice-2", f"second.{sender}")
    assert subjects(server, login, "Invoices") == ["invoice", "invoice-2"]
    assert sink.messages(to=f"second.{sender}") == []
    driver.put_script(login, AWAY)
    assert driver.read_script(login) == AWAY
    # A frozen mailbox runs nothing before what is to be the last; and then all is as it was.
    frozen = replace(AWAY, text=f"{AWAY.text}stop;\n")
    driver.put_script(login, frozen)
    assert driver.read_script(login) == frozen
    assert scripts(server, login)["portal"]
    driver.put_script(login, replace(AWAY, before="main"))
    assert scripts(server, login) == {"main": True, "mine": False, "portal": False}


def test_a_script_that_another_one_includes_is_gone(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    """The server takes both, and would run neither."""
    login = account.login
    keep_own_script(server, login, "nested", OWN, active=False)
    keep_own_script(server, login, "main", 'require "include";\ninclude "nested";\n')
    driver.put_script(login, AWAY)
    with webmail(server, login) as client:
        client.delete_script("nested")
    held = driver.read_script(login)
    assert held != AWAY
    [(sentence, values)] = held.broken
    assert sentence % values == (
        "The script “main” includes “nested”, which is not there: the mail server would run none of them."
        " Please mend it in webmail."
    )
    with pytest.raises(Refused, match="“main” includes “nested”"):
        driver.put_script(login, OTHER)
    assert "Monday" in script_text(server, login, "portal")
    keep_own_script(server, login, "nested", OWN, active=False)
    assert driver.read_script(login) == AWAY


def test_scripts_that_include_each_other_are_told(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "two", "keep;", active=False)
    keep_own_script(server, login, "one", 'require "include";\ninclude "two";\n')
    keep_own_script(server, login, "two", 'require "include";\ninclude "one";\n', active=False)
    with pytest.raises(Refused, match=r"can't run together: .*circular"):
        driver.put_script(login, AWAY)
    assert scripts(server, login) == {"one": True, "two": False}


def test_the_portals_script_deleted_in_webmail_brings_the_one_from_before_back(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    keep_own_script(server, login, "roundcube", OWN)
    driver.put_script(login, AWAY)
    assert driver.read_script(login).before == "roundcube"
    for wanted in (OFF, AWAY):
        with webmail(server, login) as client:
            client.set_active("")
            if "portal" in {entry.name for entry in client.list_scripts()}:
                client.delete_script("portal")
        driver.put_script(login, replace(wanted, before="roundcube"))
        deliver(server, account, f"invoice-{wanted.active}")
    assert subjects(server, login, "Invoices") == ["invoice-False", "invoice-True"]


@pytest.mark.parametrize("wanted", [OFF, OTHER])
@pytest.mark.parametrize("rule", ["", RULE])
def test_the_portals_script_renamed_in_webmail_is_still_the_portals(
    server: Dovecot, driver: DovecotDriver, account: AccountState, wanted: ScriptState, rule: str
) -> None:
    """Else it goes on answering under the other name, whatever is set."""
    login = account.login
    keep_own_script(server, login, "roundcube", OWN)
    driver.put_script(login, AWAY)
    with webmail(server, login) as client:
        if rule:
            client.put_script("portal", after_the_end(client.get_script("portal")))
        client.rename_script("portal", "holiday")
    driver.put_script(login, wanted)
    held = driver.read_script(login)
    assert (held.text, held.active) == (wanted.text, wanted.active)
    found = scripts(server, login)
    assert "holiday" not in found
    texts = [script_text(server, login, name) for name in found]
    assert not [text for text in texts if "Back on Monday" in text]
    deliver(server, account, "invoice")
    deliver(server, account, "newsletter")
    assert subjects(server, login, "Invoices") == ["invoice"]
    assert subjects(server, login, "Newsletters") == (["newsletter"] if rule else [])


# --- the order


@pytest.mark.parametrize("own_first", [True, False])
def test_what_own_rules_throw_away_is_answered_only_where_they_run_after(
    own_first: bool, server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    login = account.login
    blocked, deputy = f"blocked.{login}@elsewhere.test", f"deputy.{login}@a.test"
    own = f'if address "from" "{blocked}" {{ discard; stop; }}\n'
    keep_own_script(server, login, "roundcube", own)
    away = replace(AWAY, own_first=own_first, text=AWAY.text.replace("deputy@a.test", deputy))
    driver.put_script(login, away)
    assert driver.read_script(login) == away
    deliver(server, account, "buy", blocked)
    assert len(sink.messages(to=blocked)) == (not own_first)
    assert len(sink.messages(to=deputy)) == (not own_first)
    friend = f"friend.{login}@elsewhere.test"
    deliver(server, account, "hello", friend)
    sink.wait_for(1, to=friend)
    driver.put_script(login, replace(away, own_first=not own_first))
    assert driver.read_script(login).own_first is not own_first


@pytest.mark.parametrize(
    "own",
    [
        "keep;\nstop;\n",
        'if header :contains "subject" "x" { stop; } else { keep; stop; }\n',
        "if true { if true { stop; } }\n",
    ],
)
def test_own_rules_that_let_nothing_come_after_them_are_told(
    own: str, server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    keep_own_script(server, account.login, "roundcube", own)
    with pytest.raises(Refused, match="“roundcube” ends with “stop” for all mail"):
        driver.put_script(account.login, AWAY)
    assert scripts(server, account.login) == {"roundcube": True}
    after = replace(AWAY, own_first=False)
    driver.put_script(account.login, after)
    assert driver.read_script(account.login) == after


@pytest.mark.parametrize("change", [by_roundcube, after_the_end, inside_ours])
def test_what_a_thief_put_there_does_not_run_while_the_mailbox_is_frozen(
    change: Callable[[str], str], server: Dovecot, driver: DovecotDriver, account: AccountState, sink: Sink
) -> None:
    login, thief = account.login, f"thief.{account.login}@elsewhere.test"
    driver.put_script(login, AWAY)
    whole = change(script_text(server, login, "portal"))
    keep_own_script(server, login, "portal", whole.replace(RULE, f'{RULE}redirect :copy "{thief}";\n'))
    driver.put_script(login, replace(AWAY, text=f"{AWAY.text}stop;\n"))
    deliver(server, account, "newsletter")
    assert subjects(server, login) == ["newsletter"]
    assert sink.messages(to=thief) == []


def test_a_script_of_the_portals_that_is_too_long_to_be_read_is_left_and_told(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    driver.put_script(login, AWAY)
    changed = script_text(server, login, "portal") + "keep;\n" * 2500
    keep_own_script(server, login, "portal", changed)
    for wanted in (OTHER, OFF):
        with pytest.raises(Refused, match="too long for the portal to see what others put into it"):
            driver.put_script(login, wanted)
    assert script_text(server, login, "portal") == changed
    assert set(scripts(server, login)) == {"portal"}


FORWARD = 'require ["vacation"];\nvacation :handle "portal-1-0" "Away.";\nredirect "{deputy}";\n'


@pytest.mark.parametrize(
    ("own", "own_first", "answered", "sent_on", "folders"),
    [
        # Filed and ended: theirs alone. Without “stop”, or after ours, both.
        ('require "fileinto"; fileinto "Filed"; if true { stop; }', False, True, True, ["Filed"]),
        ('if header "subject" "hello" { fileinto "Filed"; stop; }', True, False, False, ["Filed"]),
        ('if header "subject" "hello" { fileinto "Filed"; stop; }', False, True, True, ["Filed"]),
        ('if header "subject" "hello" { fileinto "Filed"; }', True, True, True, ["Filed"]),
        # A rule that keeps mail keeps it beside a forwarding without a copy.
        ("keep;", True, True, True, ["INBOX"]),
        ("keep;", False, True, True, ["INBOX"]),
        # “return” ends their script alone.
        ("return; discard; stop;", True, True, True, []),
        ('if header "subject" "other" { discard; stop; }', True, True, True, []),
        ('if header "subject" "hello" { discard; stop; }', True, False, False, []),
        ('if header "subject" "hello" { discard; stop; }', False, True, True, []),
        ('if header "subject" "hello" { reject "No."; stop; }', True, False, False, []),
        # Why this is told as soon as it is seen: nothing of it all is done.
        ('if header "subject" "hello" { reject "No."; }', True, False, False, ["INBOX"]),
        ('if header "subject" "hello" { reject "No."; }', False, False, False, ["INBOX"]),
        ('if header "subject" "hello" { fileinto "Gone"; }', True, None, None, ["INBOX"]),
    ],
)
def test_what_becomes_of_mail_between_own_rules_and_the_portals(
    own: str,
    own_first: bool,
    answered: bool | None,
    sent_on: bool | None,
    folders: list[str],
    server: Dovecot,
    driver: DovecotDriver,
    account: AccountState,
    sink: Sink,
) -> None:
    login = account.login
    server.run_doveadm("mailbox", "create", "-u", login, "Filed")
    sender, deputy = f"ann.{login}@elsewhere.test", f"deputy.{login}@a.test"
    if not own.startswith("require"):
        own = f'require ["fileinto", "reject", "include"];\n{own}'
    keep_own_script(server, login, "own", own)
    wanted = ScriptState(FORWARD.format(deputy=deputy), active=True, own_first=own_first)
    driver.put_script(login, wanted)
    held = driver.read_script(login)
    assert held == wanted
    is_noted = answered is None or ('reject "No' in own and folders == ["INBOX"])
    assert len(held.notes) == is_noted
    deliver(server, account, "hello", sender)
    found = [folder for folder in ("INBOX", "Filed") if _holds(server, login, folder)]
    assert found == folders
    replies = [mail for mail in sink.messages(to=sender) if "Away." in mail.as_string()]
    if answered is not None:
        assert (len(replies) == 1, len(sink.messages(to=deputy)) == 1) == (answered, sent_on)


def _holds(server: Dovecot, login: str, folder: str) -> bool:
    told = server.run_doveadm("mailbox", "status", "-u", login, "messages", folder)
    return "messages=1" in told


# --- scripts that are no UTF-8


def test_bytes_that_are_no_text_stay_as_they_are(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    latin = b'# caf\xe9\r\nrequire ["fileinto", "mailbox"];\r\n'
    latin += b'if header "subject" "x" { fileinto :create "X"; }\r\n'
    stored = server.directory / "mail" / login / "sieve" / "roundcube.sieve"
    keep_own_script(server, login, "roundcube", "keep;")
    stored.write_bytes(latin)
    driver.put_script(login, AWAY)
    deliver(server, account, "x")
    assert subjects(server, login, "X") == ["x"]
    with webmail(server, login) as client:
        whole = client.get_script("portal") + "# rule:[Caf\udce9]\r\nkeep;\r\n"
        client.put_script("portal", whole, to_the_byte=True)
    driver.read_script(login).text.encode()
    driver.put_script(login, OFF)
    assert stored.read_bytes() == latin
    assert b"# rule:[Caf\xe9]\r\nkeep;\r\n" in (stored.parent / "portal-own-1.sieve").read_bytes()


def test_a_rule_in_a_script_that_is_no_text_is_not_switched_off_but_told(
    server: Dovecot, driver: DovecotDriver, account: AccountState
) -> None:
    login = account.login
    latin = b'# caf\xe9\r\nredirect "bert@a.test";\r\n'
    keep_own_script(server, login, "roundcube", "keep;")
    stored = server.directory / "mail" / login / "sieve" / "roundcube.sieve"
    stored.write_bytes(latin)
    rule = 'redirect "bert@a.test";'
    off = RuleEdit("roundcube", rule, f"if false # true\n{{\n\t{rule}\n}}")
    report = driver.read_scripts([login], connections=1, seconds=30.0)[login]
    assert isinstance(report, ScriptReport)
    assert report.redirects == ("bert@a.test",)
    with pytest.raises(Refused, match="“roundcube” is not in UTF-8"):
        driver.put_script(login, replace(AWAY, edits=(off,)))
    assert stored.read_bytes() == latin
    assert scripts(server, login) == {"roundcube": True}
