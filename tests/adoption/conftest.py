"""The simulated Virtualmin, and a server of the portal that it stands for."""

import pytest

from adoption.tasks import adopt
from fleet.virtualmin import Virtualmin
from mailservers.credentials import seal
from mailservers.models import Server
from tests.mailservers.virtualmin.conftest import (
    certificates,
    directory,
    dovecot_with_sqlite,
    running,
    sink,
)

__all__ = ["certificates", "directory", "dovecot_with_sqlite", "running", "sink"]


@pytest.fixture
def virtualmin(running: Virtualmin) -> Virtualmin:
    running.reset()
    return running


@pytest.fixture
def moses(db, virtualmin: Virtualmin) -> Server:
    return Server.objects.create(
        name="moses",
        kind="virtualmin",
        endpoints=virtualmin.endpoints(),
        sealed_credentials=seal(virtualmin.credentials()),
    )


@pytest.fixture(autouse=True)
def jobs(monkeypatch) -> list[int]:
    """Adoptions that were announced to workers, in place of a broker."""
    announced: list[int] = []
    monkeypatch.setattr(adopt, "apply_async", lambda arguments, **_: announced.append(arguments[0]))
    return announced
