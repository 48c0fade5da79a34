"""Whether a mail server lets somebody in: for passwords whose hash the portal does not know.

Here a web process speaks to a mail server itself, see decision 013: one sign-in, a few seconds at most, and
few at once (`asking.py`).
"""

from functools import partial

from mailservers.asking import NoAnswer, ask
from mailservers.drivers import ConfigurationError
from mailservers.drivers.base import ServerAway
from mailservers.drivers.imap_sign_in import ImapPlace, lets_in, trust_of
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Security, Server


class CannotAsk(Exception):
    """The server is away or too slow, too many ask it already, or its settings do not say where it is."""


def can_be_asked(server: Server) -> bool:
    """Whether its row tells where mail programs sign in."""
    return bool(server.imap_host)


def server_lets_in(server: Server, name: str, password: str) -> bool:
    """Raises CannotAsk."""
    if server.kind == "memory":
        return MemoryDriver.passwords.get(name) == password
    place = ImapPlace(server.imap_host, server.imap_port, server.imap_security == Security.STARTTLS)
    try:
        trust = trust_of(server.kind, server.endpoints)
        return ask(server.pk, partial(lets_in, place, trust, name, password))
    except (NoAnswer, ServerAway, ConfigurationError) as trouble:
        raise CannotAsk(str(type(trouble).__name__)) from None
