"""An end to waits inside libraries that bound each read at most, never the whole."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer


@contextmanager
def hang_up_after(seconds: float, descriptor: int) -> Iterator[None]:
    """Shut the socket when the time is over: whoever waits on it wakes with a broken connection."""
    # A duplicate: should the library close its own first, its number may soon mean another connection.
    with socket.socket(fileno=os.dup(descriptor)) as line:
        timer = Timer(max(seconds, 0), _shut, [line])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)
