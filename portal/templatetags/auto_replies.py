"""Where an auto-reply stands in its time."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext, pgettext_lazy

from accounts.models import Domain, Mailbox
from mailservers.models import Change
from mailservers.standing import Where
from portal.templatetags.icons import icon
from portal.templatetags.times import moment, weekday
from vacation.content import reachable_among
from vacation.models import AutoReply, SettingRequest
from vacation.phases import Phase, Told, reply_phase, told_forwarding, told_reply

register = template.Library()


@register.filter
def phase(auto_reply: AutoReply | str | None) -> str:
    """One of off, planned, on, over: what is set. Whether the server has it: `told_of`."""
    return reply_phase(auto_reply if isinstance(auto_reply, AutoReply) else None)


@register.simple_tag
def told_of(
    auto_reply: AutoReply | str | None, change: Change | str | None = None, *, differs: Any = False
) -> Told:
    """What it does, by its row, by its change, and by what a look has found."""
    return told_reply(
        auto_reply if isinstance(auto_reply, AutoReply) else None,
        change if isinstance(change, Change) else None,
        differs=bool(differs),
    )


@register.simple_tag
def forwarding_in_words(mailbox: Mailbox, change: Change | str | None = None, *, differs: Any = False) -> str:
    """What a mailbox's forwarding does, in a line: nothing is said to go where nobody has agreed."""
    forwarding = getattr(mailbox, "forwarding", None)
    targets = forwarding.listed_targets() if forwarding and forwarding.enabled else []
    told = told_forwarding(
        forwarding, targets, change if isinstance(change, Change) else None, differs=bool(differs)
    )
    words = {Phase.OFF: pgettext("forwarding", "off"), Phase.OVER: pgettext("forwarding", "over")}
    if told.phase == Phase.ASKING:
        words[told.phase] = gettext("on, but no address has agreed yet")
    elif told.phase == Phase.NOWHERE:
        words[told.phase] = gettext("on, but mail can go nowhere now")
    elif forwarding is not None and told.phase == Phase.ON:
        reached = [target.address for target in reachable_among(forwarding, targets)]
        words[told.phase] = gettext("to %(addresses)s") % {"addresses": ", ".join(reached)}
    sentence = {
        Where.THERE: "%(what)s",
        Where.COMING: gettext("%(what)s, as soon as the mail server has it"),
        Where.FAILED: gettext("%(what)s, but the mail server did not take it"),
        Where.DIFFERS: gettext("%(what)s, but the mail server has something else"),
    }[told.where]
    return sentence % {"what": words[told.phase]}


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


ON, OFF, OVER = Phase.ON, Phase.OFF, Phase.OVER
HERE, COMING = Where.THERE, Where.COMING
SHOULD = Where.FAILED
# What is set, and whether the server has it; one that failed and one that differs are told alike.
WORDS = {
    (OFF, HERE): pgettext_lazy("an auto-reply", "off"),
    (OFF, COMING): pgettext_lazy("an auto-reply", "will be off"),
    (OFF, SHOULD): pgettext_lazy("an auto-reply", "should be off"),
    (ON, HERE): pgettext_lazy("an auto-reply", "on"),
    (ON, COMING): pgettext_lazy("an auto-reply", "will be on"),
    (ON, SHOULD): pgettext_lazy("an auto-reply", "should be on"),
    (OVER, HERE): gettext_lazy("over since %(time)s"),
    (OVER, COMING): gettext_lazy("over since %(time)s"),
    (OVER, SHOULD): gettext_lazy("should be over since %(time)s"),
    (Phase.PLANNED, HERE): gettext_lazy("planned from %(time)s"),
    (Phase.PLANNED, COMING): gettext_lazy("planned from %(time)s"),
    (Phase.PLANNED, SHOULD): gettext_lazy("should begin %(time)s"),
}


@register.simple_tag
def phase_badge(
    auto_reply: AutoReply | str | None, change: Change | str | None = None, *, differs: Any = False
) -> SafeString:
    """What an auto-reply does, in a few words; drawn in one go, for lists hold many."""
    told = told_of(auto_reply, change, differs=differs)
    time = None
    if isinstance(auto_reply, AutoReply) and told.phase == Phase.PLANNED:
        time = next_start(auto_reply)
    elif isinstance(auto_reply, AutoReply) and told.phase in (Phase.ON, Phase.OVER):
        time = this_end(auto_reply)
    if told.phase == Phase.ON and told.is_so and time:
        sentence = gettext("on until %(time)s")
    else:
        sentence = str(WORDS[told.phase, told.where if told.where in (HERE, COMING) else SHOULD])
    return _badge(told.phase, told.name, sentence % {"time": moment(time) if time else ""})


@lru_cache(1_000)
def _badge(phase: str, name: str, words: str) -> SafeString:
    """`words` hold nothing but our own and a moment, made safe."""
    return format_html(
        '<span class="phase phase-{}" data-phase="{}">{}<span class="words">{}</span></span>',
        name,
        name,
        icon({"on": "reply", "planned": "calendar"}.get(phase, "off")),
        SafeString(words),
    )
