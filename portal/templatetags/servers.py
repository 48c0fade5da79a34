"""How a mail server stands, and its last day as a chart."""

from dataclasses import dataclass

from django import template
from django.utils import timezone

from mailservers.figures import Day
from mailservers.models import Server

register = template.Library()

# The chart's own units: each half hour is 20 wide, and the highest is 100 high.
WIDTH, GAP, HEIGHT = 20, 4, 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a half hour's column."""

    kind: str
    x: int
    y: int
    width: int
    height: int


@register.filter
def standing(server: Server) -> str:
    """One of paused, maintenance, away, reachable, unknown: what matters most."""
    if server.paused_at:
        return "paused"
    if server.is_in_maintenance:
        return "maintenance"
    if server.is_away:
        return "away"
    return "reachable" if server.last_seen_at else "unknown"


@register.filter
def bars(day: Day) -> list[Bar]:
    """Live below, failed on top of it. Whatever is more than nothing can be seen."""
    found: list[Bar] = []
    for number, half_hour in enumerate(day.half_hours):
        top = HEIGHT
        for kind, count in (("live", half_hour.live), ("failed", half_hour.failed)):
            if not count:
                continue
            height = max(2, round(count / day.most * (HEIGHT - 4)))
            top -= height
            found.append(Bar(kind, number * WIDTH + GAP // 2, top, WIDTH - GAP, height))
    return found


@register.filter
def busy(day: Day) -> list[object]:
    """The half hours in which something was pushed, newest first."""
    return [each for each in reversed(day.half_hours) if each.live or each.failed]


@register.filter
def quarters(day: Day) -> list[object]:
    """Moments for the axis: each six hours."""
    starts = [day.half_hours[number].starts for number in (0, 12, 24, 36)]
    return [*starts, day.half_hours[-1].ends]


@register.filter
def is_late(server: Server) -> bool:
    """Whether a check was asked for so long ago that no worker seems to listen."""
    asked = server.check_asked_at
    return asked is not None and (timezone.now() - asked).total_seconds() > 120
