"""What people do with the portal, by clicking, in Debian's Chromium, on real mail servers.

The pictures of every page seen are in var/test-artefacts/pages.
"""

import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from playwright.sync_api import Locator, Page, expect

from demo.check import COLLEAGUE, SUBJECT, TEXT, moment
from demo.codes import next_code
from demo.mail import mail_from_outside
from demo.world import MailboxSignIn, PersonSignIn, World
from fleet.dovecot import Dovecot
from mailservers.drivers.managesieve import ManageSieveClient
from tests.portal.visitor import WAIT_MS, Newcomer, Visitor
from tests.vacation.test_delivery import NASTY_TEXTS

# One test is a whole story: on a busy machine it needs longer than tests in general should.
pytestmark = pytest.mark.timeout(300)

ANSWERS_WITHIN_SECONDS = 2.0
LIVE_AGAIN_WITHIN_SECONDS = 20.0
MADE_IN_WEBMAIL = (
    "# rule:[Invoices]\r\n"
    'require ["fileinto","vacation"];\r\n'
    'if header :contains "subject" "invoice"\r\n{\r\n\tfileinto "INBOX";\r\n}\r\n'
    "# rule:[Out of Office]\r\n"
    'if true\r\n{\r\n\tvacation :days 2 :subject "Away" "Made in webmail.";\r\n}\r\n'
)
MOST_SCRIPTS = 10  # what the fleet's servers allow a mailbox (sieve_quota_max_scripts)


def person(world: World, role: str) -> PersonSignIn:
    return next(person for person in world.people if person.role == role)


def mailbox(world: World, address: str) -> MailboxSignIn:
    return next(box for box in world.mailboxes if box.address == address)


def write_to(world: World, address: str, sender: str) -> EmailMessage:
    """A mail from outside. When it is delivered, the reply to it, if any, is in the sink."""
    mail = mail_from_outside(sender, name="Jan Vreemd", to=address, subject="Are you there?", text="Hello.")
    world.server_of(address).deliver(address, mail, sender)
    return mail


def text_of(reply: EmailMessage) -> str:
    return str(reply.get_content()).replace("\r\n", "\n")


def set_auto_reply(visitor: Visitor, address: str, subject: str, text: str) -> None:
    """On the page of the mailbox's auto-reply; saved, and wherever that leads."""
    visitor.open(f"/mailboxes/{address}/auto-reply/")
    visitor.page.get_by_label("Answer automatically").check()
    visitor.page.get_by_label("Subject").fill(subject)
    visitor.page.get_by_label("Text", exact=True).fill(text)
    visitor.page.get_by_role("button", name="Save", exact=True).click()


@contextmanager
def no_worker(world: World) -> Iterator[None]:
    """What is saved meanwhile waits."""
    world.worker.stop()
    try:
        yield
    finally:
        world.start_worker()


@contextmanager
def server_down(server: Dovecot) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def webmail_of(server: Dovecot, login: str) -> Iterator[ManageSieveClient]:
    tls = ssl.create_default_context(cafile=str(server.ca_file))
    with ManageSieveClient("localhost", server.ports["sieve"], tls=tls) as sieve:
        sieve.authenticate(server.master_user, server.master_password, mailbox=login)
        yield sieve


def until_shown(page: Page, what: Locator) -> None:
    """A look at the mail server takes a moment; the page has to be loaded again."""
    end = time.monotonic() + 20
    while not what.is_visible():
        assert time.monotonic() < end, "It never came."
        page.wait_for_timeout(300)
        page.reload()


@contextmanager
def no_room_for_scripts(server: Dovecot, login: str) -> Iterator[None]:
    """The mailbox has as many Sieve scripts of its own as it may have."""
    with webmail_of(server, login) as sieve:
        names = [f"own-{number}" for number in range(MOST_SCRIPTS - len(sieve.list_scripts()))]
        for name in names:
            sieve.put_script(name, "keep;\r\n")
        yield
        for name in names:
            sieve.delete_script(name)


