"""What follows whenever somebody's second factors change, whoever changes them."""

from accounts.devices import forget_devices
from accounts.models import Person
from accounts.open_sessions import end_sessions


def follow_factor_change(person: Person, *, keep: str | None) -> None:
    """Whoever else is in, or halfway, comes in anew by what the person has now; `keep`: this session's key.

    No browser is known any more either: the caller remembers its own again.
    """
    end_sessions(person, but=keep)
    forget_devices(person)
