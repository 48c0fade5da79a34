"""The Dovecot driver on real Dovecots, with accounts in SQLite and in PostgreSQL."""

from collections.abc import Iterator

import pytest

from fleet.dovecot import Dovecot
from mailservers.drivers.dovecot import DovecotDriver
from tests.mailservers.drivers.contract import DriverContract


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def dovecot(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


@pytest.fixture
def driver(dovecot: Dovecot) -> Iterator[DovecotDriver]:
    driver = DovecotDriver(dovecot.endpoints(), dovecot.credentials())
    yield driver
    driver.close()


class TestContract(DriverContract):
    pass