def test_a_webmaster_sets_an_auto_reply_and_a_stranger_gets_it(world: World, newcomer: Newcomer) -> None:
    sophie, server = person(world, "webmaster"), world.server_of(COLLEAGUE).name
    visitor = newcomer()
    page = visitor.page

    visitor.open("/")
    visitor.look("sign in")
    visitor.sign_in(sophie.login, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("This name and password do not belong together.")
    visitor.look("sign in refused")
    visitor.sign_in(*sophie.credentials)

    visitor.see_heading("Domains")
    visitor.look("domains")
    page.get_by_role("link", name="example.test").click()
    visitor.see_heading("example.test")
    visitor.look("mailboxes")
    page.get_by_role("searchbox", name="Search by address, login or name").fill("nobody has this")
    page.get_by_role("button", name="Search").click()
    visitor.see_heading("example.test")
    expect(page.get_by_role("heading", name="Nothing found for “nobody has this”")).to_be_visible()
    visitor.look("search without result")
    page.get_by_role("searchbox").fill("PEETERS")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status").get_by_text("1 mailbox found")).to_be_visible()
    visitor.look("search")
    page.get_by_role("link", name=COLLEAGUE).click()

    visitor.see_heading(COLLEAGUE)
    visitor.look("mailbox")
    page.get_by_role("link", name="Set an auto-reply").click()
    page.get_by_label("Answer automatically").check()
    page.get_by_role("textbox", name="Until", exact=True).fill("2020-02-29")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Write what people who write to this mailbox")
    expect(page.get_by_role("alert")).to_contain_text("This has passed already")
    expect(page.get_by_role("textbox", name="Until", exact=True)).to_have_value("2020-02-29")
    visitor.look("auto-reply refused")

    page.get_by_label("Subject").fill(SUBJECT)
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("textbox", name="From", exact=True).fill(moment(days=-1)[:10])
    page.get_by_role("textbox", name="Until", exact=True).fill(moment(days=30)[:10])
    with no_worker(world):
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved. The mail server is told now.")).to_be_visible()
        visitor.see_state("Auto-reply", "waiting", f"Waiting for {server}")
        visitor.look("auto-reply waiting")
        page.evaluate("window.sameDocument = true")
    visitor.see_state("Auto-reply", "live", re.compile(r"On the server ✓\s+\d\d:\d\d"))
    assert page.evaluate("window.sameDocument"), "The badge needed a new page."
    expect(page.locator("#announcements")).to_contain_text("Auto-reply: On the server ✓")
    expect(page.get_by_label("Text", exact=True)).to_have_value(TEXT)
    visitor.look("auto-reply live")

    question = write_to(world, COLLEAGUE, "stranger@browser.test")
    [reply] = world.sink.messages(to="stranger@browser.test")
    assert reply["Subject"] == SUBJECT
    assert text_of(reply) == TEXT + "\n"
    assert reply["From"] == f"Anna Peeters <{COLLEAGUE}>"
    assert reply["To"] == "Jan Vreemd <stranger@browser.test>"
    assert reply["In-Reply-To"] == question["Message-ID"]
    assert reply["Auto-Submitted"] == "auto-replied (vacation)"
    assert reply["X-Sink-From"] == "<>"
    write_to(world, COLLEAGUE, "stranger@browser.test")
    assert len(world.sink.messages(to="stranger@browser.test")) == 1

    page.get_by_role("link", name="Room for mail").click()
    page.get_by_role("button", name="Read again now").click()
    expect(page.locator("#reading")).to_have_attribute("data-reading", "settled")
    expect(page.locator("#reading")).to_contain_text("messages in all.")
    expect(page.locator("#usage-chart canvas")).to_be_visible()
    visitor.look("room for mail")
    page.get_by_role("link", name="Empty the trash").click()
    expect(page.locator("#trash")).to_have_attribute("data-reading", "settled")
    visitor.look("empty trash")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("link", name="MB used")).to_be_visible()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    visitor.look("mailbox with auto-reply")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="You switched the auto-reply on")).to_be_visible()
    page.get_by_text("show the text").click()
    expect(page.get_by_text("The line below holds one dot")).to_be_visible()
    visitor.look("history")

    page.get_by_role("link", name="Auto-reply").click()
    page.get_by_label("Answer automatically").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Nobody gets an automatic answer.")).to_be_visible()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    visitor.look("auto-reply off")
    write_to(world, COLLEAGUE, "another.stranger@browser.test")
    assert world.sink.messages(to="another.stranger@browser.test") == []

    visitor.open("/mailboxes/clara.hoffmann@nowhere.test/", status=404)
    visitor.see_heading("There is nothing here")
    visitor.look("not found")
    page.get_by_role("button", name="Sign out").click()
    visitor.see_heading("Sign in")


