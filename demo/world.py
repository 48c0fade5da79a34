"""The whole portal with its mail servers, as one object that starts and stops."""

import base64
import imaplib
import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.public import PrivateKey

from demo import empty_database, kept, shelter
from demo.mail import keep_mails, mail_from_outside
from demo.sample import DOMAINS, MAILS, ROOMS, SERVERS, SIMULATED
from demo.steps import Step, silently
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.ports import reserve_port
from fleet.processes import POLL_SECONDS, ChildProcess, NotReady
from fleet.redis import RedisServer
from fleet.sink import Sink
from fleet.virtualmin import Virtualmin

CHECKOUT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"
DATABASE = "portal.sqlite3"
READY_WITHIN_SECONDS = 30.0
# What children get of our own environment: the settings of another portal must not get into this one.
PASSED_ON = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TERM")
WITHOUT_NOISE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
# The path without the query: what people search for stays out of logs.
ACCESS_LOG = "%(t)s %(m)s %(U)s %(s)s %(L)s s"


@dataclass(frozen=True, slots=True)
class PersonSignIn:
    """How somebody with a user name signs in; `role` is operator, support or webmaster.

    `totp_secret` is the key of their authenticator app, in base 32.
    """

    role: str
    login: str
    password: str
    totp_secret: str

    @property
    def credentials(self) -> tuple[str, str, str]:
        """As the journeys' `sign_in` take them."""
        return self.login, self.password, self.totp_secret


@dataclass(frozen=True, slots=True)
class MailboxSignIn:
    """A mailbox, how its user signs in (by address or login), and the name of its server."""

    address: str
    login: str
    password: str
    server: str


