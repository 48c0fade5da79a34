"""Where the work in hand comes from: set for each web request, empty for workers and commands."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Behalf:
    """Somebody who let another act for them."""

    person_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The client's address, and the id that the request's logs and events share."""

    address: str = ""
    request_id: str = ""
    behalves: Mapping[tuple[str, int], Behalf] = field(default_factory=dict)
    """On whose behalf the request acts, by the thing it acts on: (its kind, its id)."""


_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())


def current_origin() -> Origin:
    return _origin.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Events recorded inside carry this origin."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


@contextmanager
def acting_for(behalves: Mapping[tuple[str, int], Behalf]) -> Iterator[None]:
    """Events recorded inside about one of these things name both: who did it, and on whose behalf."""
    with coming_from(replace(current_origin(), behalves=behalves)):
        yield
