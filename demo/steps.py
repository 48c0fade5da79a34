"""Tells on the terminal what is going on, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Step = Callable[[str], AbstractContextManager[None]]


def silently(_title: str) -> AbstractContextManager[None]:
    """A step nobody is told of."""
    return nullcontext()


@contextmanager
def printed(title: str) -> Iterator[None]:
    """A step with a line of its own: the title while it runs, then its duration."""
    began = time.monotonic()
    outcome = "failed after "
    # The dots lead the eye to the durations, which stand below one another.
    print(f"  {title} ".ljust(76, "."), end=" ", flush=True)
    try:
        yield
        outcome = ""
    finally:
        print(f"{outcome}{time.monotonic() - began:.1f} s", flush=True)
