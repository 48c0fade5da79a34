"""Moments and days as people say them, in the reader's language and the portal's time zone."""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from html import escape

from django import template
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, time_format
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mailservers.models import printable
from mailservers.moments import in_readers_zone

register = template.Library()


@register.filter
def moment(value: datetime) -> SafeString:
    """14:03 today; 12 June, 14:03 this year; 12 June 2024, 14:03 otherwise."""
    if not isinstance(value, datetime):
        return _as_it_stands(value)
    local, now = in_readers_zone(value), timezone.localtime()
    if local.date() == now.date():
        words = _time(local.hour, local.minute, get_language())
    else:
        words = _day_and_time(local.replace(second=0, microsecond=0, fold=0), get_language(), now.year)
    return _marked(local, words)


@lru_cache(10_000)
def _time(hour: int, minute: int, _language: str | None) -> str:
    # Translators: a time of day, in the letters of Django's "date" filter: 14:03
    return time_format(time(hour, minute), _("H:i"))


@lru_cache(10_000)
def _day_and_time(minute: datetime, _language: str | None, this_year: int) -> str:
    if minute.year == this_year:
        # Translators: a day and a time of day, in the letters of Django's "date" filter: 12 June, 14:03
        return date_format(minute, _("j F, H:i"))
    # Translators: as above, with the year: 12 June 2024, 14:03
    return date_format(minute, _("j F Y, H:i"))


@register.filter
def weekday_and_moment(value: datetime) -> SafeString:
    """Thursday 12 June 2025, 14:03: for plans, where the day of the week helps most."""
    if not isinstance(value, datetime):
        return _as_it_stands(value)
    local = in_readers_zone(value)
    # Translators: as above, with the day of the week: Thursday 12 June 2025, 14:03
    return _marked(local, date_format(local, _("l j F Y, H:i")))


@register.filter
def weekday_and_end(value: datetime) -> SafeString:
    """The same of an end: a midnight belongs to the day that it ends, as 24:00."""
    if not isinstance(value, datetime):
        return _as_it_stands(value)
    local = in_readers_zone(value)
    if (local.hour, local.minute) != (0, 0) or local.date() <= date(1, 1, 2):
        return weekday_and_moment(value)
    shown = date_format(local - timedelta(days=1), _("l j F Y, H:i").replace("H", "24"))
    return _marked(local, shown)


@register.filter
def plain_moment(value: datetime) -> str:
    """12 June 2025, 14:03 (Europe/Brussels): for mails, which hold no markup and are read anywhere."""
    if not isinstance(value, datetime):
        return "" if value is None else printable(str(value))
    local = in_readers_zone(value)
    return f"{date_format(local, _('j F Y, H:i'))} ({timezone.get_current_timezone_name()})"


def weekday(day: object) -> str:
    """Monday for 1; what stands there when it is no day."""
    if isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= len(WEEKDAYS):
        return str(WEEKDAYS[day - 1])
    return printable(str(day))


def _as_it_stands(value: object) -> SafeString:
    """What should have been a moment and is none, as an event may hold it: shown, and no page breaks."""
    return SafeString("" if value is None else escape(printable(str(value))))


def _marked(local: datetime, words: str) -> SafeString:
    return SafeString(f'<time datetime="{local.isoformat(timespec="seconds")}">{escape(words)}</time>')
