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
        day.away = [reply for reply in replies if _answers_on(reply, day.date, today)]
    return found


def _answers_on(reply: AutoReply, day: date, today: date) -> bool:
    begins = timezone.make_aware(datetime.combine(day, time()))
    ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))
    for starts, over in reply.windows():
        # Without a beginning it is not known since when it answers: not on days that are over.
        first = starts or (begins if day >= today else ends)
        last = over or ends
        if first < ends and last > begins and _is_its_weekday(reply, max(first, begins), min(last, ends)):
            return True
    return False


def _is_its_weekday(reply: AutoReply, first: datetime, last: datetime) -> bool:
    """At noon of the reader's day, or as near to it as the period comes; in the zone of whoever set it."""
    noon = timezone.make_aware(datetime.combine(timezone.localdate(first), time(12)))
    moment = min(max(noon, first), last - timedelta(seconds=1))
    zone = ZoneInfo(reply.zone or settings.TIME_ZONE)
    return not reply.weekdays or moment.astimezone(zone).isoweekday() in reply.weekdays


def weeks_of(days: Sequence[Day]) -> list[Sequence[Day]]:
    return [days[start : start + 7] for start in range(0, len(days), 7)]
