"""Sizes of mailboxes as people say them."""

from django import template
from django.utils.formats import number_format

register = template.Library()

# Powers of 1000, as on the package of a disk: a quota of 1,000,000,000 bytes is 1 GB.
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


@register.filter
def size(count: int) -> str:
    """1 GB, 2.5 GB, 750 MB: at most one digit after the point."""
    amount, unit = float(count), 0
    # 999.95 would be shown as 1000.0 of the smaller unit.
    while amount >= 999.95 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    decimals = 0 if unit == 0 or round(amount, 1).is_integer() else 1
    # A blank that does not break, so that number and unit stay on one line.
    return f"{number_format(round(amount, decimals), decimals)}\N{NO-BREAK SPACE}{UNITS[unit]}"