def test_on_a_phone_a_mailbox_user_sees_only_the_own_pages(world: World, newcomer: Newcomer) -> None:
    user = mailbox(world, "clara.hoffmann@kapellmeister.test")
    visitor = newcomer(phone=True)
    page = visitor.page
    visitor.sign_in(user.login, user.password)
    visitor.see_heading(user.address)
    expect(page.get_by_role("link", name="Domains")).to_have_count(0)
    visitor.look("own mailbox")

    page.get_by_role("link", name="Set an auto-reply").click()
    page.get_by_label("Answer automatically").check()
    page.get_by_label("Text", exact=True).fill("Bis Mittwoch.")
    page.get_by_role("button", name="Save", exact=True).click()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    visitor.look("own auto-reply")

    # Signed out meanwhile: nothing is saved, and nothing that was typed is lost.
    page.get_by_label("Text", exact=True).fill("Bis Freitag.")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was saved")
    visitor.look("signed out while typing")
    page.get_by_label("User name or e-mail address").fill(user.login)
    page.get_by_label("Password", exact=True).fill(user.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("Bis Freitag.")
    expect(page.get_by_role("alert")).to_contain_text("not saved yet")
    visitor.look("typed before signing in")
    # Nor when the form itself was too old.
    place = f"/mailboxes/{user.address}/auto-reply/"
    visitor.expect_answer(place, 403)
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Save", exact=True).click()
    visitor.see_heading("Please load the page again")
    visitor.open(place)
    expect(page.get_by_label("Text", exact=True)).to_have_value("Bis Freitag.")

    page.get_by_role("link", name="Password").click()
    page.get_by_label("Current password", exact=True).fill("not the password")
    page.get_by_label("New password", exact=True).fill("12345678")
    page.get_by_label("New password, once more", exact=True).fill("123456789")
    page.get_by_role("button", name="Show New password", exact=True).click()
    expect(page.get_by_label("New password", exact=True)).to_have_attribute("type", "text")
    visitor.look("own password")
    page.get_by_role("button", name="Hide New password", exact=True).click()
    expect(page.get_by_label("New password", exact=True)).to_have_attribute("type", "password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the current password.")
    expect(page.get_by_role("alert")).to_contain_text("Too easy to guess.")
    visitor.look("own password refused")

    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="switched the auto-reply on")).to_be_visible()
    visitor.look("own history")

    neighbour = "juergen.vogt@kapellmeister.test"
    for path in (
        "/domains/kapellmeister.test/",
        f"/mailboxes/{neighbour}/",
        f"/mailboxes/{neighbour}/auto-reply/",
        f"/mailboxes/{neighbour}/password/",
        f"/mailboxes/{neighbour}/history/",
    ):
        visitor.open(path, status=404)
        visitor.see_heading("There is nothing here")
    visitor.look("own not found")
    page.get_by_role("link", name="To the first page").click()
    visitor.see_heading(user.address)


