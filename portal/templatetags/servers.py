"""How a mail server stands, and its last day."""

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from mailservers.figures import Day
from mailservers.models import Server
from mailservers.moments import in_zone

register = template.Library()

ASPECTS = {
    "account": gettext_noop("Mailbox"),
    "alias": gettext_noop("Alias"),
    "script": gettext_noop("Auto-reply"),
    "trash": gettext_noop("Emptying the trash"),
}


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
def busy(day: Day) -> list[object]:
    """The half hours in which something was pushed, newest first."""
    return [each for each in reversed(day.half_hours) if each.live or each.failed]


@register.filter
def is_late(server: Server) -> bool:
    """Whether a check was asked for so long ago that no worker seems to listen."""
    asked = server.check_asked_at
    return asked is not None and (timezone.now() - asked).total_seconds() > 120


@register.filter
def how_long(since: datetime) -> str:
    """5 seconds, 12 minutes, 3 hours, 2 days: the largest unit alone."""
    seconds = max(0, int((timezone.now() - in_zone(since, UTC)).total_seconds()))
    if seconds < 120:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    if (minutes := seconds // 60) < 120:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if (hours := minutes // 60) < 48:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}


@register.filter
def about(aspect: str) -> str:
    """What an aspect is for people."""
    return _(ASPECTS[aspect]) if aspect in ASPECTS else aspect
