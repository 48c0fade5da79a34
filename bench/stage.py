"""The portal as a hoster would run it, for a bench: PostgreSQL, Redis, two Dovecot servers, a worker each."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
from cryptography.fernet import Fernet
from django.core.management import call_command

from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.postgresql import PostgreSQL
from fleet.processes import ChildProcess
from fleet.redis import RedisServer
from fleet.users import private_directory

CHECKOUT = Path(__file__).parent.parent
NOBODY_LISTENS = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running."""

    servers: dict[str, Dovecot]
    redis: RedisServer
    postgresql: PostgreSQL
    directory: Path

    def worker(
        self,
        server: str,
        connections: int,
        number: int = 0,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> ChildProcess:
        """A worker for one server, not yet started; several of one server have numbers."""
        name = f"{server}-{number}"
        command = ["celery", "-A", "portal", "worker", "-Q", f"server.{server}", f"-c{connections}"]
        return ChildProcess(
            f"worker {name}",
            [
                sys.executable,
                "-m",
                *command,
                "-Ofair",
                "--without-gossip",
                "--without-mingle",
                "-n",
                name,
                *options,
            ],
            self.directory / f"worker-{name}.log",
            env=os.environ | dict(env or {}),
            cwd=CHECKOUT,
        )


@contextmanager
def running(*names: str) -> Iterator[Stage]:
    """Dovecot servers with these names, and Django set up in this process with an empty database."""
    with ExitStack() as stack:
        directory = stack.enter_context(private_directory("portal-bench"))
        redis = RedisServer(directory / "redis")
        postgresql = PostgreSQL(directory / "postgresql")
        authority = CertificateAuthority(directory / "ca")
        servers = {name: Dovecot(name, directory / name, authority, NOBODY_LISTENS) for name in names}
        private: list[RedisServer | PostgreSQL | Dovecot] = [redis, postgresql, *servers.values()]
        for server in private:
            stack.callback(server.stop)
            server.start()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTAL_MODE": "development",
            "PORTAL_SECRET_KEY": "only for benches",
            "PORTAL_CREDENTIAL_KEYS": Fernet.generate_key().decode(),
            "PORTAL_PUBLIC_URL": "http://localhost",
            "PORTAL_ALLOWED_HOSTS": "localhost",
            "PORTAL_SECURE_COOKIES": "off",
            "PORTAL_DATABASE_URL": postgresql.create_database("portal"),
            "PORTAL_BROKER_URL": redis.url,
            "PORTAL_LOG_LEVEL": "INFO",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        yield Stage(servers, redis, postgresql, directory)