def test_support_staff_read_it_and_change_nothing(world: World, newcomer: Newcomer) -> None:
    hilde = person(world, "support")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(*hilde.credentials)
    visitor.see_heading("Domains")
    page.get_by_role("link", name="brouwerij.test").click()
    page.get_by_role("link", name="liesbeth.vandamme@brouwerij.test").click()
    visitor.see_heading("Why do you look at this mailbox?")
    visitor.look("why support looks")
    page.get_by_label("Reason").fill("Ticket 4711: no auto-reply was sent")
    page.get_by_role("button", name="Look at the mailbox").click()
    page.get_by_role("link", name="Show the auto-reply").click()
    expect(page.get_by_text("ik ben een tijdje op reis")).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    visitor.look("auto-reply for support")
    page.get_by_role("link", name="Audit").click()
    visitor.see_heading("Audit")
    visitor.look("audit")
    page.get_by_label("About").fill("liesbeth.vandamme@brouwerij.test")
    page.get_by_text("By person, domain, IP address or outcome").click()
    page.get_by_label("Outcome").select_option("done")
    page.get_by_role("button", name="Search").click()
    visitor.look("audit search")
    page.get_by_role("link", name="switched the auto-reply on").first.click()
    expect(page.get_by_role("heading", name="Attempt 1")).to_be_visible()
    visitor.look("change seen whole")
    page.get_by_role("link", name="liesbeth.vandamme@brouwerij.test").first.click()
    visitor.see_heading("History of liesbeth.vandamme@brouwerij.test")
    visitor.look("timeline of a mailbox")
    visitor.open("/audit/?subject=&source_address=nowhere")
    visitor.look("audit search refused")
    visitor.open("/audit/?subject=nobody@example.test")
    visitor.see_heading("Why do you look for somebody?")
    visitor.look("why support searches")
    page.get_by_label("Reason").fill("Ticket 4712: somebody asks who nobody is")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("No event is like this")).to_be_visible()
    visitor.look("audit search without result")
    visitor.open("/audit/chain/")
    visitor.look("is the audit whole")


def test_an_operator_sees_a_server_down_and_has_everything_pushed_once_it_is_back(
    world: World, newcomer: Newcomer
) -> None:
    operator, box = person(world, "operator"), mailbox(world, "karten@kapellmeister.test")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(*operator.credentials)
    visitor.see_heading("Domains")
    with server_down(world.servers[box.server]):
        set_auto_reply(visitor, box.address, "Fort", "Bis bald.")
        page.get_by_role("link", name="Servers").click()
        visitor.see_heading("Servers")
        page.get_by_role("link", name=box.server, exact=True).click()
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("#check")).to_contain_text("The mail server cannot be reached, or broke off.")
        page.evaluate("window.sameDocument = true")
        expect(page.locator("#standing")).to_contain_text("away since", timeout=2 * WAIT_MS)
        assert page.evaluate("window.sameDocument"), "The figures needed a new page."
        expect(page.locator("#figures").get_by_role("link", name="1")).to_be_visible()
        expect(page.locator("#pushes-chart canvas")).to_be_visible()
        visitor.look("server down")
        page.get_by_role("link", name="Servers").first.click()
        expect(page.locator("[data-standing='away']")).to_be_visible()
        visitor.look("servers, one down")
        visitor.open(f"/mailboxes/{box.address}/")
        expect(page.locator("[data-banner='away']")).to_contain_text("is kept and reaches the mail server")
    visitor.open(f"/servers/{box.server}/")
    page.get_by_role("button", name="Push what is due").click()
    expect(page.get_by_text("What waits is pushed now.")).to_be_visible()
    visitor.open(f"/mailboxes/{box.address}/")
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    expect(page.locator("[data-banner='away']")).to_have_count(0)


def test_an_operator_takes_over_what_a_server_holds(world: World, newcomer: Newcomer) -> None:
    world.moses.fill("grande-maison.test", 450)
    program = {"from": "robot", "to": "|/usr/local/bin/robot"}
    world.moses.call("create-alias", domain="grande-maison.test", **program)
    operator = person(world, "operator")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(*operator.credentials)
    visitor.open("/servers/moses/")
    page.get_by_role("link", name="Take over what it holds").click()
    visitor.see_heading("Take over a server")
    page.get_by_label("Only this domain").fill("no domain")
    page.get_by_role("button", name="Look at the server").click()
    expect(page.get_by_text("is no name of a domain").first).to_be_visible()
    page.get_by_label("Only this domain").fill("Grande-Maison.test")
    page.get_by_role("button", name="Look at the server").click()
    visitor.see_heading("Taking over moses")
    expect(page.get_by_role("heading", name="Ready to begin")).to_be_visible()
    visitor.look("adoption planned")
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=WAIT_MS * 2)
    expect(page.locator("#adoption")).to_contain_text("450 mailboxes, 4 aliases")
    expect(page.locator("#adoption")).to_contain_text("robot@grande-maison.test")
    visitor.look("adoption done")
    visitor.open("/domains/grande-maison.test/")
    expect(page.get_by_text("450 mailboxes", exact=True)).to_be_visible()


