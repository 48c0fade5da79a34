"""The simulated server, started once for all tests of this folder, and empty at the start of each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.certificates import CertificateAuthority
from fleet.virtualmin import Virtualmin
from mailservers.drivers.virtualmin import VirtualminDriver
from tests.mailservers.drivers.conftest import (
    certificates,
    directory,
    dovecot_with_sqlite,
    identity,
    sink,
    trust,
)

__all__ = ["certificates", "directory", "dovecot_with_sqlite", "identity", "sink", "trust"]


@pytest.fixture(scope="session")
def running(directory: Path, certificates: CertificateAuthority) -> Iterator[Virtualmin]:
    server = Virtualmin("virtualmin", directory / "virtualmin", certificates)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def virtualmin(running: Virtualmin) -> Virtualmin:
    """With the domains that the tests' accounts are in."""
    running.reset()
    running.create_domains("a.test", "b.test", "usage.test", "sub.usage.test", "usage-test", "later.test")
    return running


@pytest.fixture
def driver(virtualmin: Virtualmin) -> VirtualminDriver:
    return VirtualminDriver(virtualmin.endpoints(), virtualmin.credentials())
