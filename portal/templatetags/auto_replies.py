"""Where an auto-reply stands in its time."""

from datetime import datetime
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

from accounts.models import Domain
from portal.templatetags.icons import icon
from portal.templatetags.times import moment, weekday
from vacation.models import AutoReply, SettingRequest

register = template.Library()


@register.filter
def phase(auto_reply: AutoReply | str | None) -> str:
    """One of off, planned, on, over. A mailbox that never had an auto-reply has it off."""
    if not isinstance(auto_reply, AutoReply) or not auto_reply.enabled:
        return "off"
    now = timezone.now()
    window = auto_reply.window_at(now)
    if window is None:
        return "over"
    return "planned" if window[0] and window[0] > now else "on"


@register.filter
def next_start(auto_reply: AutoReply) -> datetime | None:
    """When a planned one begins to answer."""
    window = auto_reply.window_at(timezone.now())
    return window[0] if window else None


@register.filter
def this_end(auto_reply: AutoReply) -> datetime | None:
    """When the period that goes on ends; for one that is over, when the last did."""
    window = auto_reply.window_at(timezone.now()) or auto_reply.windows()[-1]
    return window[1]


@register.filter
def days_in_words(auto_reply: AutoReply) -> str:
    return ", ".join(weekday(day) for day in auto_reply.weekdays)


@register.simple_tag
def requests_waiting(domain: Domain) -> int:
    """How many of a domain's mailbox users wait for an approval."""
    waiting = SettingRequest.objects.filter(state=SettingRequest.State.WAITING)
    return waiting.filter(mailbox__domain=domain, mailbox__deleted_at=None).count()


@register.simple_tag
def phase_badge(auto_reply: AutoReply | str | None) -> SafeString:
    """Where an auto-reply stands, in a few words; drawn in one go, for lists hold many."""
    where = phase(auto_reply)
    if not isinstance(auto_reply, AutoReply) or where == "off":
        return _badge("off", pgettext("an auto-reply", "off"))
    if where == "planned":
        starts = next_start(auto_reply)
        return _badge(where, gettext("planned from %(time)s") % {"time": moment(starts) if starts else ""})
    end = this_end(auto_reply)
    if end is None:
        return _badge(where, pgettext("an auto-reply", "on"))
    sentence = gettext("over since %(time)s") if where == "over" else gettext("on until %(time)s")
    return _badge(where, sentence % {"time": moment(end)})


@lru_cache(1_000)
def _badge(where: str, words: str) -> SafeString:
    """`words` hold nothing but our own and a moment, made safe."""
    return format_html(
        '<span class="phase phase-{}" data-phase="{}">{}<span class="words">{}</span></span>',
        where,
        where,
        icon({"on": "reply", "planned": "calendar"}.get(where, "off")),
        SafeString(words),
    )
