"""From a server's row to the driver that speaks to it."""

import json

from django.utils.translation import gettext_noop

from mailservers.credentials import CredentialsLocked, unseal
from mailservers.drivers import ConfigurationError, open_driver
from mailservers.drivers.base import Driver, Limits, TryAgain
from mailservers.models import Server

# One driver for each server and process, so that what it keeps open is used again.
_drivers: dict[int, tuple[object, Driver]] = {}


def driver_for(server: Server) -> Driver:
    """Raises TryAgain with the operator's mistake in words when the row is not usable."""
    # In one order: PostgreSQL gives the keys back in another than they were set.
    endpoints = json.dumps(server.endpoints, sort_keys=True)
    row = (server.kind, endpoints, server.sealed_credentials)
    known = _drivers.get(server.pk)
    if known and known[0] == row:
        return known[1]
    try:
        driver = open_driver(server.kind, server.endpoints, unseal(server.sealed_credentials))
    except CredentialsLocked:
        raise TryAgain(
            gettext_noop(
                "The portal has no key that opens the credentials of %(server)s. Tell its operators."
            ),
            server=server.name,
        ) from None
    except ConfigurationError as mistake:
        raise TryAgain(
            gettext_noop(
                "The settings of %(server)s are not usable: %(mistake)s Tell the portal's operators."
            ),
            server=server.name,
            mistake=str(mistake),
        ) from None
    _drivers[server.pk] = (row, driver)
    return driver


def limits_of(server: Server) -> Limits | None:
    """What a server like this can hold, for pages; nothing is reached. None: its settings are not usable."""
    try:
        return driver_for(server).limits
    except TryAgain:
        return None
