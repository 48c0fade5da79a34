"""How many do costly work at once in this process: others wait a moment, or are told to come back.

A thread that waits serves nobody, so few may wait, and not for long. Without this, two dozen people who try
passwords would keep every page from everybody.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore


class Busy(Exception):
    """Nothing was looked at: the same again a little later may work."""


# What is told to programs (Retry-After).
COME_BACK_SECONDS = 5


class Places:
    """So many at once, so many more that wait, and for so long; a class as it holds who is in."""

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self._places, self._waiting = BoundedSemaphore(at_once), BoundedSemaphore(waiting)
        self._seconds = seconds

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises Busy."""
        if not self._places.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._places.release()

    def _wait(self) -> None:
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            if not self._places.acquire(timeout=self._seconds):
                raise Busy
        finally:
            self._waiting.release()


CORES = os.cpu_count() or 1
HASHING = Places(CORES, waiting=4, seconds=2.0)
# Signing in: a wrong password is told after a while, which keeps a thread. Browsers in which somebody has
# signed in before have places of their own, so that strangers take them from nobody.
UNKNOWN_BROWSERS = Places(2, waiting=1, seconds=1.0)
KNOWN_BROWSERS = Places(2, waiting=1, seconds=1.0)
