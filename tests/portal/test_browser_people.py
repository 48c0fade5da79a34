"""An operator invites somebody, who chooses a password and sets a second factor up."""

import pytest
from playwright.sync_api import expect

from demo.check import imap_lets_in
from demo.codes import next_code
from demo.world import MailboxSignIn, PersonSignIn, World
from tests.portal.visitor import Newcomer

pytestmark = pytest.mark.timeout(300)

PASSWORD, SECOND, THIRD = "gravel teapot seventeen", "velvet oxygen harbour", "pencil thunder orchard"


def person(world: World, role: str) -> PersonSignIn:
    return next(person for person in world.people if person.role == role)


def test_somebody_is_invited_and_signs_in_with_a_second_factor(world: World, newcomer: Newcomer) -> None:
    operator = person(world, "operator")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(*operator.credentials)
    page.get_by_role("link", name="New domain").click()
    page.get_by_label("Name").fill("me@bücher.example")
    page.get_by_label("Room for a new mailbox").fill("much")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("leave out what is before the @")
    visitor.look("new domain refused")
    page.get_by_label("Name").fill("bücher.example")
    page.get_by_label("Mail server").select_option("vonmuenchhausen")
    page.get_by_label("Room for a new mailbox").fill("2 GB")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Nobody looks after this domain yet")).to_be_visible()
    visitor.look("webmasters none")

    page.get_by_role("link", name="People").click()
    visitor.see_heading("People")
    visitor.look("people")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("User name").fill("nora")
    page.get_by_label("Name", exact=True).fill("Nora Maes")
    page.get_by_label("E-mail address").fill("nora@hoster.test")
    page.get_by_role("button", name="Show a link to hand over").click()
    expect(page.get_by_role("alert")).to_contain_text("A webmaster needs at least one domain.")
    visitor.look("invite refused")
    page.get_by_label("Domains").fill("bücher.example")
    page.get_by_role("button", name="Show a link to hand over").click()
    visitor.see_heading("Is it still you?")
    page.get_by_label("A code from your authenticator app").fill("not this")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This code is not valid now.")).to_be_visible()
    visitor.look("step up refused")
    visitor.show_it_is_still_me(next_code(operator.totp_secret))
    visitor.see_heading("The link for Nora Maes")
    visitor.look("link for a person")
    link = page.get_by_label("One-time link").input_value()
    page.get_by_role("link", name="Back").click()
    visitor.see_heading("Nora Maes")
    visitor.look("person")

    invited = newcomer()
    page = invited.page
    invited.open(link.removeprefix(world.url))
    invited.see_heading("Choose a password")
    page.get_by_label("New password", exact=True).fill("nora@hoster")
    page.get_by_label("New password, once more").fill("nora@hoster")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("alert")).to_contain_text("around your name")
    invited.look("choose password refused")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    invited.see_heading("Add an authenticator app")
    page.get_by_text("I cannot scan it").click()
    invited.look("add authenticator")
    secret = page.locator(".key").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(next_code(secret))
    page.get_by_role("textbox", name="Name").fill("my phone")
    page.get_by_role("button", name="Add it").click()
    invited.see_heading("Keep these recovery codes")
    invited.look("recovery codes")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    invited.see_heading("Domains")
    page.get_by_role("link", name="Nora Maes").click()
    invited.see_heading("My account")
    expect(page.get_by_text("Chrome on Linux")).to_be_visible()
    invited.look("my account")

    other = newcomer()
    other.sign_in("nora", PASSWORD)
    other.page.get_by_label("Code").fill(codes[0].upper())
    other.page.get_by_role("button", name="Continue").click()
    other.see_heading("Domains")
    page.reload()
    page.get_by_role("button", name="Sign out there").click()
    expect(page.get_by_text("Signed out there.")).to_be_visible()
    other.open("/domains/")
    other.see_heading("Sign in")
    other.expect_answer("/choose-password/", 404)
    other.open(link.removeprefix(world.url))
    other.see_heading("This link is over")
    other.open("/choose-password/")
    other.see_heading("Open your link")
    other.look("open a link")
    other.expect_answer("/choose-password/", 404)
    other.page.get_by_label("The link").fill(link)
    other.page.get_by_role("button", name="Continue").click()
    other.see_heading("This link is over")
    other.look("link is over")


def lets_in(world: World, address: str, password: str) -> bool:
    """Whether maximusconfessor lets a mail program in."""
    return imap_lets_in(world, MailboxSignIn(address, "", password, "maximusconfessor"), password)


