"""Long lists in parts: a database takes no endless one."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def slices(whole: Iterable[Item], size: int = 500) -> Iterator[list[Item]]:
    """One part after the other, in its order; of nothing none."""
    items = list(whole)
    for start in range(0, len(items), size):
        yield items[start : start + size]
