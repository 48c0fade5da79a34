"""Where an auto-reply stands in its time."""

from django import template
from django.utils import timezone
from django.utils.dates import WEEKDAYS

from accounts.models import Domain, Person
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
def next_start(auto_reply: AutoReply) -> object:
    """When a planned one begins to answer."""
    window = auto_reply.window_at(timezone.now())
    return window[0] if window else None


@register.filter
def this_end(auto_reply: AutoReply) -> object:
    """When the period that goes on ends; for one that is over, when the last did."""
    window = auto_reply.window_at(timezone.now()) or auto_reply.windows()[-1]
    return window[1]


@register.filter
def days_in_words(auto_reply: AutoReply) -> str:
    return ", ".join(str(WEEKDAYS[day - 1]) for day in auto_reply.weekdays)


@register.simple_tag
def requests_waiting(domain: Domain) -> int:
    """How many of a domain's mailbox users wait for an approval."""
    waiting = SettingRequest.objects.filter(state=SettingRequest.State.WAITING)
    return waiting.filter(mailbox__domain=domain, mailbox__deleted_at=None).count()


@register.simple_tag
def domains_with_requests(person: Person) -> list[Domain]:
    """Those of the person's domains in which somebody waits for an approval."""
    waiting = SettingRequest.objects.filter(state=SettingRequest.State.WAITING, mailbox__deleted_at=None)
    mine = Domain.objects.open_to(person).filter(pk__in=waiting.values("mailbox__domain"))
    return list(mine.order_by("name")[:5])
