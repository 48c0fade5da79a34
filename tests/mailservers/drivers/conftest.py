"""Each server is started once for all tests of this folder."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.postgresql import PostgreSQL
from fleet.sink import Sink
from fleet.users import private_directory
from tests.mailservers.drivers.scripted import Script, ScriptedServer


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    with private_directory("driver-tests") as path:
        yield path


@pytest.fixture(scope="session")
def certificates(directory: Path) -> CertificateAuthority:
    return CertificateAuthority(directory / "ca")


@pytest.fixture(scope="session")
def trust(certificates: CertificateAuthority) -> ssl.SSLContext:
    """What a client needs to verify our servers."""
    return ssl.create_default_context(cafile=str(certificates.ca_file))


@pytest.fixture(scope="session")
def identity(certificates: CertificateAuthority, directory: Path) -> ssl.SSLContext:
    """The server's side of TLS, as `localhost` and `scripted.test`."""
    files = certificates.issue("scripted", directory / "scripted")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    # So that `selected_alpn_protocol` tells when a client offers it.
    context.set_alpn_protocols(["http/1.1"])
    return context


@pytest.fixture
def serve(identity: ssl.SSLContext) -> Iterator[Callable[..., ScriptedServer]]:
    """Start a server that does what the given function says with its one connection, or each of several."""
    servers: list[ScriptedServer] = []

    def start(script: Script, connections: int = 1) -> ScriptedServer:
        servers.append(ScriptedServer(script, identity, connections))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def sink(directory: Path) -> Iterator[Sink]:
    sink = Sink(directory / "sink")
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="session")
def postgresql(directory: Path) -> Iterator[PostgreSQL]:
    server = PostgreSQL(directory / "postgresql")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dovecot_with_sqlite(directory: Path, certificates: CertificateAuthority, sink: Sink) -> Iterator[Dovecot]:
    server = Dovecot("sqlite", directory / "d1", certificates, sink.port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def dovecot_with_postgresql(
    directory: Path, certificates: CertificateAuthority, sink: Sink, postgresql: PostgreSQL
) -> Iterator[Dovecot]:
    dsn = postgresql.create_database("accounts")
    server = Dovecot("postgresql", directory / "d2", certificates, sink.port, dsn)
    server.start()
    yield server
    server.stop()
