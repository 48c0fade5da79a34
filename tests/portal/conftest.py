"""The whole portal, started once for all tests that go from end to end, and Chromium to look at it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from demo.world import CHECKOUT, World
from fleet.users import private_directory
from tests.portal.visitor import WAIT_MS, Newcomer, Visitor

ARTEFACTS = CHECKOUT / "var" / "test-artefacts"
CHROMIUM_OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Its logs are kept with the screenshots, for whoever looks into a failure."""
    with private_directory("world") as directory:
        world = World(directory / "world")
        try:
            world.start()
            yield world
        finally:
            world.stop()
            kept = ARTEFACTS / "logs"
            kept.mkdir(parents=True, exist_ok=True)
            for log in directory.rglob("*.log"):
                shutil.copyfile(log, kept / f"{log.parent.name}-{log.name}")


# For one module at a time: while Playwright runs, its event loop is the thread's running one, and Django
# then refuses its ORM to every other test.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Chromium is not installed: bin/setup installs it, or tells what to do."
    options = [*CHROMIUM_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def newcomer(world: World, browser: Browser) -> Iterator[Newcomer]:
    """Makes visitors, each with cookies of their own; at the end none may have met a fault."""
    with ExitStack() as leaving:

        def newcomer(*, phone: bool = False, javascript: bool = True) -> Visitor:
            visitor = Visitor(browser, world.url, ARTEFACTS / "pages", phone=phone, javascript=javascript)
            leaving.callback(visitor.leave)
            return visitor

        yield newcomer
