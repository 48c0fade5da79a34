"""How far a long command is, for whoever watches it."""

import sys

from django.core.management.base import OutputWrapper

WIDTH = 30


def show_progress(stderr: OutputWrapper, done: int, total: int, seconds: float, words: str) -> None:
    """One line that is drawn over; none where nobody watches."""
    if not sys.stderr.isatty():
        return
    share = done / total if total else 1
    left = int(seconds / share - seconds) if share else 0
    bar = "█" * int(WIDTH * share) + "░" * (WIDTH - int(WIDTH * share))
    stderr.write(f"\r{bar} {done}/{total}, {words}, {left // 60}:{left % 60:02} left ", ending="")
    stderr.flush()
