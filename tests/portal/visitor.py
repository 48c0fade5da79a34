"""Somebody at the portal with Chromium: what they do, and whether each page they see keeps the rules."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from playwright.sync_api import Browser, ConsoleMessage, Locator, Response, ViewportSize, WebError, expect

from demo.codes import next_code
from demo.world import CHECKOUT

WAIT_MS = 15_000
AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
# The size of targets (WCAG 2.2) is not looked at unless asked for.
RUN_AXE = """async () => {
    const {violations} = await axe.run(document, {rules: {"target-size": {enabled: true}}});
    return violations.flatMap(({id, help, nodes}) => nodes.map(({html}) => `${id} (${help}): ${html}`));
}"""
UNTIL_DRAWN = """async () => {
    await document.fonts.ready;
    const running = document.getAnimations().filter(({effect}) => effect.getTiming().iterations !== Infinity);
    await Promise.allSettled(running.map(({finished}) => finished));
}"""
# Each such answer is noted by its status already.
NOTED_ELSEWHERE = "Failed to load resource: the server responded with a status of "

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Screen:
    name: str
    width: int
    height: int

    @property
    def viewport(self) -> ViewportSize:
        return {"width": self.width, "height": self.height}


WIDE = Screen("wide", 1280, 900)
PHONE = Screen("phone", 390, 844)


class Visitor:
    """One person with cookies of their own.

    `page` is Playwright's. `look` holds what is shown to the rules for every page; whatever the browser
    complains of meanwhile (errors, policy violations, answers that are none) is a fault as well.
    """

    def __init__(
        self, browser: Browser, url: str, pictures: Path, *, phone: bool = False, javascript: bool = True
    ) -> None:
        self.screens = (PHONE,) if phone else (WIDE, PHONE)
        self.faults: list[str] = []
        self._url = url
        self._pictures = pictures
        self._javascript = javascript
        # It is a script that knows of the dark.
        self._schemes: tuple[Scheme, ...] = ("light", "dark") if javascript else ("light",)
        self._looks = 0
        self._expected: set[tuple[str, int]] = set()
        self._context = browser.new_context(
            base_url=url,
            viewport=self.screens[0].viewport,
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            has_touch=phone,
            java_script_enabled=javascript,
            locale="en-GB",
            # Contrast is measured, and pictures are taken, of what stands still.
            reduced_motion="reduce",
        )
        # Their own choice: else people of a German domain would be spoken to in German.
        self.speak("en")
        self._context.set_default_timeout(WAIT_MS)
        self._context.on("console", self._hear)
        self._context.on("weberror", self._note_error)
        self._context.on("response", self._note_answer)
        self.page = self._context.new_page()

    def leave(self) -> None:
        self._context.close()
        self.be_content()

    def open(self, path: str, *, status: int = 200) -> None:
        if status >= 400:
            self.expect_answer(path, status)
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"

    def expect_answer(self, path: str, status: int) -> None:
        """What would be a fault, an answer of 400 or more, is meant here."""
        self._expected.add((self._url + path, status))

    def sign_in(self, name: str, password: str, totp_secret: str = "") -> None:
        """With a code of the authenticator app, for who has one."""
        self.open("/sign-in/")
        self.page.get_by_label("User name or e-mail address").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        if totp_secret:
            self.page.get_by_label("Code").fill(next_code(totp_secret))
            self.page.get_by_role("button", name="Continue").click()

    def show_it_is_still_me(self, proof: str) -> None:
        """The password; of who has an authenticator app, a code."""
        self.see_heading("Is it still you?")
        self.page.locator("[name=step_up_proof]").fill(proof)
        self.page.get_by_role("button", name="Continue").click()

    def speak(self, language: str) -> None:
        """As if they had chosen the language before they signed in."""
        self._context.add_cookies([{"name": "django_language", "value": language, "url": self._url}])

    def lose_cookies(self) -> None:
        self._context.clear_cookies()
        self.speak("en")

    def see_heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()

    def badge(self, about: str) -> Locator:
        """Where the newest change stands that concerns this."""
        return self.page.locator(f"[data-about='{about}'] [data-state]")

    def see_state(self, about: str, state: str, words: str | re.Pattern[str]) -> None:
        badge = self.badge(about)
        expect(badge).to_have_attribute("data-state", state, timeout=WAIT_MS)
        expect(badge).to_contain_text(words)

    def look(self, name: str) -> None:
        """On every screen, light or dark in turn: a picture, nothing axe complains of, no scrolling sideways.

        Who looks at a page with both screens sees one light and one dark; at the next page it is the other
        way round.
        """
        for number, screen in enumerate(self.screens):
            self.page.set_viewport_size(screen.viewport)
            self._look_once(name, screen, self._schemes[(self._looks + number) % len(self._schemes)])
        self._looks += 1
        self.page.set_viewport_size(self.screens[0].viewport)
        self.be_content()

    def be_content(self) -> None:
        """Fails with all faults not yet told."""
        faults, self.faults = self.faults, []
        assert not faults, "\n".join(faults)

    def _look_once(self, name: str, screen: Screen, scheme: Scheme) -> None:
        self.page.emulate_media(color_scheme=scheme)
        where = f"{name}, {screen.name}, {scheme}"
        if self._javascript:
            expect(self.page.locator("html")).to_have_attribute("data-bs-theme", scheme)
            self.page.evaluate(UNTIL_DRAWN)
            self.faults += [f"{where}: {violation}" for violation in self.axe_violations()]
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > screen.width:
            self.faults.append(f"{where}: scrolls sideways, the page is {width} pixels wide")
        folder = self._pictures / f"{screen.name}-{scheme}"
        self.page.screenshot(path=folder / f"{name.replace(' ', '-')}.png", full_page=True)

    def axe_violations(self) -> list[str]:
        if not self.page.evaluate("'axe' in window"):
            # By way of the developer tools: the pages' own policy would not let it in.
            self.page.evaluate(AXE.read_text())
        found: list[str] = self.page.evaluate(RUN_AXE)
        return found

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(NOTED_ELSEWHERE):
            self.faults.append(f"{message.page and message.page.url}: {message.text}")

    def _note_error(self, error: WebError) -> None:
        self.faults.append(f"{error.page and error.page.url}: {error.error}")

    def _note_answer(self, answer: Response) -> None:
        if answer.status >= 400 and (answer.url, answer.status) not in self._expected:
            self.faults.append(f"{answer.url} answered {answer.status}")


class Newcomer(Protocol):
    """Makes another visitor (the fixture `newcomer`)."""

    def __call__(self, *, phone: bool = False, javascript: bool = True) -> Visitor: ...