def test_signing_in_with_a_second_factor_and_a_choice_of_mailboxes(world: World, newcomer: Newcomer) -> None:
    operator, user = person(world, "operator"), mailbox(world, "bram.hendriks@brouwerij.test")
    world.manage(
        "shell",
        "--no-imports",
        "--command=from accounts.models import Mailbox, Person\n"
        f"bram = Person.objects.create(username='{user.address}')\n"
        f"two = ['{user.address}', 'zoe.maes@brouwerij.test']\n"
        "Mailbox.objects.filter(address__in=two).update(owner=bram)",
    )
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(operator.login, operator.password)
    visitor.see_heading("One more step")
    visitor.look("second factor")
    page.get_by_label("Code").fill("no code")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This code is not right, or no longer.")).to_be_visible()
    visitor.look("second factor refused")
    visitor.open("/domains/")
    visitor.see_heading("One more step")
    page.get_by_label("Code").fill(next_code(operator.totp_secret))
    page.get_by_role("button", name="Continue").click()
    visitor.see_heading("Domains")

    visitor = newcomer()
    visitor.sign_in(user.address, user.password)
    visitor.see_heading("My mailboxes")
    visitor.look("choice of mailboxes")
    visitor.page.get_by_role("link", name="zoe.maes@brouwerij.test").click()
    visitor.see_heading("zoe.maes@brouwerij.test")


def test_forwarding_waits_for_its_target_and_both_are_proven(world: World, newcomer: Newcomer) -> None:
    anna, sophie = mailbox(world, "noah.janssens@example.test"), person(world, "webmaster")
    target = "noah@forwarded.test"
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(anna.address, anna.password)
    set_auto_reply(visitor, anna.address, "Away: {subject}", "Hello,\nI am away 🎣.")
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    page.get_by_text("More: other periods").click()
    page.get_by_label("Another text for people").fill("Somebody else helps: info@example.test.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("[data-preview]")).to_have_count(2)
    visitor.look("auto-reply preview")
    page.get_by_role("button", name="Save", exact=True).click()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    page.get_by_role("button", name="Prove it").click()
    expect(page.locator("[data-proof=finished]")).to_contain_text("to the letter", timeout=30_000)
    visitor.look("auto-reply proven")

    visitor.open(f"/mailboxes/{anna.address}/forwarding/")
    page.get_by_label("Forward mail").check()
    page.get_by_label("Forward to").fill("noah@gmial.com")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean noah@gmail.com?")
    visitor.look("forwarding doubted")
    page.get_by_label("Forward to").fill(target)
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("[name=step_up_proof]").fill(anna.password)
    page.locator("main [type=submit]").first.click()
    expect(page.locator("[data-answer=waiting]")).to_be_visible()
    visitor.look("forwarding waits")
    [asked] = world.sink.wait_for(1, to=target)
    link = re.search(r"/forwardings/#[\w-]+", str(asked.get_content()))
    assert link is not None
    reader = newcomer(phone=True)
    reader.open(link[0])
    reader.look("forwarding asked")
    reader.page.get_by_role("button", name="Yes, send it to me").click()
    reader.see_heading("Thank you")
    page.reload()
    visitor.see_state("Forwarding", "live", "On the server ✓")
    page.get_by_role("button", name="Prove it").click()
    expect(page.locator("[data-proof=finished]")).to_contain_text(f"{target} accepted it", timeout=30_000)
    visitor.look("forwarding proven")

    webmaster = newcomer()
    webmaster.sign_in(*sophie.credentials)
    webmaster.see_heading("Domains")
    for name in ("away", "forwardings", "reply-templates", "mail-rules"):
        webmaster.open(f"/domains/example.test/{name}/")
        webmaster.look(f"domain {name}")
    webmaster.page.get_by_label("forwarding is changed by").select_option("approval")
    webmaster.page.get_by_role("button", name="Save", exact=True).click()
    webmaster.show_it_is_still_me(next_code(sophie.totp_secret))
    expect(webmaster.page.get_by_text("Saved.")).to_be_visible()
    visitor.open(f"/mailboxes/{anna.address}/forwarding/")
    page.get_by_label("Keep a copy here").uncheck()
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("[data-request]")).to_be_visible()
    visitor.look("forwarding asks for approval")
    webmaster.open("/domains/example.test/requests/")
    webmaster.look("requests")
    webmaster.page.get_by_role("button", name="Approve").click()
    expect(webmaster.page.get_by_text("Approved. The mail server is told now.")).to_be_visible()
    page.reload()
    visitor.see_state("Forwarding", "live", "On the server ✓")
    expect(page.get_by_label("Keep a copy here")).not_to_be_checked()

    # What somebody made in webmail meanwhile is found, and taken over.
    with webmail_of(world.server_of(anna.address), anna.login) as sieve:
        sieve.put_script("roundcube", MADE_IN_WEBMAIL)
        sieve.set_active("roundcube")
    webmaster.open(f"/mailboxes/{anna.address}/")
    webmaster.page.get_by_role("button", name="Compare now").click()
    box = webmaster.page.locator("[data-drift=script]")
    until_shown(webmaster.page, box)
    expect(box).to_contain_text("The rule “Out of Office” in the script “roundcube” answers automatically.")
    webmaster.look("made in webmail")
    webmaster.page.get_by_role("button", name="Keep what is there").click()
    webmaster.open(f"/mailboxes/{anna.address}/auto-reply/")
    webmaster.see_state("Auto-reply", "live", "On the server ✓")
    expect(webmaster.page.get_by_label("Text", exact=True)).to_have_value("Made in webmail.")
    expect(webmaster.page.get_by_text("“Out of Office” in the script “roundcube”")).to_be_visible()
    with webmail_of(world.server_of(anna.address), anna.login) as sieve:
        assert sieve.get_script("roundcube") == MADE_IN_WEBMAIL.replace("if true", "if false # true")


