"""What the portal's own parts tell one another over a network is told to nobody else."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from fleet.certificates import CertificateAuthority
from portal.checks import nothing_in_clear
from portal.environment import Environment
from tests.portal.test_settings import GOOD, start


class Listener:
    """Takes TLS connections and keeps what it heard; a class as a thread fills it."""

    def __init__(self, authority: CertificateAuthority, directory) -> None:
        files = authority.issue("redis", directory)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(files.certificate, files.key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard = b""
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                line, _address = self._socket.accept()
                with self._tls.wrap_socket(line, server_side=True) as secured:
                    secured.settimeout(5)
                    self.heard += secured.recv(1000)
            except ssl.SSLError:
                continue
            except OSError:
                return

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def authority(tmp_path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "ca")


@pytest.fixture
def redis(authority, tmp_path) -> Iterator[Listener]:
    listener = Listener(authority, tmp_path / "redis")
    yield listener
    listener.close()


def connect_to(broker: str) -> str:
    """What a worker says of it."""
    script = (
        "from portal.celery import app; app.connection_for_read().ensure_connection(max_retries=1, timeout=2)"
    )
    portal = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    command = [sys.executable, "-c", script]
    environment = portal | GOOD | {"PORTAL_BROKER_URL": broker}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


def test_a_redis_that_nobody_vouches_for_hears_nothing(redis):
    told = connect_to(f"rediss://:hunter2@localhost:{redis.port}/0")
    assert "CERTIFICATE_VERIFY_FAILED" in told
    assert redis.heard == b""


def test_one_whose_authority_is_named_does(redis, authority):
    connect_to(f"rediss://:hunter2@localhost:{redis.port}/0?ssl_ca_certs={authority.ca_file}")
    assert b"hunter2" in redis.heard


def test_nobody_switches_that_off():
    told = start(PORTAL_BROKER_URL="rediss://:hunter2@redis.test:6380/0?ssl_cert_reqs=none").stderr
    assert "certificates are verified" in told
    assert "hunter2" not in told


def test_how_the_database_is_verified_stands_in_its_address():
    told = Environment().database(
        "X", default="postgresql://u:p@db.test/d?sslmode=verify-full&sslrootcert=/ca"
    )
    assert told["OPTIONS"] == {"connect_timeout": 5, "sslmode": "verify-full", "sslrootcert": "/ca"}


def test_what_would_be_lost_there_is_told():
    environment = Environment()
    environment.database("X", default="postgresql://u:hunter2@db.test/d?sslmod=verify-full")
    assert environment.problems == [
        "X takes ?sslmode=verify-full and &sslrootcert=FILE, and nothing else there."
    ]


POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}


@pytest.mark.parametrize(
    ("broker", "host", "sslmode", "smtp", "told"),
    [
        ("redis://:x@redis.test/0", "db.test", "", "smtp.test", ["W001", "W002", "W003"]),
        ("redis://:x@10.0.0.1/0", "10.0.0.2", "require", "10.0.0.3", ["W001", "W002", "W003"]),
        ("rediss://:x@redis.test/0", "db.test", "verify-full", "", []),
        ("redis://:x@localhost/0", "/run/postgresql", "", "127.0.0.1", []),
        ("redis://:x@[::1]:6379/0", "", "", "localhost", []),
    ],
)
def test_the_check_before_a_start_tells_what_goes_in_clear(
    settings, monkeypatch, broker, host, sslmode, smtp, told
):
    settings.CELERY_BROKER_URL, settings.EMAIL_HOST, settings.SMTP_TLS = broker, smtp, "none"
    database = POSTGRESQL | {"HOST": host, "OPTIONS": {"sslmode": sslmode}}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert [each.id.removeprefix("portal.") for each in nothing_in_clear(None)] == told
