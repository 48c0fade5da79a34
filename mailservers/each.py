"""Many at once, and yet each for itself: what one mailbox holds never costs the others their turn."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction

log = structlog.get_logger(__name__)

# Trouble of the portal's own, which no mailbox has to do with.
NOT_OF_ONE = (OperationalError, InterfaceError, SoftTimeLimitExceeded)

T = TypeVar("T")


def keep_each(
    items: Sequence[T],
    keep: Callable[[Sequence[T]], None],
    failed: Callable[[T, Exception], None] | None = None,
) -> None:
    """Keep them in one transaction; where that fails, each in one of its own, without the one that it was.

    `failed` is told of that one, outside of any transaction that failed.
    """
    try:
        with transaction.atomic():
            keep(items)
    except NOT_OF_ONE:
        raise
    except Exception as surprise:  # noqa: BLE001 - whatever it is, it is this one's own
        if len(items) != 1:
            for item in items:
                keep_each([item], keep, failed)
            return
        log.warning("not kept", kind=type(surprise).__name__)
        if failed is not None:
            failed(items[0], surprise)
