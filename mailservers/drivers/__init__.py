"""The kinds of mail server the portal can speak to: one file and one line in `DRIVERS` for each."""

from collections.abc import Callable, Mapping

from mailservers.drivers.base import ConfigurationError, Driver
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.virtualmin import VirtualminDriver
from mailservers.drivers.webmin import WebminDriver

__all__ = ["DRIVERS", "ConfigurationError", "open_driver"]

DRIVERS: dict[str, Callable[[Mapping[str, object], Mapping[str, object]], Driver]] = {
    "dovecot": DovecotDriver,
    "memory": MemoryDriver,
    "virtualmin": VirtualminDriver,
    "webmin": WebminDriver,
}


def open_driver(kind: str, endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> Driver:
    """A driver for one server; keep it, as it keeps connections. Nothing is reached yet."""
    if kind not in DRIVERS:
        known = ", ".join(sorted(DRIVERS))
        raise ConfigurationError(f"There is no kind of mail server named “{kind}”. Use one of: {known}.")
    return DRIVERS[kind](endpoints, credentials)
