"""Moments and days as people say them, in the reader's language and the portal's time zone."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def moment(value: datetime) -> SafeString:
    """14:03 today; 12 June, 14:03 this year; 12 June 2024, 14:03 otherwise."""
    local, now = timezone.localtime(value), timezone.localtime()
    if local.date() == now.date():
        words = date_format(local, "H:i")
    elif local.year == now.year:
        # Translators: a day and a time of day, in the letters of Django's "date" filter: 12 June, 14:03
        words = date_format(local, _("j F, H:i"))
    else:
        # Translators: as above, with the year: 12 June 2024, 14:03
        words = date_format(local, _("j F Y, H:i"))
    return _marked(local, words)


@register.filter
def weekday_and_moment(value: datetime) -> SafeString:
    """Thursday 12 June 2025, 14:03: for plans, where the day of the week helps most."""
    local = timezone.localtime(value)
    # Translators: as above, with the day of the week: Thursday 12 June 2025, 14:03
    return _marked(local, date_format(local, _("l j F Y, H:i")))


def _marked(local: datetime, words: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="seconds"), words)
