"""Tells on the terminal what is going on, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

Step = Callable[[str], AbstractContextManager[None]]


def silently(_title: str) -> AbstractContextManager[None]:
    """A step nobody is told of."""
    return nullcontext()


@contextmanager
def printed(title: str) -> Iterator[None]:
    """A step with a line of its own: the title while it runs, then its duration."""
    began = time.monotonic()
    outcome = "stopped after "
    # The dots lead the eye to the durations, which stand below one another.
    _tell(f"  {title} ".ljust(76, ".") + " ", end="")
    try:
        yield
        outcome = ""
    except Exception:
        outcome = "failed after "
        raise
    finally:
        _tell(f"{outcome}{time.monotonic() - began:.1f} s")


def _tell(text: str, end: str = "\n") -> None:
    with suppress(OSError):  # nobody reads it any longer: no reason to leave the step undone
        print(text, end=end, flush=True)
