"""Sizes as people say and type them: 1.5 GB, or 1,5 GB in Dutch. Inside, sizes are bytes.

Whether a GB is 1024 or 1000 MB is said once, by PORTAL_SIZE_UNITS (settings.SIZE_STEP).
"""

import re
from decimal import Decimal
from functools import lru_cache

from django.conf import settings
from django.utils.formats import get_format, number_format
from django.utils.translation import get_language, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from mailservers.ranges import LARGEST_SIZE

# Translators: units of size; French says octets, ko, Mo, Go, To.
UNITS = (
    pgettext_lazy("unit of size", "bytes"),
    pgettext_lazy("unit of size", "kB"),
    pgettext_lazy("unit of size", "MB"),
    pgettext_lazy("unit of size", "GB"),
    pgettext_lazy("unit of size", "TB"),
    pgettext_lazy("unit of size", "PB"),
)

# What a database can hold; no server and no event tells a true one beyond it.
MOST_TOLD = 2**63 - 1

_TYPED = re.compile(r"([\d.,'\s]*\d)\s*([^\W\d]*)", re.UNICODE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_BYTES = {"b", "o", "byte", "bytes", "octet", "octets"}


def in_words(count: int) -> str:
    """1 GB, 2.5 GB, 750 MB: at most one digit after the point, in the reader's language; – for no size."""
    if not isinstance(count, int) or not 0 <= count <= MOST_TOLD:
        return "–"
    return _in_words(count, settings.SIZE_STEP, get_language())


@lru_cache(10_000)
def _in_words(count: int, step: int, _language: str | None) -> str:
    """Lists hold many of these, and the same ones often."""
    amount, unit = float(count), 0
    # What would be shown as 1024.0 of the smaller unit.
    while amount >= step - 0.05 and unit < len(UNITS) - 1:
        amount, unit = amount / step, unit + 1
    decimals = 0 if unit == 0 or round(amount, 1).is_integer() else 1
    # A blank that does not break, so that number and unit stay on one line.
    return f"{number_format(round(amount, decimals), decimals)}\N{NO-BREAK SPACE}{UNITS[unit]}"


def parse(typed: str) -> int:
    """Bytes; ValueError with a sentence when it is no size above nothing."""
    text = typed.strip()
    if text.startswith(("-", "−")) or not text:
        raise ValueError(_not_a_size())
    found = _TYPED.fullmatch(text)
    if found is None:
        raise ValueError(_not_a_size())
    number, unit = _number(found[1]), found[2].casefold()
    if not unit and number:
        raise ValueError(_("Say which unit is meant, for example %(size)s.") % {"size": _example()})
    size = int(number * _factor(unit)) if unit else 0
    if size <= 0:
        raise ValueError(_("This is no room at all. Write for example %(size)s.") % {"size": _example()})
    if size > LARGEST_SIZE:
        raise ValueError(_("This is more than any mail server has."))
    return size


def _factor(unit: str) -> int:
    if unit in _BYTES:
        return 1
    power = _POWERS.get(unit[0])
    rest = unit[1:]
    if power is None or rest not in ("", "b", "o", "ib", "io"):
        raise ValueError(_not_a_size())
    step = 1024 if rest in ("ib", "io") else settings.SIZE_STEP
    return int(step**power)


def _number(text: str) -> Decimal:
    """In the reader's notation; the other sign as well, wherever it can only mean one thing."""
    digits = re.sub(r"[\s']", "", text)
    decimal_sign = get_format("DECIMAL_SEPARATOR")
    other_sign = "," if decimal_sign == "." else "."
    whole, sign, fraction = digits.partition(decimal_sign)
    if sign and (decimal_sign in fraction or other_sign in fraction):
        raise ValueError(_not_a_size())
    if re.fullmatch(rf"\d{{1,3}}(\{other_sign}\d{{3}})+", whole):
        whole = whole.replace(other_sign, "")
    elif not sign and whole.count(other_sign) == 1:
        # 1,5 in English or 1.5 in Dutch: no group of thousands, so it can't be misunderstood.
        whole, _sign, fraction = whole.partition(other_sign)
    if not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        raise ValueError(_not_a_size())
    return Decimal(f"{int(whole)}.{fraction or '0'}")


def _not_a_size() -> str:
    return _("Write a number and a unit, for example %(size)s or %(other)s.") % {
        "size": _example(),
        "other": f"500 {pgettext('unit of size', 'MB')}",
    }


def _example() -> str:
    return f"{number_format(1.5, 1)} {pgettext('unit of size', 'GB')}"
