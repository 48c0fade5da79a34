"""A real Roundcube beside the portal: what its forms write is seen, taken over, switched off, brought back.

`bin/test --roundcube` fetches Debian's packages and runs it; elsewhere it is left out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from passlib.hash import sha512_crypt
from playwright.sync_api import Page, sync_playwright

from accounts.models import Mailbox
from audit.chain import record
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.roundcube import Roundcube
from fleet.sink import Sink
from fleet.users import private_directory
from mailservers import credentials, drift, outbox
from mailservers.models import Change, Observation, Server
from tests.mailservers.drivers.contract import new_account
from tests.mailservers.drivers.mailbox import deliver, keep_own_script, script_text, scripts, subjects
from vacation.models import AutoReply, Forwarding
from vacation.services import save_auto_reply

UNPACKED = os.environ.get("ROUNDCUBE_DIRECTORY", "")
pytestmark = [
    pytest.mark.skipif(not UNPACKED, reason="bin/test --roundcube fetches a Roundcube for it"),
    pytest.mark.timeout(300),
]
PASSWORD = "a password for webmail"
PICTURES = Path("var/test-artefacts/roundcube")
FILING = (
    "# my own words\r\n"
    'require ["fileinto"];\r\n'
    "# rule:[Invoices]\r\n"
    'if header :contains "subject" "invoice"\r\n{\r\n\tfileinto "Invoices";\r\n}\r\n'
)
Told = TypeVar("Told")


@pytest.fixture(scope="module")
def sink_and_dovecot() -> Iterator[tuple[Sink, Dovecot, Roundcube]]:
    with private_directory("webmail") as directory:
        sink = Sink(directory / "sink")
        dovecot = Dovecot("d", directory / "d", CertificateAuthority(directory / "ca"), sink.port)
        roundcube = Roundcube(Path(UNPACKED), directory / "roundcube", dovecot)
        servers: list[Any] = [sink, dovecot, roundcube]
        for server in servers:
            server.start()
        yield sink, dovecot, roundcube
        for server in reversed(servers):
            server.stop()


@pytest.fixture
def sink(sink_and_dovecot):
    return sink_and_dovecot[0]


@pytest.fixture
def dovecot(sink_and_dovecot):
    return sink_and_dovecot[1]


@pytest.fixture
def server(db, dovecot):
    return Server.objects.create(
        name="maximusconfessor",
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=credentials.seal(dovecot.credentials()),
    )


@pytest.fixture
def anna(mailbox, dovecot, committed) -> Mailbox:
    """Live on the server, under names no other test uses."""
    names = new_account("example.test")
    mailbox.login, mailbox.address = names.login, names.address
    mailbox.password_hash = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(PASSWORD)
    mailbox.save()
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    dovecot.run_doveadm("mailbox", "create", "-u", mailbox.login, "Invoices")
    return mailbox


@pytest.fixture
def webmail(sink_and_dovecot, anna):
    """Does something with a signed-in page of the webmail, and tells what came of it.

    In a thread of its own: Playwright's event loop would keep this one from the database.
    """
    roundcube = sink_and_dovecot[2]

    def visit(do: Callable[[Page], Told]) -> Told:
        with sync_playwright() as playwright:
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
            page = chromium.new_page(base_url=roundcube.url, viewport={"width": 1280, "height": 900})
            page.goto("/")
            page.fill("#rcmloginuser", anna.login)
            page.fill("#rcmloginpwd", PASSWORD)
            page.click("#rcmloginsubmit")
            page.wait_for_url("**_task=mail**")
            told = do(page)
            chromium.close()
            return told

    def in_a_thread(do: Callable[[Page], Told]) -> Told:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(visit, do).result()

    return in_a_thread


def vacation_form(page: Page, **typed: str) -> dict[str, str]:
    return _form(page, "vacation", typed)


def forward_form(page: Page, **typed: str) -> dict[str, str]:
    return _form(page, "forward", typed)


def make_filter(page: Page, name: str, word: str, folder: str) -> list[str]:
    """On the page of filters: mail with this word in its subject goes into the folder. The filters' names."""
    page.goto("/?_task=settings&_action=plugin.managesieve")
    page.locator("#toolbar-menu a.create, .toolbar a.create").first.click()
    form = page.frame_locator("#filter-box")
    form.locator("[name=_name]").fill(name)
    form.locator("[name='_header[0]']").select_option("subject")
    form.locator("[name='_rule_op[0]']").select_option("contains")
    form.locator("input[name^='_rule_target']").first.fill(word)
    form.locator("[name='_action_type[0]']").select_option("fileinto")
    form.locator("[name='_action_mailbox[0]']").select_option(folder)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "filter.png")
    form.get_by_role("button", name="Save").click()
    page.locator("#filterslist tr", has_text=name).wait_for()
    return filters(page)


