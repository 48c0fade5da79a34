"""Each server is started once for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.postgresql import PostgreSQL
from fleet.redis import RedisServer
from fleet.sink import Sink
from fleet.users import private_directory

PASSWORD = "correct horse battery"

ACCOUNTS = [  # login, address, quota in bytes
    ("example0001", "anna@example.test", 0),
    ("example0002", "berta@example.test", 200 * 1024),
]


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    with private_directory("fleet-tests") as path:
        yield path


@pytest.fixture(scope="session")
def certificates(directory: Path) -> CertificateAuthority:
    return CertificateAuthority(directory / "ca")


@pytest.fixture(scope="session")
def sink(directory: Path) -> Iterator[Sink]:
    sink = Sink(directory / "sink")
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="session")
def redis_server(directory: Path) -> Iterator[RedisServer]:
    server = RedisServer(directory / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql(directory: Path) -> Iterator[PostgreSQL]:
    server = PostgreSQL(directory / "postgresql")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dovecot_with_sqlite(directory: Path, certificates: CertificateAuthority, sink: Sink) -> Iterator[Dovecot]:
    yield from started(Dovecot("sqlite", directory / "d1", certificates, sink.port))


@pytest.fixture(scope="session")
def dovecot_with_postgresql(
    directory: Path, certificates: CertificateAuthority, sink: Sink, postgresql: PostgreSQL
) -> Iterator[Dovecot]:
    dsn = postgresql.create_database("accounts")
    yield from started(Dovecot("postgresql", directory / "d2", certificates, sink.port, dsn))


@pytest.fixture(params=["sqlite", "postgresql"])
def dovecot(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


def started(server: Dovecot) -> Iterator[Dovecot]:
    """The server with its accounts, written as the portal's worker writes them: over SQL."""
    engine = create_engine(server.sql_url)
    with engine.begin() as connection:
        for login, address, quota in ACCOUNTS:
            connection.execute(
                text("INSERT INTO mailbox (login, address, password, quota_bytes) VALUES (:l, :a, :p, :q)"),
                {"l": login, "a": address, "p": f"{{PLAIN}}{PASSWORD}", "q": quota},
            )
    engine.dispose()
    server.start()
    yield server
    server.stop()
