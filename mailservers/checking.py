"""Whether a server can be reached with its credentials, asked without pushing anything."""

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from django.utils.translation import gettext_noop

from mailservers import breaker
from mailservers.drivers.base import DriverError, ServerAway, TryAgain
from mailservers.models import Server
from mailservers.servers import driver_for

log = structlog.get_logger(__name__)


def check(server: Server) -> DriverError | None:
    """Ask the server, keep the answer, and open or close its breaker; returns what is wrong.

    Takes none of the server's connection slots: it must answer while all of them hang.
    """
    version, error = _ask(server)
    found = {"version": version} if error is None else {}
    Server.objects.filter(pk=server.pk).update(
        checked_at=timezone.now(),
        check_error=error.reason if error else "",
        check_error_values=error.values if error else {},
        **found,
    )
    if error is None:
        breaker.note_reached(server)
    elif isinstance(error, ServerAway):
        breaker.note_away(server, error)
    log.info("checked", server=server.name, error=type(error).__name__ if error else "")
    return error


def _ask(server: Server) -> tuple[str, DriverError | None]:
    try:
        return driver_for(server).check().version, None
    except DriverError as known:
        return "", known
    except SoftTimeLimitExceeded:
        return "", ServerAway(gettext_noop("%(server)s did not answer in time."), server=server.name)
    except Exception as surprise:  # noqa: BLE001 - a driver may raise anything; its text may hold secrets
        return "", TryAgain(
            gettext_noop("Something unexpected happened while speaking to %(server)s (%(kind)s)."),
            server=server.name,
            kind=type(surprise).__name__,
        )
