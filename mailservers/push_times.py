"""How long changes take from the wish until they are live, counted for monitoring.

Workers are many processes on many machines, and the counts must outlive them all: they stand in the
database, one row for each server, aspect and step. They only ever grow, and cost a batch one statement.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Case, F, Value, When

from mailservers.models import Change, PushTime, Server

# Upper ends in seconds; one more step holds what took even longer.
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)


def count(server: Server, live: Iterable[Change], now: datetime) -> None:
    """Count changes of this server that went live now, in the caller's transaction."""
    by_aspect: dict[str, list[float]] = defaultdict(list)
    for change in live:
        # A clock that jumped back makes no negative time.
        by_aspect[change.aspect].append(max(0.0, (now - change.requested_at).total_seconds()))
    # In one order for everybody, so that two workers never wait for one another.
    for aspect, seconds in sorted(by_aspect.items()):
        if not _add(server, aspect, seconds):
            steps = range(len(BOUNDS) + 1)
            rows = [PushTime(server=server, aspect=aspect, step=step) for step in steps]
            PushTime.objects.bulk_create(rows, ignore_conflicts=True)
            _add(server, aspect, seconds)


def _add(server: Server, aspect: str, seconds: list[float]) -> int:
    counts: Counter[int] = Counter()
    sums: dict[int, float] = defaultdict(float)
    for each in seconds:
        step = step_of(each)
        counts[step] += 1
        sums[step] += each
    rows = PushTime.objects.filter(server=server, aspect=aspect, step__in=counts)
    return rows.update(
        changes=F("changes") + Case(*[When(step=step, then=Value(counts[step])) for step in counts]),
        seconds=F("seconds") + Case(*[When(step=step, then=Value(sums[step])) for step in counts]),
    )


def step_of(seconds: float) -> int:
    return next((step for step, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
