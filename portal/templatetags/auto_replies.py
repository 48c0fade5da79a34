"""Where an auto-reply stands in its time."""

from django import template
from django.utils import timezone

from vacation.models import AutoReply

register = template.Library()


@register.filter
def phase(auto_reply: AutoReply | str | None) -> str:
    """One of off, planned, on, over. A mailbox that never had an auto-reply has it off."""
    if not isinstance(auto_reply, AutoReply) or not auto_reply.enabled:
        return "off"
    if auto_reply.is_over:
        return "over"
    if auto_reply.starts and auto_reply.starts > timezone.now():
        return "planned"
    return "on"