def test_a_mailbox_lives_its_whole_life(world: World, newcomer: Newcomer) -> None:
    webmaster = newcomer()
    page = webmaster.page
    sophie = person(world, "webmaster")
    webmaster.sign_in(*sophie.credentials)
    webmaster.open("/domains/example.test/new-mailbox/")
    webmaster.see_heading("New mailbox")
    page.get_by_label("Address", exact=True).fill("livia")
    page.get_by_label("Name", exact=True).fill("Livia Drusilla")
    page.get_by_role("button", name="Make the mailbox").click()
    webmaster.see_state("Mailbox", "live", "On the server ✓")
    webmaster.look("mailbox made")
    address = "livia@example.test"

    page.get_by_role("button", name="Show a link to hand over").click()
    webmaster.show_it_is_still_me(next_code(sophie.totp_secret))
    webmaster.see_heading(f"A password for {address}")
    link = page.get_by_label("One-time link").input_value()
    user = newcomer()

    def choose(link: str, password: str) -> None:
        user.open(link.removeprefix(world.url))
        user.page.get_by_label("New password", exact=True).fill(password)
        user.page.get_by_label("New password, once more").fill(password)
        user.page.get_by_role("button", name="Save the password").click()
        user.see_heading("Sign in")

    def live() -> None:
        webmaster.open(f"/mailboxes/{address}/")
        webmaster.see_state("Mailbox", "live", "On the server ✓")

    choose(link, PASSWORD)
    live()
    assert lets_in(world, address, PASSWORD)

    user.sign_in(address, PASSWORD)
    user.see_heading(address)
    user.open("/account/authenticator/")
    user.see_heading("Is it still you?")
    user.page.get_by_label("Your password").fill(PASSWORD)
    user.page.get_by_role("button", name="Continue").click()
    user.page.get_by_text("I cannot scan it").click()
    secret = user.page.locator(".key").inner_text().replace(" ", "")
    user.page.get_by_role("textbox", name="Code").fill(next_code(secret))
    user.page.get_by_role("textbox", name="Name").fill("my phone")
    user.page.get_by_role("button", name="Add it").click()
    user.see_heading("Keep these recovery codes")
    user.open(f"/mailboxes/{address}/password/")
    user.page.get_by_label("Current password").fill(PASSWORD)
    user.page.get_by_label("New password", exact=True).fill(SECOND)
    user.page.get_by_label("New password, once more").fill(SECOND)
    user.page.get_by_role("button", name="Change the password").click()
    live()
    assert lets_in(world, address, SECOND)
    assert not lets_in(world, address, PASSWORD)

    user.lose_cookies()
    user.open("/sign-in/")
    user.page.get_by_role("link", name="Password forgotten").click()
    user.page.get_by_label("User name or e-mail address").fill(address)
    user.page.get_by_role("button", name="Ask for a link").click()
    approve = page.get_by_role("button", name=f"Approve {address}")
    for _each in range(20):  # A worker looks at the request first.
        webmaster.open("/domains/example.test/password-requests/")
        if approve.count():
            break
        page.wait_for_timeout(500)
    approve.click()
    webmaster.see_heading(f"A password for {address}")
    choose(page.get_by_label("One-time link").input_value(), THIRD)
    live()
    assert lets_in(world, address, THIRD)

    webmaster.open(f"/mailboxes/{address}/edit/")
    page.get_by_role("button", name="Stop sending").click()
    live()
    assert lets_in(world, address, THIRD)
    webmaster.look("sending stopped")
    webmaster.open(f"/mailboxes/{address}/edit/")
    page.get_by_role("link", name="Switch it off…").click()
    expect(page.get_by_label("stays: new mail arrives")).to_be_checked()
    webmaster.look("switch off")
    page.get_by_role("button", name="Save", exact=True).click()
    live()
    expect(page.get_by_text("new mail arrives")).to_be_visible()
    assert not lets_in(world, address, THIRD)
    webmaster.open(f"/mailboxes/{address}/delete/")
    page.get_by_label("Type its address").fill("livia@elsewhere.test")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(f"This is not {address}. Nothing was deleted.")).to_be_visible()
    webmaster.look("delete refused")
    page.get_by_label("Type its address").fill(address)
    page.get_by_role("button", name="Delete", exact=True).click()
    webmaster.open("/domains/example.test/deleted/")
    webmaster.see_state(address, "live", "Removed from the server ✓")
    webmaster.look("deleted mailboxes")
    page.get_by_role("button", name=f"Bring back {address}").click()
    webmaster.open(f"/mailboxes/{address}/edit/")
    webmaster.look("edit switched off")
    page.get_by_role("link", name="Switch it on again…").click()
    page.get_by_role("button", name="Save", exact=True).click()
    live()
    assert lets_in(world, address, THIRD)


def test_many_mailboxes_by_a_file_and_by_ticks(world: World, newcomer: Newcomer) -> None:
    webmaster = person(world, "webmaster")
    visitor = newcomer()
    page = visitor.page
    visitor.sign_in(*webmaster.credentials)
    visitor.open("/domains/example.test/batches/upload/")
    rows = "address,name,room\nkelder,Kelder,1 GB\nschenk,Schenkerij,1 GB\nno one,,\n"
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "new.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_role("heading", name="Ready to begin")).to_be_visible()
    expect(page.get_by_text("row 4:")).to_be_visible()
    visitor.look("plan of many")
    page.get_by_role("button", name="Do it").click()
    visitor.show_it_is_still_me(next_code(webmaster.totp_secret))
    expect(page.get_by_role("heading", name="Done", exact=True)).to_be_visible()
    expect(page.get_by_text("2 of 2 done; 0 could not be.")).to_be_visible()
    visitor.look("many done")

    visitor.open("/domains/example.test/?q=kel")
    page.get_by_role("checkbox", name="kelder@example.test").check()
    page.get_by_role("radio", name="stop sending").check()
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("1 of 1 done; 0 could not be.")).to_be_visible()
    page.get_by_role("button", name="Undo all of it").click()
    visitor.see_heading("Undo all of it?")
    page.get_by_role("button", name="Undo all of it").click()
    expect(page.get_by_text("1 of 1 undone; 0 could not be.")).to_be_visible()
    visitor.look("many undone")