def test_thirty_texts_typed_into_the_page_arrive_to_the_letter(
    world: World, newcomer: Newcomer, request: pytest.FixtureRequest
) -> None:
    """Its short form is in test_auto_reply_texts.py, without a browser."""
    if not request.config.getoption("--long"):
        pytest.skip("--long takes it along")
    lucas = mailbox(world, "info@example.test")
    visitor = newcomer()
    visitor.sign_in(*person(world, "webmaster").credentials)
    visitor.see_heading("Domains")
    texts = {name: text for name, text in NASTY_TEXTS.items() if text.strip()}
    told = {}
    for number, (name, text) in enumerate(texts.items()):
        set_auto_reply(visitor, lucas.address, f"Number {number}", text)
        expect(visitor.page.get_by_text("Saved. The mail server is told now.")).to_be_visible()
        visitor.see_state("Auto-reply", "live", "On the server ✓")
        sender = f"letter{number}@letter.test"
        write_to(world, lucas.address, sender)
        [reply] = world.sink.wait_for(1, to=sender)
        told[name] = text_of(reply)
    assert len(told) >= 30
    assert told == {name: text if text.endswith("\n") else f"{text}\n" for name, text in texts.items()}


def test_a_form_from_another_session_is_told_to_load_the_page_again(newcomer: Newcomer) -> None:
    visitor = newcomer()
    visitor.open("/sign-in/")
    visitor.lose_cookies()
    visitor.expect_answer("/sign-in/", 403)
    visitor.page.get_by_label("User name or e-mail address").fill("sophie")
    visitor.page.get_by_label("Password", exact=True).fill("whatever")
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.see_heading("Please load the page again")
    visitor.look("form refused")


def test_all_but_the_live_badge_works_without_javascript(world: World, newcomer: Newcomer) -> None:
    user = mailbox(world, "pieter.dewit@brouwerij.test")
    visitor = newcomer(javascript=False)
    page = visitor.page
    visitor.sign_in(user.address, user.password)
    visitor.see_heading(user.address)
    set_auto_reply(visitor, user.address, "Weg", "Tot maandag.")
    expect(page.get_by_text("Saved. The mail server is told now.")).to_be_visible()
    end = time.monotonic() + LIVE_AGAIN_WITHIN_SECONDS
    while visitor.badge("Auto-reply").get_attribute("data-state") != "live" and time.monotonic() < end:
        time.sleep(0.1)
        page.reload()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    visitor.look("auto-reply without javascript")
    write_to(world, user.address, "noscript@browser.test")
    [reply] = world.sink.messages(to="noscript@browser.test")
    assert (reply["Subject"], text_of(reply)) == ("Weg", "Tot maandag.\n")


