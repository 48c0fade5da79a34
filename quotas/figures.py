"""What the pages show of usage: shares, totals, the days of the chart, and when a mailbox will be full."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Domain, Mailbox
from mailservers.models import Usage, UsageDay

DAYS = 90
# A trend of fewer days says more of the weather than of the climate.
FEWEST_DAYS, TREND_DAYS = 7, 30
FURTHEST = 365
# Who gets rid of more than these percent in a day has cleaned up.
CLEAN_UP = 5
WARM, HOT = 80, 95


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a mailbox is, for the bar. Shares are percentages of the whole width."""

    used: int
    limit: int
    """0: none."""
    trash: int
    junk: int

    @property
    def percent(self) -> int:
        """Rounded down: 99.9 % is not yet full. 0 without a limit."""
        return self.used * 100 // self.limit if self.limit else 0

    @property
    def level(self) -> str:
        """One of calm, warm, hot, full: how the bar looks."""
        if not self.limit:
            return "calm"
        levels = [(100, "full"), (HOT, "hot"), (WARM, "warm")]
        return next((name for least, name in levels if self.percent >= least), "calm")

    @property
    def parts(self) -> list[tuple[str, str, str]]:
        """What the bar is made of: kind, where it begins and how wide it is, as SVG writes percentages."""
        whole = max(self.limit, self.used, 1)
        special = min(self.trash, self.used), min(self.junk, max(0, self.used - self.trash))
        sizes = [("mail", self.used - sum(special)), ("trash", special[0]), ("junk", special[1])]
        found, begins = [], 0.0
        for kind, size in sizes:
            width = size * 100 / whole
            if size:
                found.append((kind, f"{begins:.3f}%", f"{width:.3f}%"))
            begins += width
        return found

    @property
    def trash_percent(self) -> int:
        return round(self.trash * 100 / self.used) if self.used else 0


def fill_of(usage: Usage, quota_bytes: int) -> Fill:
    return Fill(usage.bytes_used, usage.limit_with(quota_bytes), usage.trash_bytes, usage.junk_bytes)


@dataclass(frozen=True, slots=True)
class Totals:
    """What some mailboxes were given and hold together."""

    mailboxes: int
    given: int
    unlimited: int
    """How many of them have no limit."""
    used: int
    trash: int
    read: int
    """How many of them were ever read."""
    oldest: Any = None
    """When the one was read whose reading is the oldest."""

    @property
    def fill(self) -> Fill:
        return Fill(self.used, 0 if self.unlimited else self.given, self.trash, 0)


_SUMS = {
    "mailboxes": Count("pk"),
    "given": Sum("quota_bytes", default=0),
    "unlimited": Count("pk", filter=Q(quota_bytes=0)),
    "used": Sum("usage__bytes_used", default=0),
    "trash": Sum("usage__trash_bytes", default=0),
    "read": Count("usage"),
    "oldest": Min("usage__read_at"),
}


def totals_of(domain: Domain) -> Totals:
    return Totals(**Mailbox.objects.alive().filter(domain=domain).aggregate(**_SUMS))


def totals_by(field: str, mailboxes: "QuerySet[Mailbox]") -> dict[int, Totals]:
    """By the value of a field of mailboxes: server or domain."""
    rows = mailboxes.values(field).annotate(**_SUMS)
    return {row.pop(field): Totals(**row) for row in rows}


def days_of(mailbox: Mailbox, today: date) -> list[UsageDay]:
    """The last 90 days, as far as they are known."""
    since = today - timedelta(days=DAYS)
    return list(UsageDay.objects.filter(mailbox=mailbox, day__gt=since).order_by("day"))


def days_until_full(days: Sequence[UsageDay], used: int, limit: int) -> float | None:
    """At the pace of the last weeks; None when it does not grow, is full, or too little is known.

    The pace is the median of all slopes between two days (Theil and Sen), as if nobody had cleaned up
    meanwhile: neither one large mail nor one emptied trash bends it.
    """
    if not limit or used >= limit or not days:
        return None
    recent = [day for day in days if day.day > days[-1].day - timedelta(days=TREND_DAYS)]
    if len(recent) < FEWEST_DAYS:
        return None
    points = _without_clean_ups(recent)
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0]).days for earlier, later in combinations(points, 2)
    ]
    pace = statistics.median(slopes)
    if pace <= 0:
        return None
    left = (limit - used) / pace
    return left if left <= FURTHEST else None


def _without_clean_ups(days: Sequence[UsageDay]) -> list[tuple[date, int]]:
    """Day and size, as the size would be without the days on which much of it went."""
    lifted, points = 0, [(days[0].day, days[0].bytes_used)]
    for before, after in pairwise(days):
        lost = before.bytes_used - after.bytes_used
        if lost * 100 > before.bytes_used * CLEAN_UP:
            lifted += lost
        points.append((after.day, after.bytes_used + lifted))
    return points


def in_about(days: float) -> str:
    """A time from now as people say it: no more exact than a forecast is."""
    if days < 1.5:
        return _("in about a day")
    if days < 14:
        count = round(days)
        return ngettext("in about %(count)d day", "in about %(count)d days", count) % {"count": count}
    if days < 60:
        count = round(days / 7)
        return ngettext("in about %(count)d week", "in about %(count)d weeks", count) % {"count": count}
    count = round(days / 30.4)
    return ngettext("in about %(count)d month", "in about %(count)d months", count) % {"count": count}
