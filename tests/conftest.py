"""A small world on the memory driver: one server, two domains, and somebody in every role."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, TransactionTestCase

from accounts.lookups import LOOKED_AT, look_up
from accounts.models import Domain, DomainAdmin, Mailbox, Person
from accounts.stepping_up import STEPPED_UP_AT
from audit import triggers
from audit.models import LANES, ChainHead
from demo import empty_database
from demo.world import CHECKOUT
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Server
from mailservers.tasks import check_server, push
from portal.celery import app
from tests.catalogues import compile_stale

# These bring a database and a broker of their own: python -m tests.faults
collect_ignore = [] if "PORTAL_TESTS_ON_STAGE" in os.environ else ["faults"]

# Whole stories on whole systems: begun first, so that no core waits for the last of them alone.
LONGEST = ("tests/demo/", "tests/portal/test_browser.py")

PASSWORD = "a long enough one"
# A hash of PASSWORD made for speed; every real scheme is slow on purpose.
PASSWORD_HASH = (
    "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$2Pv/PyckZGztvZeSkrJ2rg$fMrktCFhM3/2W9nK0OAhMo5wxeduJpU+9wJFsy0ZhdA"
)


def pytest_configure() -> None:
    compile_stale()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix) -> Iterator[None]:
    """SQLite's test database begins as a copy: the migrations take seconds, once for all processes."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.settings_dict["TEST"]["MIGRATE"] = False
    made = empty_database.provide(CHECKOUT, os.environ)
    # In memory, which lasts while somebody has it open.
    name = connection.creation._get_test_db_name()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(name, uri=True)) as kept, closing(sqlite3.connect(made)) as empty:
        empty.backup(kept)
        yield


@pytest.fixture(autouse=True)
def _a_fresh_memory_server() -> None:
    MemoryDriver.reset()


@pytest.fixture(autouse=True)
def put_off(monkeypatch) -> Iterator[list[float]]:
    """What is announced after the commit runs there and then, without a broker.

    What asks for a later time does not run at all: the list holds the seconds it asked for.
    """
    seconds: list[float] = []

    def apply_async(at_once, *args, countdown=None, **kwargs):
        if not countdown:
            at_once(*args, **kwargs)
        else:
            seconds.append(countdown)

    for task in (push, check_server):
        monkeypatch.setattr(task, "apply_async", partial(apply_async, task.apply_async))
    app.conf.task_always_eager = True
    yield seconds
    app.conf.task_always_eager = False


@pytest.fixture(autouse=True)
def _quick_refusals(monkeypatch) -> None:
    """A wrong password is told at once: how long it takes is a test of its own."""
    monkeypatch.setattr("accounts.signing_in.WRONG_AFTER_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    """People's passwords are hashed for speed: the real scheme is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


@pytest.fixture(autouse=True)
def _quick_pages(settings) -> None:
    """No compiled names for static files, and no walk through them for each test's client."""
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def committed(django_capture_on_commit_callbacks) -> Callable[[], AbstractContextManager[None]]:
    """Runs what waits for the commit, tasks included, at the end of the block."""

    @contextmanager
    def committed() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return committed


@pytest.fixture
def server(db) -> Server:
    return Server.objects.create(name="maximusconfessor", kind="memory")


@pytest.fixture
def domain(server) -> Domain:
    return Domain.objects.create(name="example.test", server=server)


@pytest.fixture
def other_domain(server) -> Domain:
    return Domain.objects.create(name="elsewhere.test", server=server)


@pytest.fixture
def mailbox(domain, owner) -> Mailbox:
    return Mailbox.objects.create(
        address="anna@example.test",
        domain=domain,
        server=domain.server,
        login="example0001",
        name="Anna Jansen",
        quota_bytes=1_000_000_000,
        password_hash=PASSWORD_HASH,
        owner=owner,
    )


@pytest.fixture
def owner(db) -> Person:
    person = Person(username="anna@example.test", name="Anna Jansen")
    person.set_unusable_password()
    person.save()
    return person


@pytest.fixture
def operator(db) -> Person:
    return Person.objects.create(username="olga", is_operator=True)


@pytest.fixture
def support(db) -> Person:
    return Person.objects.create(username="sam", is_support=True)


@pytest.fixture
def looked_up(client, support, mailbox) -> None:
    """Support said why they look at the mailbox, and at its domain."""
    look_up(mailbox, "Ticket 4711", by=support)
    session = client.session
    session[LOOKED_AT] = {mailbox.domain.name: time.time() + 3000}
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key


@pytest.fixture
def webmaster(domain) -> Person:
    return webmaster_of(domain, "willem")


@pytest.fixture
def other_webmaster(other_domain) -> Person:
    return webmaster_of(other_domain, "wanda")


@pytest.fixture
def stranger(other_domain) -> Person:
    """The user of a mailbox in another domain."""
    person = Person.objects.create(username="bert@elsewhere.test")
    Mailbox.objects.create(
        address="bert@elsewhere.test",
        domain=other_domain,
        server=other_domain.server,
        login="elsewh0001",
        quota_bytes=0,
        owner=person,
    )
    return person


def follow(client: Client, link: str, **more: str) -> Any:
    """What the page that a one-time link opens does with its code; `pressed="yes"` presses its button."""
    path, _, code = link.removeprefix("http://testserver").partition("#")
    return client.post(path, {"code": code, **more})


def step_up(client: Client) -> None:
    """Whoever is signed in there has just shown once more who it is."""
    session = client.session
    session[STEPPED_UP_AT] = time.time()
    session.save()


def webmaster_of(domain: Domain, username: str) -> Person:
    person = Person.objects.create(username=username)
    DomainAdmin.objects.create(person=person, domain=domain)
    return person


@pytest.fixture(autouse=True, scope="session")
def _a_flush_begins_the_chain_again() -> Iterator[None]:
    """A test with transactions of its own has all rows deleted after it, which the chain's triggers refuse.

    The next test finds the chain as the migrations leave it.
    """
    delete_all = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def begin_again(case: TransactionTestCase) -> None:
        triggers.remove(connection)
        delete_all(case)
        ChainHead.objects.bulk_create(ChainHead(pk=lane, lane=lane) for lane in range(1, LANES + 1))
        triggers.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", begin_again)
        yield