def filters(page: Page) -> list[str]:
    """As the page of filters lists them."""
    page.goto("/?_task=settings&_action=plugin.managesieve")
    return [told.strip() for told in page.locator("#filterslist tr td.name").all_inner_texts()]


def _form(page: Page, form: str, typed: dict[str, str]) -> dict[str, str]:
    """Fill in one of the plug-in's forms and save it; what it holds afterwards."""
    address = f"/?_task=settings&_action=plugin.managesieve-{form}"
    page.goto(address)
    for name, value in typed.items():
        field = page.locator(f"[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
            field.press("Tab")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{form}.png")
    if typed:
        page.get_by_role("button", name="Save").click()
        page.locator("#messagestack .confirmation").wait_for()
        page.goto(address)
    fields = page.locator("form [name]").evaluate_all("all => all.map(one => [one.name, one.value])")
    return dict(fields)


@pytest.fixture
def look(anna, server, committed):
    def look() -> list[str]:
        with committed():
            drift.request_check(server, mailbox=anna)
        parts = [part for part in drift.drifted_parts(anna) if part.aspect == "script"]
        return [told for part in parts for told in part.differences_told]

    return look


@pytest.fixture
def settle(anna, webmaster, committed):
    def settle(how: Callable[..., Change]) -> str:
        with committed():
            change = how(anna, "script", seen=Observation.objects.get(aspect="script").mark, by=webmaster)
        change.refresh_from_db()
        return f"{change.state} {change.reason_text}".strip()

    return settle


def reply_to(sink: Sink, dovecot: Dovecot, anna: Mailbox, subject: str) -> list[tuple[str, str]]:
    sender = f"customer.{subject}.{anna.login}@elsewhere.test"
    account = new_account(login=anna.login, address=anna.address)
    deliver(dovecot, account, subject, sender)
    replies = sink.messages(to=sender)
    return [(str(mail["Subject"]), "\n".join(mail.get_content().splitlines())) for mail in replies]


def test_made_there_before_the_portals(webmail, look, settle, anna, dovecot, sink, webmaster, committed):
    """Out of office with dates, times, an interval and an address, beside a filter of one's own."""
    keep_own_script(dovecot, anna.login, "managesieve", FILING)
    typed = {
        "vacation_subject": "Weg – “even”",
        "vacation_reason": 'Dag,\n\nik ben er niet.\n.\n"Anna" \\o/',
        "vacation_datefrom": "2026-01-05",
        "vacation_timefrom": "08:30",
        "vacation_dateto": "2036-03-30",
        "vacation_interval": "3",
        "vacation_status": "on",
    }
    webmail(lambda page: vacation_form(page, **typed))
    before = script_text(dovecot, anna.login, "managesieve")
    assert look() == ["The rule “Out of Office” in the script “managesieve” answers automatically."]
    assert settle(drift.keep_theirs) == "live"
    reply = AutoReply.of(anna)
    assert (reply.subject, reply.text, reply.days) == ("Weg – “even”", typed["vacation_reason"], 3)
    assert (str(reply.starts), str(reply.ends)) == (
        "2026-01-05 07:30:00+00:00",
        # The form notes one offset for the whole day on which summer time begins: so its rule ends late.
        "2036-03-30 23:00:00+00:00",
    )
    assert scripts(dovecot, anna.login) == {"managesieve": False, "portal": True}
    assert script_text(dovecot, anna.login, "managesieve") == before.replace("if allof", "if false # allof")
    assert reply_to(sink, dovecot, anna, "invoice") == [("Weg – “even”", typed["vacation_reason"])]
    assert subjects(dovecot, anna.login, "Invoices") == ["invoice"]
    assert look() == []

    # Undone, it is theirs again, and their form knows it whole.
    with committed():
        outbox.undo(Change.objects.with_way_back().latest("pk"), by=webmaster)
    assert script_text(dovecot, anna.login, "managesieve") == before
    held = webmail(vacation_form)
    assert held["vacation_status"] == "on"
    assert held["vacation_subject"] == typed["vacation_subject"]
    assert held["vacation_reason"].strip() == typed["vacation_reason"]


def test_made_there_while_the_portals_runs(webmail, look, settle, anna, dovecot, sink, committed, webmaster):
    """Roundcube writes into the script that runs, and that is the portal's."""
    keep_own_script(dovecot, anna.login, "managesieve", FILING)
    with committed():
        reply = AutoReply(mailbox=anna, enabled=True, subject="Away", text="Back on Monday.")
        save_auto_reply(reply, seen_version=0, by=webmaster)
    shown = webmail(lambda page: vacation_form(page, vacation_subject="Away until Tuesday"))
    assert "Back on Monday." in shown["vacation_reason"]
    assert look() == ["The auto-reply has another subject there."]
    assert settle(drift.keep_theirs) == "live"
    assert (AutoReply.of(anna).subject, AutoReply.of(anna).text) == ("Away until Tuesday", "Back on Monday.")

    webmail(
        lambda page: forward_form(
            page, forward_action="copy", action_target="bert@example.test", forward_status="on"
        )
    )
    assert look() == ["Mail is forwarded there, and not here."]
    assert settle(drift.keep_theirs) == "live"
    assert Forwarding.of(anna).addresses() == ["bert@example.test"]
    assert reply_to(sink, dovecot, anna, "invoice") == [("Away until Tuesday", "Back on Monday.")]
    assert [str(mail["Subject"]) for mail in sink.messages(to="bert@example.test")] == ["invoice"]
    assert subjects(dovecot, anna.login, "Invoices") == ["invoice"]
    assert script_text(dovecot, anna.login, "managesieve") == FILING.replace("\r\n", "\n")
    assert look() == []


def test_made_there_after_the_portals_was_switched_off(
    webmail, look, settle, anna, dovecot, sink, committed, webmaster
):
    for version, enabled in enumerate((True, False)):
        with committed():
            reply = AutoReply(mailbox=anna, enabled=enabled, text="Back on Monday.")
            save_auto_reply(reply, seen_version=version, by=webmaster)
    typed = {"forward_action": "redirect", "action_target": "thief@evil.test", "forward_status": "on"}
    webmail(lambda page: forward_form(page, **typed))
    [name] = scripts(dovecot, anna.login)
    before = script_text(dovecot, anna.login, name)
    assert look() == [f"The rule “Forwarding” in the script “{name}” sends mail on."]
    assert settle(drift.restore_ours) == "live"
    assert script_text(dovecot, anna.login, name) == before.replace("if true", "if false # true")
    assert reply_to(sink, dovecot, anna, "hello") == []
    assert sink.messages(to="thief@evil.test") == []
    assert subjects(dovecot, anna.login) == ["hello"]
    # Nothing is lost: their form has it, switched off.
    held = webmail(forward_form)
    assert (held["forward_status"], held["action_target"]) == ("off", "thief@evil.test")


@pytest.mark.parametrize("act", ["save another text", "switch off", "restore"])
def test_a_filter_made_there_while_the_portals_runs_goes_on_running(
    act, webmail, look, settle, anna, dovecot, sink, committed, webmaster
):
    """Roundcube shows and changes the script that is active: the portal's."""
    keep_own_script(dovecot, anna.login, "managesieve", FILING)
    dovecot.run_doveadm("mailbox", "create", "-s", "-u", anna.login, "Newsletters")

    def save(text: str, version: int, *, enabled: bool = True) -> str:
        with committed():
            reply = AutoReply(mailbox=anna, enabled=enabled, subject="Away", text=text)
            change = save_auto_reply(reply, seen_version=version, by=webmaster)
        change.refresh_from_db()
        return change.state

    assert save("Back on Monday.", 0) == "live"
    shown = webmail(lambda page: make_filter(page, "Newsletters", "newsletter", "Newsletters"))
    assert "Newsletters" in shown
    assert "Newsletters" in script_text(dovecot, anna.login, "portal")
    match act:
        case "save another text":
            assert save("Back on Tuesday.", 1) == "live"
        case "switch off":
            assert save("Back on Monday.", 1, enabled=False) == "live"
        case "restore":
            assert look() == ["The portal's script was rewritten there."]
            assert Observation.objects.get(aspect="script").restoring_told == [
                "Your filter “Newsletters” moves to the script “portal-own-1” and still runs."
            ]
            assert settle(drift.restore_ours) == "live"
    assert look() == []
    answers = {"save another text": "Back on Tuesday.", "restore": "Back on Monday."}
    expected = [("Away", answers[act])] if act in answers else []
    assert reply_to(sink, dovecot, anna, "newsletter") == expected
    assert reply_to(sink, dovecot, anna, "invoice") == expected
    assert subjects(dovecot, anna.login, "Newsletters") == ["newsletter"]
    assert subjects(dovecot, anna.login, "Invoices") == ["invoice"]
    # Once the portal's is off, their page shows it where it is now.
    if act != "switch off":
        assert save("Back on Monday.", 2 if act == "save another text" else 1, enabled=False) == "live"
    assert scripts(dovecot, anna.login) == {"managesieve": False, "portal-own-1": True}
    assert "Newsletters" in webmail(filters)
