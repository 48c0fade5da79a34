"""A line in the log for what was refused: one a minute for each kind, source and person, with a count.

Ids alone: what was typed as a name may be a password. However much is refused, the log is not flooded.
"""

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import structlog

from audit.origin import current_origin

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
# So many are kept count of; the oldest is told early when there are more.
MOST = 10_000

Key = tuple[str, str, str]


@dataclass(slots=True)
class _Counted:
    since: float
    facts: dict[str, Any]
    more: int = field(default=0)


_lock = Lock()
_counted: dict[Key, _Counted] = {}


def note_refusal(kind: str, who: str = "", **facts: Any) -> None:
    """`who`: an id, where somebody is known."""
    key, now = (kind, current_origin().address, who), time.monotonic()
    with _lock:
        over = _taken_off(now)
        known = _counted.get(key)
        if known is not None:
            known.more += 1
        else:
            _counted[key] = _Counted(now, facts)
    for each, counted in over:
        _tell(each, counted, counted.more)
    if known is None:
        _tell(key, _Counted(now, facts), 1)


def forget_all() -> None:
    """As if nothing had been refused yet."""
    with _lock:
        _counted.clear()


def _taken_off(now: float) -> list[tuple[Key, _Counted]]:
    """Those whose minute is over, and that came again in it."""
    over = []
    while _counted:
        key = next(iter(_counted))
        if _counted[key].since > now - EVERY_SECONDS and len(_counted) < MOST:
            break  # the oldest stand first
        counted = _counted.pop(key)
        if counted.more:
            over.append((key, counted))
    return over


def _tell(key: Key, counted: _Counted, count: int) -> None:
    kind, source, who = key
    log.warning("refused", kind=kind, source=source, who=who, count=count, **counted.facts)
