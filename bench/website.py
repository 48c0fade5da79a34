"""The portal's pages behind gunicorn, with a bare view beside them; imported once Django is set up.

with serving(stage) as website, website.signed_in(person) as client:
    bare = milliseconds(client, BARE, 200)
    page = milliseconds(client, "/domains/", 200)
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

import httpx
from django.conf import settings
from django.http import HttpRequest

from accounts import sessions
from accounts.models import Person
from bench.bare import QUERIES
from bench.stage import CHECKOUT, Stage
from fleet.ports import reserve_port
from fleet.processes import ChildProcess, accepts_connections

BARE = "/bare/"
# Pages that a process draws first are slower: templates are read, connections opened.
WARM_UP = 12
WORKERS, THREADS = 2, 4


@dataclass(frozen=True, slots=True)
class Website:
    url: str

    def visitor(self) -> httpx.Client:
        """Somebody who has not signed in."""
        return httpx.Client(base_url=self.url, timeout=60)

    def signed_in(self, person: Person) -> httpx.Client:
        """A browser, connection kept, in which the person has signed in, second factor included."""
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()
        backend = "MailboxBackend" if not person.has_usable_password() else "PersonBackend"
        person.backend = f"accounts.backends.{backend}"  # type: ignore[attr-defined]  # as authenticate() does
        sessions.sign_in(request, person)
        for due in (sessions.OWES_CODE, sessions.OWES_DEVICE):
            request.session.pop(due, None)
        request.session.save()
        client = self.visitor()
        client.cookies.set(settings.SESSION_COOKIE_NAME, str(request.session.session_key))
        return client


@contextmanager
def serving(stage: Stage, threads: int = THREADS) -> Iterator[Website]:
    """gunicorn with two processes on the stage's database."""
    port = reserve_port()
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "BENCH_STATIC_ROOT": str(stage.directory / "static"),
        "PORTAL_LOG_LEVEL": "WARNING",
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(collect, env=env, cwd=CHECKOUT, check=True)  # noqa: S603 - our own words
    gunicorn = ChildProcess(
        "gunicorn",
        [
            *(sys.executable, "-m", "gunicorn", "portal.wsgi:application"),
            f"--bind=127.0.0.1:{port}",
            f"--workers={WORKERS}",
            # Only with threads does it keep connections, as the proxy in front of it would.
            f"--threads={threads}",
            "--keep-alive=60",
        ],
        stage.directory / "gunicorn.log",
        env=env,
        cwd=CHECKOUT,
    )
    gunicorn.start(lambda: accepts_connections(port), deadline=60)
    try:
        yield Website(f"http://localhost:{port}")
    finally:
        gunicorn.stop()


def milliseconds(client: httpx.Client, path: str, readings: int) -> list[float]:
    """Of one request after the other."""
    for _ in range(WARM_UP):
        get(client, path)
    found = []
    for _ in range(readings):
        began = time.perf_counter()
        get(client, path)
        found.append(1000 * (time.perf_counter() - began))
    return found


def queries(client: httpx.Client, path: str) -> int:
    """How often a page asks the database, middleware included."""
    return int(get(client, path, {QUERIES: "1"}).headers[QUERIES])


def get(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    answer = client.get(path, headers=headers)
    if answer.status_code != 200:
        raise AssertionError(f"{path} answered {answer.status_code}")
    return answer
