"""Sizes of mailboxes as people say them."""

from django import template

from accounts import sizes

register = template.Library()


@register.filter
def size(count: int) -> str:
    """1 GB, 2.5 GB, 750 MB: at most one digit after the point."""
    return sizes.in_words(count)
