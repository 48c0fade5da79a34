"""How a change's badge looks, and when it asks again where the change stands."""

from django import template
from django.template import Context
from django.utils import timezone

from mailservers import outbox
from mailservers.models import Change

register = template.Library()

# Most changes are live within a second; one that waits for a server that is down may wait for hours.
PAUSES_MS = (400, 700, 1_000, 2_000, 3_000, 5_000, 8_000, 15_000, 30_000, 60_000)

ICONS = {
    Change.State.WAITING: "clock",
    Change.State.PUSHING: "upload",
    Change.State.LIVE: "check",
    Change.State.FAILED: "alert",
    Change.State.SUPERSEDED: "replaced",
    Change.State.CANCELLED: "cancelled",
}


@register.filter
def pause(asked: int | str) -> int:
    """Milliseconds until a badge that has asked so often asks again."""
    times = int(asked or 0)
    return PAUSES_MS[min(times, len(PAUSES_MS) - 1)]


@register.filter
def state_icon(change: Change) -> str:
    return ICONS[Change.State(change.state)]


@register.simple_tag(takes_context=True)
def way_on(context: Context, change: Change) -> str:
    """cancel, undo, try-again, or "" when the reader can do nothing about it (any more)."""
    way = outbox.way_on(change)
    if way in (outbox.WayOn.CANCEL, outbox.WayOn.UNDO) and not outbox.may_take_back(
        change, context["request"].user
    ):
        return ""
    return way or ""


@register.filter
def is_put_off(change: Change) -> bool:
    """Whether an attempt did not succeed, and the next one is still to come."""
    return bool(change.reason) and change.tries_again_at > timezone.now()