def test_with_its_server_down_the_page_answers_and_the_badge_gets_live_by_itself(
    world: World, newcomer: Newcomer
) -> None:
    user = mailbox(world, "soeren.lindqvist@kapellmeister.test")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(user.login, user.password)
    visitor.see_heading(user.address)
    with server_down(world.servers[user.server]):
        began = time.monotonic()
        set_auto_reply(visitor, user.address, "Fort", "Bis bald.")
        expect(page.get_by_text("Saved. The mail server is told now.")).to_be_visible()
        assert time.monotonic() - began < ANSWERS_WITHIN_SECONDS
        visitor.see_state("Auto-reply", "waiting", "Waiting")
        page.evaluate("window.sameDocument = true")
        visitor.see_state("Auto-reply", "waiting", "The mail server cannot be reached, or broke off.")
        visitor.look("auto-reply with server down")
    began = time.monotonic()
    visitor.see_state("Auto-reply", "live", "On the server ✓")
    assert time.monotonic() - began < LIVE_AGAIN_WITHIN_SECONDS
    assert page.evaluate("window.sameDocument"), "The badge needed a new page."


def test_what_the_server_refuses_is_told_and_tried_again(world: World, newcomer: Newcomer) -> None:
    user = mailbox(world, "antje.moeller@kapellmeister.test")
    visitor = newcomer()
    visitor.sign_in(user.address, user.password)
    visitor.see_heading(user.address)
    with no_room_for_scripts(world.servers[user.server], user.login):
        set_auto_reply(visitor, user.address, "Fort", "Bis bald.")
        visitor.see_state(
            "Auto-reply", "failed", "Failed: The mailbox has as many scripts as the mail server allows."
        )
        visitor.look("auto-reply failed")
    visitor.page.get_by_role("button", name="Try again").click()
    expect(visitor.page.get_by_text("It is tried again. The mail server is told now.")).to_be_visible()
    visitor.see_state("Auto-reply", "live", "On the server ✓")


def test_setting_up_mail_programs_in_dutch_with_help_and_on_the_phone(
    world: World, newcomer: Newcomer
) -> None:
    user = mailbox(world, "joris.claes@brouwerij.test")
    visitor = newcomer()
    page = visitor.page
    visitor.speak("nl")
    visitor.open("/sign-in/")
    page.get_by_label("Gebruikersnaam of e-mailadres").fill(user.login)
    page.get_by_label("Wachtwoord", exact=True).fill(user.password)
    page.get_by_role("button", name="Aanmelden").click()
    page.get_by_role("link", name="Instellen", exact=True).click()
    expect(page.get_by_role("heading", name="Mail ophalen")).to_be_visible()
    page.get_by_text("Met POP3 in plaats daarvan").click()
    page.get_by_text("Thunderbird", exact=True).click()
    expect(page.get_by_text("Vul als gebruikersnaam")).to_contain_text(user.login)
    visitor.look("set-up in dutch")

    page.get_by_role("link", name="Mijn instellingen controleren").click()
    port = str(world.servers[user.server].ports["imaps"])
    for label, typed in (("Server", "127.0.0.1"), ("Poort", port), ("Gebruikersnaam", "joris")):
        page.get_by_label(label, exact=True).fill(typed)
    page.get_by_role("button", name="Vergelijken, en de server proberen").click()
    expect(page.get_by_text(f"Gebruikersnaam joris: gebruik {user.login}.")).to_be_visible()
    expect(page.get_by_text("De server antwoordt: 127.0.0.1")).to_be_visible()
    visitor.look("settings checked in dutch")

    visitor.open(f"/mailboxes/{user.address}/set-up/sheet/")
    assert visitor.axe_violations() == []
    visitor.open(f"/mailboxes/{user.address}/set-up/")
    page.get_by_role("button", name="Op een telefoon openen: een QR-code tonen").click()
    link = page.locator("#copied-link").inner_text()
    visitor.look("qr code in dutch")

    phone = newcomer(phone=True)
    phone.speak("fr")
    phone.open(link.removeprefix(world.url))
    phone.see_heading("Configurer votre courrier")
    phone.look("link in french")
    phone.page.get_by_role("button", name="Montrer les réglages").click()
    phone.see_heading(f"Configurer {user.address}")
    phone.look("opened set-up in french")
    with phone.page.expect_download() as download:
        phone.page.get_by_role("link", name="Télécharger le profil").click()
    assert b"com.apple.mail.managed" in download.value.path().read_bytes()
    phone.lose_cookies()
    phone.speak("de")
    # Its code stands behind the #: the page asks with it.
    phone.expect_answer("/set-up/", 404)
    phone.open(link.removeprefix(world.url))
    phone.see_heading("Dieser Link gilt nicht mehr")
    phone.open("/help/?q=verschwunden")
    phone.page.get_by_role("link", name="IMAP oder POP?").click()
    phone.see_heading("IMAP oder POP?")
    phone.look("help in german")
    phone.page.get_by_role("button", name="English").click()
    phone.see_heading("IMAP or POP?")

    visitor.open("/settings/")
    page.locator("#id_language").select_option("de")
    page.get_by_label("Tijdzone").select_option("America/Lima")
    page.get_by_role("button", name="Bewaren").click()
    visitor.see_heading("Sprache und Zeitzone")
    visitor.look("settings in german")


