"""The portal's pages for a bench: gunicorn as a hoster runs it, asked over one connection that stays open."""

import http.client
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.management import call_command
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Person
from bench.stage import CHECKOUT, Stage
from demo import static_files
from fleet.ports import reserve_port
from fleet.processes import ChildProcess

BARE = "/bare/"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser got, and how long it waited."""

    milliseconds: float
    status: int
    body: bytes
    headers: dict[str, str]


class Visitor:
    """Somebody with a session and one open connection; `cookies` may be added to."""

    def __init__(self, port: int, cookies: dict[str, str]) -> None:
        self.cookies = cookies
        self._connection = http.client.HTTPConnection("localhost", port, timeout=60)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, body: bytes) -> Answer:
        return self._ask("POST", path, body)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = 1000 * (time.perf_counter() - began)
        return Answer(
            took, answer.status, text, {name.lower(): value for name, value in answer.headers.items()}
        )


@dataclass(frozen=True, slots=True)
class Web:
    """The running web process."""

    port: int

    def visitor(self, person: Person) -> Visitor:
        """Signed in, the second factor behind them, as the sign-in page would have left the session."""
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "accounts.backends.PersonBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session["seen_at"] = session["started_at"] = time.time()
        if person.sees_everything:
            # Nobody of the staff gets in without one, and each page looks it up.
            device, _ = TOTPDevice.objects.get_or_create(user=person, name="bench", confirmed=True)
            session[DEVICE_ID_SESSION_KEY] = device.persistent_id
        session.save()
        return Visitor(self.port, {settings.SESSION_COOKIE_NAME: session.session_key})

    def stranger(self) -> Visitor:
        return Visitor(self.port, {})


@contextmanager
def serving(stage: Stage, *, workers: int = 2) -> Iterator[Web]:
    """The pages, with the bare view at /bare/; each worker has opened its database before it is given out."""
    static_files.provide(CHECKOUT, lambda: call_command("collectstatic", interactive=False, verbosity=0))
    port = reserve_port()
    process = ChildProcess(
        "web",
        [
            *(sys.executable, "-m", "gunicorn", "portal.wsgi:application", f"--bind=127.0.0.1:{port}"),
            # Threads, as in docs/operations.md: only such workers keep connections open.
            *(f"--workers={workers}", "--threads=4", "--keep-alive=60", "--graceful-timeout=2"),
        ],
        stage.directory / "web.log",
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "bench.served"},
        cwd=CHECKOUT,
    )
    process.start(lambda: _answers(port), deadline=60)
    try:
        yield Web(port)
    finally:
        process.stop()


def _answers(port: int) -> bool:
    try:
        return Visitor(port, {}).get("/health/live").status == 200
    except OSError:
        return False
