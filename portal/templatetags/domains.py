"""Names of domains as people write them."""

import idna
from django import template

register = template.Library()


@register.filter
def in_own_letters(name: str) -> str:
    """bücher.example for xn--bcher-kva.example; the name itself where it cannot be read so."""
    if "xn--" not in name.lower():
        return name
    try:
        return idna.decode(name)
    except UnicodeError:
        return name