def test_a_webmaster_sees_the_records_for_dns_and_gives_the_domain_its_own_look(
    world: World, newcomer: Newcomer
) -> None:
    joost = next(person for person in world.people if person.login == "joost")
    visitor = newcomer(phone=True)
    page = visitor.page
    visitor.sign_in(*joost.credentials)
    visitor.see_heading("Domains")
    page.get_by_role("link", name="brouwerij.test").first.click()
    page.get_by_role("link", name="Set-up by DNS").click()
    visitor.see_heading("Set-up by DNS")
    visitor.look("dns records")
    visitor.open("/domains/brouwerij.test/branding/")
    page.get_by_label("Name", exact=True).fill("Brouwerij De Hop")
    page.get_by_label("Colour").fill("#f0c000")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("White text is hard to read on #f0c000")
    visitor.look("branding refused")
    page.get_by_label("Colour").fill("#7a4b00")
    page.get_by_label("Support: e-mail address").fill("hulp@brouwerij.test")
    page.get_by_role("button", name="Save", exact=True).click()
    visitor.show_it_is_still_me(next_code(joost.totp_secret))
    expect(page.get_by_text("Saved.")).to_be_visible()
    user = mailbox(world, "sanne.vandenberg@brouwerij.test")
    visitor.lose_cookies()
    visitor.sign_in(user.address, user.password)
    expect(page.get_by_role("link", name="Brouwerij De Hop")).to_be_visible()
    expect(page.get_by_role("link", name="hulp@brouwerij.test")).to_be_visible()
    visitor.look("own look of a domain")


MISCHIEF = {
    "label (Form elements must have labels)": "document.body.append(document.createElement('input'))",
    "color-contrast": "document.querySelector('h1').style.color = '#888'",
    "scrolls sideways": "document.querySelector('h1').style.width = '2000px'",
    "'script-src 'self''": "let s = document.createElement('script'); s.text = '0'; document.head.append(s)",
    "'style-src 'self''": "document.body.setAttribute('style', 'color: red')",
    "/no/such/page answered 404": "fetch('/no/such/page')",
    "nothing is not defined": "setTimeout(() => nothing.there)",
}


def test_a_page_that_breaks_the_rules_would_be_noticed(newcomer: Newcomer) -> None:
    visitor = newcomer(phone=True)
    visitor.open("/sign-in/")
    for mischief in MISCHIEF.values():
        visitor.page.evaluate(f"() => {{ {mischief}; }}")
    with pytest.raises(AssertionError) as noticed:
        visitor.look("broken on purpose")
    for complaint in MISCHIEF:
        assert complaint in str(noticed.value)
