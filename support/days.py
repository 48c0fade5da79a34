"""How many events each day: the chart above the search, over a month or what the search asks for."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from audit.models import Event
from support.searching import matching

USUAL, MOST = 30, 92
# The chart is drawn in a field so many units high.
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Day:
    """`done` and `trouble` are heights, from 0 to HEIGHT; what is there at all is seen."""

    day: date
    count: int
    not_done: int
    done_height: int
    trouble_height: int

    @property
    def is_marked(self) -> bool:
        """One day of each week is named below the chart."""
        return self.day.isoweekday() == 1

    @property
    def done_top(self) -> int:
        return HEIGHT - self.done_height - self.trouble_height

    @property
    def trouble_top(self) -> int:
        return HEIGHT - self.trouble_height


def days_of(events: "QuerySet[Event]", given: dict[str, Any]) -> list[Day]:
    """What a valid form asks for, day by day; at most the last three months of it."""
    last = min(given.get("until") or timezone.localdate(), timezone.localdate())
    first = given.get("since") or last - timedelta(days=USUAL - 1)
    first = max(first, last - timedelta(days=MOST - 1))
    found = (
        matching(events, {**given, "since": first, "until": last})
        .order_by()
        .annotate(day=TruncDate("at", tzinfo=timezone.get_current_timezone()))
        .values("day")
        .annotate(count=Count("pk"), not_done=Count("pk", filter=~Q(outcome=Event.Outcome.DONE)))
    )
    counts = {row["day"]: (row["count"], row["not_done"]) for row in found}
    most = max((count for count, _ in counts.values()), default=0)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [_day(day, *counts.get(day, (0, 0)), most) for day in days]


def _day(day: date, count: int, not_done: int, most: int) -> Day:
    return Day(day, count, not_done, _height(count - not_done, most), _height(not_done, most))


def _height(count: int, most: int) -> int:
    return max(3, round(count * (HEIGHT - 6) / most)) if count else 0
