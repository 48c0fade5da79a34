"""Who of a domain is away on which day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from accounts.models import Domain
from vacation.models import AutoReply


@dataclass(slots=True)
class Day:
    """A day of the calendar, and the auto-replies that answer on it."""

    date: date
    away: list[AutoReply] = field(default_factory=list)
    is_today: bool = False


def calendar_of(domain: Domain, *, first: date, days: int) -> list[Day]:
    """So many days from this one on, in the reader's zone."""
    today = timezone.localdate()
    found = [Day(first + timedelta(days=number)) for number in range(days)]
    replies = list(
        AutoReply.objects.filter(mailbox__domain=domain, mailbox__deleted_at=None, enabled=True)
        .select_related("mailbox")
        .order_by("mailbox__address")
    )
    for day in found:
        day.is_today = day.date == today
        day.away = [reply for reply in replies if _answers_on(reply, day.date)]
    return found


def _answers_on(reply: AutoReply, day: date) -> bool:
    begins = timezone.make_aware(datetime.combine(day, time()))
    ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))
    if not any(
        (window[0] is None or window[0] < ends) and (window[1] is None or window[1] > begins)
        for window in reply.windows()
    ):
        return False
    return not reply.weekdays or _weekday(reply, begins) in reply.weekdays


def _weekday(reply: AutoReply, moment: datetime) -> int:
    """At noon of the reader's day, in the zone of whoever set it."""
    noon = moment + timedelta(hours=12)
    return noon.astimezone(ZoneInfo(reply.zone or settings.TIME_ZONE)).isoweekday()


def weeks_of(days: Sequence[Day]) -> list[Sequence[Day]]:
    return [days[start : start + 7] for start in range(0, len(days), 7)]
