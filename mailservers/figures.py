"""How a server's pushes go, in figures. Each query keeps to an index, however many changes there were."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, IntegerField, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from mailservers.models import Change, DriftCheck, Observation, Server, Slot

# Long enough to be steady, short enough to tell of now.
RATE_OVER = timedelta(minutes=10)
A_MINUTE = RATE_OVER.total_seconds() / 60
STEP = timedelta(minutes=30)
STEPS = 48
PUSHED = (Change.State.LIVE, Change.State.FAILED)


@dataclass(slots=True)
class Figures:
    """Of one server, now."""

    waiting: int = 0
    oldest_waiting_at: datetime | None = None
    failed: int = 0
    """Those that nothing newer stands for: somebody has to look."""
    drifted: int = 0
    """Parts of mailboxes, and aliases, that somebody changed on the server."""
    unread: int = 0
    """Those that could not be read when somebody last looked."""
    pushes_a_minute: float = 0.0
    connections_in_use: int = 0


@dataclass(frozen=True, slots=True)
class HalfHour:
    """What was settled in it."""

    starts: datetime
    live: int = 0
    failed: int = 0

    @property
    def ends(self) -> datetime:
        return self.starts + STEP


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the newest comparison of a whole server goes, or went."""

    asked_at: datetime
    compared: int
    finished_at: datetime | None
    reason: str
    """Why it stopped, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours, oldest half hour first."""

    half_hours: list[HalfHour] = field(default_factory=list)

    @property
    def most(self) -> int:
        return max(each.live + each.failed for each in self.half_hours)

    @property
    def live(self) -> int:
        return sum(each.live for each in self.half_hours)

    @property
    def failed(self) -> int:
        return sum(each.failed for each in self.half_hours)


def figures_of(servers: Collection[Server]) -> dict[int, Figures]:
    """By the servers' ids."""
    mine = Change.objects.filter(server=OuterRef("pk"))
    failed = mine.filter(state=Change.State.FAILED).without_newer()
    pushed = mine.filter(settled_at__gt=timezone.now() - RATE_OVER, state__in=PUSHED)
    of_mailbox = Q(mailbox__server=OuterRef("pk"), mailbox__deleted_at=None)
    of_alias = Q(alias__domain__server=OuterRef("pk"))
    drifted = Observation.objects.drifted().filter(of_mailbox | of_alias)
    in_use = Slot.objects.in_use().filter(server=OuterRef("pk"))
    # One query, each count by itself within it.
    counted = Server.objects.filter(pk__in=[server.pk for server in servers]).values_list(
        "pk",
        _count_of(mine.open()),
        Subquery(_together(mine.open()).annotate(oldest=Min("requested_at")).values("oldest")),
        _count_of(failed),
        _count_of(drifted),
        _count_of(Observation.objects.unread().filter(of_mailbox | of_alias)),
        _count_of(pushed),
        _count_of(in_use),
    )
    return {
        number: Figures(waiting, oldest, failing, differing, unread, settled / A_MINUTE, slots)
        for number, waiting, oldest, failing, differing, unread, settled, slots in counted
    }


def _count_of(rows: "QuerySet[Any]") -> Coalesce:
    """How many of these rows belong to the outer query's row."""
    return Coalesce(Subquery(_together(rows).annotate(count=Count("pk")).values("count")), 0)


def _together(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    return rows.order_by().values(one=Value(1))


def last_comparison(server: Server) -> Comparison | None:
    """One for each aspect, begun together; told as one."""
    whole = DriftCheck.objects.filter(server=server, domain=None, mailbox=None)
    newest: dict[str, DriftCheck] = {}
    for check in whole.order_by("-pk")[:10]:
        newest.setdefault(check.aspect, check)
    checks = list(newest.values())
    if not checks:
        return None
    ends = [check.finished_at for check in checks if check.finished_at]
    return Comparison(
        asked_at=max(check.requested_at for check in checks),
        compared=sum(check.compared for check in checks),
        finished_at=max(ends) if len(ends) == len(checks) else None,
        reason=next((check.reason_text for check in checks if check.reason), ""),
    )


def last_day(server: Server) -> Day:
    """One query: a count by state for each half hour, joined, as every database can do it on the index."""
    now = timezone.now()
    end = now.replace(minute=30 * (now.minute // 30), second=0, microsecond=0) + STEP
    starts = [end - STEP * (STEPS - number) for number in range(STEPS)]
    parts = [
        Change.objects.filter(
            server=server, settled_at__gte=start, settled_at__lt=start + STEP, state__in=PUSHED
        )
        .values("state")
        .annotate(count=Count("pk"), number=Value(number, IntegerField()))
        for number, start in enumerate(starts)
    ]
    counts = {(row["number"], row["state"]): row["count"] for row in parts[0].union(*parts[1:], all=True)}
    return Day(
        [
            HalfHour(
                start,
                live=counts.get((number, Change.State.LIVE), 0),
                failed=counts.get((number, Change.State.FAILED), 0),
            )
            for number, start in enumerate(starts)
        ]
    )
