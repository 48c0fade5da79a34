"""Sizes as people say and type them: 1.5 GB, or 1,5 GB in Dutch. Inside, sizes are bytes.

Whether a GB is 1024 or 1000 MB is said once, by PORTAL_SIZE_UNITS (settings.SIZE_STEP).
"""

import re
from decimal import Decimal
from functools import lru_cache

from django.conf import settings
from django.utils.formats import number_format
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

_TYPED = re.compile(r"([\d.,'’\s]*\d)\s*([^\W\d]*)", re.UNICODE)
_GROUPED = re.compile(r"\d{1,3}(?:[\s'’]\d{3})+(?:[.,]\d+)?", re.UNICODE)
# 1,5 became 1 May and 1000000000 became 1E+09.
_RECKONED = re.compile(r"\d+([.,]\d+)?E[+-]?\d+.*|\d{1,4}[-/]\d{1,2}([-/]\d{1,4})?( .*)?", re.ASCII | re.I)
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
    if _RECKONED.fullmatch(text):
        words = _(
            "A spreadsheet seems to have changed this. Format its cell as text and write for example"
            " %(size)s."
        )
        raise ValueError(words % {"size": _example()})
    found = _TYPED.fullmatch(text)
    if found is None:
        raise ValueError(_not_a_size())
    unit = found[2].casefold()
    number = _number(found[1], found[2])
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


def _number(text: str, unit: str) -> Decimal:
    """In whichever notation; what could be meant in two ways is asked about, never guessed."""
    if found := _GROUPED.fullmatch(text):
        # Blanks and apostrophes only ever stand between groups of three digits.
        text = re.sub(r"[\s'’]", "", found[0])
    signs = [sign for sign in text if sign in ".,"]
    whole, fraction = text, ""
    if signs and (len(set(signs)) == 2 or len(signs) == 1):
        whole, _sign, fraction = text.rpartition(signs[-1])
        if len(signs) == 1 and _could_be_grouped(whole, fraction):
            raise ValueError(_two_ways(whole, fraction, unit))
    if any(sign in whole for sign in ".,"):
        if not re.fullmatch(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+", whole):
            raise ValueError(_not_a_size())
        whole = re.sub(r"[.,]", "", whole)
    if not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        raise ValueError(_not_a_size())
    return Decimal(f"{int(whole)}.{fraction or '0'}")


def _could_be_grouped(whole: str, fraction: str) -> bool:
    """1.024 is a thousand and more in Dutch and one and a bit in English; 0.500 is neither's thousand."""
    return len(fraction) == 3 and whole.isdecimal() and len(whole) <= 3 and not whole.startswith("0")


def _two_ways(whole: str, fraction: str, unit: str) -> str:
    decimals = len(fraction.rstrip("0"))
    small = number_format(Decimal(f"{int(whole)}.{fraction}"), decimals) if decimals else whole
    return _("This can be read in two ways. Write %(large)s or %(small)s.") % {
        "large": f"{whole}{fraction} {unit}",
        "small": f"{small} {unit}",
    }


def _not_a_size() -> str:
    return _("Write a number and a unit, for example %(size)s or %(other)s.") % {
        "size": _example(),
        "other": f"500 {pgettext('unit of size', 'MB')}",
    }


def _example() -> str:
    return f"{number_format(1.5, 1)} {pgettext('unit of size', 'GB')}"
