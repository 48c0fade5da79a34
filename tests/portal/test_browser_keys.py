"""Somebody makes a second factor mean something: a passkey for the portal, an app password for the phone."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from imaplib import IMAP4, IMAP4_SSL

import pytest
from playwright.sync_api import Browser, expect

from demo.world import LOOPBACK, MailboxSignIn, World
from tests.portal.conftest import ARTEFACTS
from tests.portal.visitor import Visitor

pytestmark = pytest.mark.timeout(300)

ADDRESS = "margaret.okafor@example.test"
# What a laptop with a fingerprint reader is, without anybody to touch it.
LAPTOP = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@contextmanager
def at_localhost(world: World, browser: Browser) -> Iterator[Visitor]:
    """A number can have no passkeys: on loopback they work under the name that browsers trust there."""
    visitor = Visitor(browser, world.url.replace(LOOPBACK, "localhost"), ARTEFACTS / "pages")
    try:
        yield visitor
    finally:
        visitor.leave()


def lets_in(world: World, user: MailboxSignIn, password: str) -> bool:
    server = world.servers[user.server]
    tls = ssl.create_default_context(cafile=str(server.ca_file))
    with IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=tls) as imap:
        try:
            imap.login(user.login, password)
        except IMAP4.error:
            return False
        return True


def test_a_passkey_for_the_portal_and_an_app_password_for_the_phone(world: World, browser: Browser) -> None:
    user = next(mailbox for mailbox in world.mailboxes if mailbox.address == ADDRESS)
    with at_localhost(world, browser) as visitor:
        page = visitor.page
        tools = page.context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        laptop = tools.send("WebAuthn.addVirtualAuthenticator", {"options": LAPTOP})["authenticatorId"]

        visitor.sign_in(user.address, user.password)
        visitor.see_heading(user.address)
        visitor.open("/account/")
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_label("Your password").fill(user.password)
        page.get_by_role("button", name="Continue").click()
        visitor.see_heading("Add a passkey")
        page.get_by_label("Name").fill("this laptop")
        visitor.look("add a passkey")
        page.get_by_role("button", name="Add it").click()
        visitor.see_heading("Keep these recovery codes")

        page.get_by_role("link", name="Give them app passwords instead").click()
        page.get_by_label("Which device or program is it for?").fill("phone")
        page.get_by_role("button", name="Make it").click()
        visitor.see_state("App passwords", "live", "On the server ✓")
        app_password = page.locator(".codes .value").inner_text()
        page.get_by_role("link", name="I have typed it in").click()
        page.get_by_role("button", name="Only app passwords in mail programs").click()
        expect(page.get_by_text("for the portal only")).to_be_visible()
        visitor.see_state("App passwords", "live", "On the server ✓")
        visitor.look("app passwords only")
        assert (lets_in(world, user, app_password), lets_in(world, user, user.password)) == (True, False)

        page.get_by_role("button", name="Sign out", exact=True).click()
        visitor.sign_in(user.address, user.password)
        visitor.see_heading("One more step")
        visitor.look("passkey asked for")
        [kept] = tools.send("WebAuthn.getCredentials", {"authenticatorId": laptop})["credentials"]
        tools.send("WebAuthn.clearCredentials", {"authenticatorId": laptop})
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("no passkey for this portal was there")).to_be_visible()
        tools.send("WebAuthn.addCredential", {"authenticatorId": laptop, "credential": kept})
        page.get_by_role("button", name="Use a passkey").click()
        visitor.see_heading(user.address)

        visitor.open(f"/mailboxes/{user.address}/app-passwords/")
        page.get_by_role("button", name="End phone").click()
        expect(page.get_by_text("no mail program can sign in now")).to_be_visible()
        visitor.see_state("App passwords", "live", "On the server ✓")
        assert not lets_in(world, user, app_password)

        visitor.open("/account/")
        visitor.look("my account with a passkey")
        page.get_by_role("button", name="Sign out", exact=True).click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        visitor.see_heading(user.address)
        visitor.open("/account/")
        page.get_by_role("button", name="Remove this laptop").click()
        visitor.see_heading("Is it still you?")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("Removed.")).to_be_visible()
