"""Whatever a server tells, made so that every database, page and reader can hold it.

Values from servers come in here: with a DriverError, with what a comparison notes, with usage, with adoption.
"""

import re
from math import isfinite
from typing import Any, TypeVar, cast

LONGEST_TEXT = 2_000_000
MOST_ENTRIES = 20_000
DEEPEST = 20
LARGEST = 2**63 - 1
# PostgreSQL takes no NUL, and nobody halves of characters.
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")
_MARK = "\N{REPLACEMENT CHARACTER}"

T = TypeVar("T")


def folded(value: T, depth: int = 0) -> T:
    """The value, made of what JSON knows: marks stand for what can't be held, and what is endless is cut."""
    found: Any = value
    match value:
        case str():
            found = _UNHOLDABLE.sub(_MARK, value[:LONGEST_TEXT])
        case bool() | None:
            pass
        case int():
            found = min(max(value, -LARGEST), LARGEST)
        case float() if not isfinite(value):
            found = None
        case dict() if depth < DEEPEST:
            entries = list(value.items())[:MOST_ENTRIES]
            found = {folded(name, depth + 1): folded(each, depth + 1) for name, each in entries}
        case list() | tuple() if depth < DEEPEST:
            found = type(value)(folded(each, depth + 1) for each in value[:MOST_ENTRIES])
        case dict() | list() | tuple():
            found = type(value)()
    return cast(T, found)


def can_hold(value: Any) -> bool:
    """Whether it would come back as it is."""
    return bool(folded(value) == value)
