"""A question to a mail server while somebody waits at a page: so long at most, and so many at once.

Whoever runs a mail server, or stands in its place, can let a connection drip for hours. Here that costs the
page a few seconds, and no more than a few pages at a time: others are told to try again. A server that did
not answer in time for some times in a row is not asked for a while. What is asked must not need the
database: it runs in a thread of its own, which may outlive the page.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from functools import cache
from threading import Lock
from typing import TypeVar

Answer = TypeVar("Answer")

# Dovecot waits two seconds before it tells that a password is wrong.
SECONDS = 6.0
AT_ONE_SERVER, AT_ALL_SERVERS = 2, 3
GIVES_UP_AFTER, RESTS_SECONDS = 3, 30.0


class NoAnswer(Exception):
    """Not in time, or too many ask already."""


_lock = Lock()
_asking: Counter[int] = Counter()
_too_late: Counter[int] = Counter()
_rests_until: dict[int, float] = {}


def ask(server_id: int, question: Callable[[], Answer]) -> Answer:
    """What the question returns or raises; raises NoAnswer."""
    _take_place(server_id)
    try:
        asked = _threads().submit(question)
    except BaseException:
        _leave_place(server_id)
        raise
    asked.add_done_callback(lambda _done: _leave_place(server_id))
    return _answer_to(server_id, asked)


def forget_all() -> None:
    """As if nobody had ever been asked."""
    with _lock:
        _too_late.clear()
        _rests_until.clear()


def _answer_to(server_id: int, asked: "Future[Answer]") -> Answer:
    began = time.monotonic()
    try:
        return asked.result(timeout=SECONDS)
    except TooLate:
        raise NoAnswer from None
    finally:
        _note(server_id, in_time=time.monotonic() - began < SECONDS * 0.75)


def _take_place(server_id: int) -> None:
    with _lock:
        if time.monotonic() < _rests_until.get(server_id, 0.0):
            raise NoAnswer
        if _asking[server_id] >= AT_ONE_SERVER or _asking.total() >= AT_ALL_SERVERS:
            raise NoAnswer
        _asking[server_id] += 1


def _leave_place(server_id: int) -> None:
    with _lock:
        _asking[server_id] -= 1


def _note(server_id: int, *, in_time: bool) -> None:
    with _lock:
        if in_time:
            _too_late.pop(server_id, None)
            return
        _too_late[server_id] += 1
        if _too_late[server_id] >= GIVES_UP_AFTER:
            # Afterwards one late answer is enough to rest again.
            _rests_until[server_id] = time.monotonic() + RESTS_SECONDS


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=AT_ALL_SERVERS, thread_name_prefix="asking")
