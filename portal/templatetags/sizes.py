"""Sizes of mailboxes as people say them."""

from django import template
from django.utils.translation import gettext

from accounts import sizes
from accounts.models import Mailbox

register = template.Library()


@register.filter
def size(count: int) -> str:
    """1 GB, 2.5 GB, 750 MB: at most one digit after the point."""
    return sizes.in_words(count)


@register.simple_tag
def room_used(mailbox: Mailbox) -> str:
    """1.2 of 5 GB, in a list: what it holds, where that is known, and what it may hold."""
    limit = sizes.in_words(mailbox.quota_bytes) if mailbox.quota_bytes else ""
    usage = getattr(mailbox, "usage", None)
    if usage is None:
        return limit or gettext("no limit")
    used = sizes.in_words(usage.bytes_used)
    told = gettext("%(used)s of %(limit)s") if limit else gettext("%(used)s, no limit")
    return told % {"used": used, "limit": limit}