class World:
    """The portal (web, worker, beat), Redis, mail servers (two Dovecot, one simulated), a sink, people.

    All of it listens on loopback only, keeps its files in `directory`, which is made anew, and ends with
    this process, even by kill -9. Start it once, from a thread that lives as long as it should:

        with World(tmp_path / "world") as world:
            httpx.get(world.url)

    `start` returns when pages are served, every sample mailbox is live on its server, and mail is in some.
    Then there are `url`, `people`, `mailboxes`, `servers` (those with Dovecot, by name), `moses` (the
    simulated Virtualmin), `sink`, `redis`, `environment` (what a process needs to be a part of this portal,
    but for the workers' own key; holds secrets) and the processes `web`, `worker` and `beat`, which may be
    stopped one by one and started again with `start_web`, `start_worker` and `start_beat`.
    """

    environment: dict[str, str]
    redis: RedisServer
    sink: Sink
    certificates: CertificateAuthority
    servers: dict[str, Dovecot]
    moses: Virtualmin
    web: ChildProcess
    worker: ChildProcess
    beat: ChildProcess
    people: list[PersonSignIn]
    mailboxes: list[MailboxSignIn]

    def __init__(
        self,
        directory: Path,
        web_port: int | None = None,
        *,
        web_workers: int = 2,
        worker_concurrency: int = 2,
        worker_options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`worker_options`: more arguments for ``celery worker``; `settings`: more PORTAL_ variables."""
        self.directory = directory.resolve()
        self.web_port = web_port or reserve_port()
        self.url = f"http://{LOOPBACK}:{self.web_port}"
        self._web_workers = web_workers
        self._worker_arguments = [f"--concurrency={worker_concurrency}", *worker_options]
        self._settings = dict(settings or {})
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, step: Step = silently) -> None:
        """Tells each `step`; raises `NotReady` with the end of a log, and leaves nothing running then."""
        try:
            self._start(step)
        except BaseException:
            with step("Stopping"):
                self.stop()
            raise

    def stop(self) -> None:
        """End everything; quiet when nothing runs. The files stay."""
        self._running.close()

    def _start(self, step: Step) -> None:
        shelter.remove(self.directory)
        self.directory.mkdir(parents=True)
        self.directory.chmod(0o711)  # the servers' users pass through
        with step("Redis and the SMTP sink"):
            self.redis = RedisServer(self.directory / "redis")
            self._run(self.redis)
            self.sink = Sink(self.directory / "sink")
            self._run(self.sink)
        with step(f"Mail servers {' and '.join(SERVERS)}, and {SIMULATED}, a simulation"):
            self._start_servers()
        self.environment = self._make_environment()
        with step("Static files"):
            self._provide_static_files()
        with step("Database with domains, mailboxes and people"):
            self._fill()
        with step("Web pages, worker and beat, until all mailboxes are live"):
            self._make_processes()
            self._make_live()
            self._wait_for_pages()
        with step("Mail for some of them"):
            self._deliver_mail()
            self._fill_rooms()
            self._run_in_django("read_usage")

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What ``manage.py`` prints; its failure is a `NotReady` with its words. The log is manage.log."""
        log = self.directory / "manage.log"
        with log.open("a") as errors:
            done = subprocess.run(
                [*ENDS_WITH_US, sys.executable, str(CHECKOUT / "manage.py"), *arguments],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                check=False,
                env=self.environment,
                cwd=CHECKOUT,
            )
        if done.returncode:
            raise NotReady(f"manage.py {arguments[0]} ended with {done.returncode}.\n{tail(log)}")
        return done.stdout

    def start_web(self) -> None:
        self.web.start(self._serves_pages, READY_WITHIN_SECONDS)

    def start_worker(self) -> None:
        self.worker.start(lambda: True)

    def start_beat(self) -> None:
        self.beat.start(lambda: True)

    def server_of(self, address: str) -> Dovecot:
        """The server with Dovecot that a mailbox lives on; LookupError for one on the simulation."""
        return self.servers[next(box.server for box in self.mailboxes if box.address == address)]

    def logs(self) -> dict[str, Path]:
        """By the name of what wrote them."""
        found = {name: self.directory / f"{name}.log" for name in ("manage", "web", "worker", "beat")}
        found |= {"sink": self.sink.maildir / "sink.log", SIMULATED: self.moses.log}
        return found | {name: server.directory / "dovecot.log" for name, server in self.servers.items()}

    def description(self) -> dict[str, Any]:
        """What demo.json holds (docs/demo.md): paths are relative to the checkout."""
        shown = ("imap", "imaps", "pop3s", "sieve", "lmtp", "doveadm")
        return {
            "url": self.url,
            "people": [
                {
                    "role": person.role,
                    "login": person.login,
                    "password": person.password,
                    "totp_secret": person.totp_secret,
                }
                for person in self.people
            ],
            "servers": [
                {"name": name, "kind": "dovecot"}
                | {service: f"{LOOPBACK}:{server.ports[service]}" for service in shown}
                | {"submission": f"{LOOPBACK}:{server.ports['submissions']}"}
                for name, server in self.servers.items()
            ]
            + [
                {
                    "name": SIMULATED,
                    "kind": "virtualmin",
                    "simulation": True,
                    "webmin": f"{LOOPBACK}:{self.moses.port}",
                }
            ],
            "sink": {"smtp": f"{LOOPBACK}:{self.sink.port}", "maildir": from_checkout(self.sink.maildir)},
            "ca": from_checkout(self.certificates.ca_file),
            "mailboxes": [
                {"address": box.address, "login": box.login, "password": box.password, "server": box.server}
                for box in self.mailboxes
            ],
        }

    def _run(self, server: RedisServer | Sink) -> None:
        self._running.callback(server.stop)
        server.start()

    def _start_servers(self) -> None:
        place = self._running.enter_context(shelter.servers_directory(self.directory))
        self.certificates = CertificateAuthority(self.directory / "ca")
        self.servers = {
            name: Dovecot(name, place / name, self.certificates, self.sink.port) for name in SERVERS
        }
        self.moses = Virtualmin(SIMULATED, self.directory / SIMULATED, self.certificates)
        every: list[Dovecot | Virtualmin] = [self.moses, *self.servers.values()]
        self._running.callback(stop_together, every)
        for server in every:
            server.start()
        self.moses.create_domains(*(domain.name for domain in DOMAINS if domain.server == SIMULATED))

    def _make_environment(self) -> dict[str, str]:
        database = quote(str(self.directory / DATABASE))
        key = PrivateKey.generate()
        self._workers_own = {"PORTAL_SEALING_PRIVATE_KEY": base64.b64encode(key.encode()).decode()}
        return {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "development",
            "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
            "PORTAL_CREDENTIAL_KEYS": Fernet.generate_key().decode(),
            "PORTAL_PUBLIC_URL": self.url,
            "PORTAL_ALLOWED_HOSTS": f"{LOOPBACK},localhost",
            "PORTAL_SECURE_COOKIES": "off",
            "PORTAL_DATABASE_URL": f"sqlite:///{database}",
            "PORTAL_BROKER_URL": self.redis.url,
            "PORTAL_SMTP_HOST": LOOPBACK,
            "PORTAL_SMTP_PORT": str(self.sink.port),
            "PORTAL_SMTP_TLS": "none",
            "PORTAL_PROOF_ADDRESS": "proof@outside.test",
            "PORTAL_PROOF_MAILDIR": str(self.sink.maildir),
            "PORTAL_SEALING_PUBLIC_KEY": base64.b64encode(key.public_key.encode()).decode(),
            "PORTAL_AUDIT_KEY_FILE": str(self._make_audit_key()),
            "PORTAL_AUDIT_DIRECTORY": str(self.directory / "checkpoints"),
            **self._settings,
        }

    def _make_audit_key(self) -> Path:
        """As manage.py make_audit_key does, without a process of its own."""
        path = self.directory / "audit.pem"
        path.touch(mode=0o600)
        path.write_bytes(
            Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return path

    def _provide_static_files(self) -> None:
        sources = [CHECKOUT / name for name in ("static", "requirements.txt", "portal/settings.py")]
        collect = partial(self.manage, "collectstatic", "--noinput", "--verbosity=0", "--skip-checks")
        kept.provide(CHECKOUT / "var" / "static", sources, collect)

    def _make_processes(self) -> None:
        self.worker = self._process(
            "worker",
            ["celery", "-A", "portal", "worker", "-O", "fair", *WITHOUT_NOISE, *self._worker_arguments],
            self._workers_own,
        )
        self.beat = self._process(
            "beat",
            [
                "celery",
                "-A",
                "portal",
                "beat",
                "--pidfile=",
                f"--schedule={self.directory / 'beat-schedule'}",
            ],
        )
        self.web = self._process(
            "web",
            [
                "gunicorn",
                "portal.wsgi:application",
                f"--bind={LOOPBACK}:{self.web_port}",
                f"--workers={self._web_workers}",
                # Threads: a browser opens connections it may need later, and would keep a whole process busy.
                "--threads=4",
                "--graceful-timeout=3",
                "--access-logfile=-",
                f"--access-logformat={ACCESS_LOG}",
            ],
        )
        processes = (self.worker, self.beat, self.web)
        self._running.callback(stop_together, processes)
        for process in processes:
            process.start(lambda: True)

    def _process(
        self, name: str, command: Sequence[str], own: Mapping[str, str] | None = None
    ) -> ChildProcess:
        """`own`: variables that no other process gets."""
        return ChildProcess(
            f"The {name} process",
            [sys.executable, "-m", *command],
            self.directory / f"{name}.log",
            env={**self.environment, **(own or {})},
            cwd=CHECKOUT,
        )

    def _wait_for_pages(self) -> None:
        self._wait_for("The portal's pages", self.web, self._serves_pages)

    def _wait_for(self, what: str, process: ChildProcess, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_WITHIN_SECONDS
        while not ready():
            if not process.is_running or time.monotonic() > end:
                raise NotReady(f"{what} did not come up.\n{process.log_tail()}")
            time.sleep(POLL_SECONDS)

    def _serves_pages(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _fill(self) -> None:
        database = self.directory / DATABASE
        database.touch(mode=0o600)
        shutil.copyfile(empty_database.provide(CHECKOUT, self.environment), database)
        servers: list[dict[str, Any]] = [
            {
                "name": name,
                "kind": "dovecot",
                "endpoints": server.endpoints(),
                "credentials": server.credentials(),
                "imaps": server.ports["imaps"],
                "pop3s": server.ports["pop3s"],
                "submissions": server.ports["submissions"],
            }
            for name, server in self.servers.items()
        ]
        servers.append(
            {
                "name": SIMULATED,
                "kind": "virtualmin",
                "endpoints": self.moses.endpoints(),
                "credentials": self.moses.credentials(),
            }
        )
        made = json.loads(self._run_in_django("fill", stdin=json.dumps(servers)))
        self.people = [PersonSignIn(**person) for person in made["people"]]
        self.mailboxes = [MailboxSignIn(**mailbox) for mailbox in made["mailboxes"]]

    def _make_live(self) -> None:
        try:
            logins = json.loads(self._run_in_django("make_live"))
        except NotReady as failure:
            raise NotReady(f"{failure}\n{tail(self.worker.log)}") from None
        # The simulation chooses logins itself.
        self.mailboxes = [replace(mailbox, login=logins[mailbox.address]) for mailbox in self.mailboxes]

    def _run_in_django(self, function: str, stdin: str = "") -> str:
        """A function of demo.people."""
        command = f"from demo.people import {function}; {function}()"
        return self.manage("shell", "--no-imports", f"--command={command}", stdin=stdin)

    def _deliver_mail(self) -> None:
        for sample in MAILS:
            mail = mail_from_outside(
                sample.sender,
                name=sample.sender_name,
                to=sample.to,
                subject=sample.subject,
                text=sample.text,
            )
            self.server_of(sample.to).deliver(sample.to, mail, sample.sender)

    def _fill_rooms(self) -> None:
        trust = ssl.create_default_context(cafile=str(self.certificates.ca_file))
        for room in ROOMS:
            box = next(box for box in self.mailboxes if box.address == room.address)
            port = self.servers[box.server].ports["imaps"]
            with imaplib.IMAP4_SSL(LOOPBACK, port, ssl_context=trust, timeout=30) as imap:
                imap.login(box.login, box.password)
                keep_mails(imap, box.address, room.mails)


def stop_together(servers: Iterable[Dovecot | Virtualmin | ChildProcess]) -> None:
    """Each takes a second or two to end in order; those that never started are passed over."""
    threads = [Thread(target=server.stop) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def from_checkout(path: Path) -> str:
    return os.path.relpath(path, CHECKOUT)


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, for error messages."""
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join([f"--- end of {log}", *map(shorten, text), "---"])


def shorten(line: str) -> str:
    """A line without its middle when it is very long: a traceback's end says most."""
    return line if len(line) <= 1000 else f"{line[:300]} […] {line[-600:]}"
