"""Whether a server should be spoken to now: it may be paused, in maintenance, or away.

The breaker opens after some failures in a row to reach the server. While it is open nothing is pushed,
so that a dead server keeps no worker busy; now and then one attempt tries whether it is back.
"""

import random
from datetime import timedelta
from enum import Enum

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from mailservers.drivers.base import DriverError
from mailservers.models import Change, Server

OPENS_AFTER = 3
# So exactly is known when a server was last seen.
SEEN_AT_MOST = timedelta(seconds=10)
FIRST_PROBE, LONGEST_PROBE = 5.0, 30.0


class Gate(Enum):
    """What may be pushed to a server now."""

    OPEN = "anything"
    PROBE = "one change, to see whether it is back"
    SHUT = "nothing"


def pass_gate(server: Server) -> Gate:
    """Ask before each push. Of many workers one gets the probe: whoever moves its time on."""
    if server.paused_at or server.is_in_maintenance:
        return Gate.SHUT
    if server.probe_at is None:
        return Gate.OPEN
    now = timezone.now()
    next_one = now + timedelta(seconds=_pause(server.failures_in_a_row + 1))
    # A probe further away than any is was planned by a clock that has jumped back since.
    its_time = Q(probe_at__lte=now) | Q(probe_at__gt=now + 2 * timedelta(seconds=LONGEST_PROBE))
    won = Server.objects.filter(its_time, pk=server.pk).update(probe_at=next_one)
    return Gate.PROBE if won else Gate.SHUT


def note_reached(server: Server) -> None:
    """The server answered: close the breaker, and let everything that waits for it go at once."""
    now = timezone.now()
    row = Server.objects.filter(pk=server.pk)
    if row.filter(probe_at__isnull=False).update(probe_at=None):
        Change.objects.filter(server=server, state=Change.State.WAITING).update(next_attempt_at=now)
    # All workers would wait in line for this one row if each push wrote into it.
    is_news = Q(failures_in_a_row__gt=0) | Q(away_since__isnull=False) | Q(reachable_since=None)
    is_old = Q(last_seen_at=None) | Q(last_seen_at__lt=now - SEEN_AT_MOST) | Q(last_seen_at__gt=now)
    row.filter(is_news | is_old).update(
        last_seen_at=now,
        failures_in_a_row=0,
        away_since=None,
        reachable_since=Coalesce("reachable_since", now),
    )


def note_away(server: Server, error: DriverError) -> None:
    """The server could not be reached; after some of these the breaker opens."""
    now = timezone.now()
    Server.objects.filter(pk=server.pk).update(
        failures_in_a_row=F("failures_in_a_row") + 1,
        away_since=Coalesce("away_since", now),
        last_error=error.reason,
        last_error_values=error.values,
        last_error_at=now,
    )
    failures = Server.objects.values_list("failures_in_a_row", flat=True).get(pk=server.pk)
    if failures >= OPENS_AFTER:
        probe_at = now + timedelta(seconds=_pause(failures))
        Server.objects.filter(pk=server.pk).update(probe_at=probe_at, reachable_since=None)


def _pause(failures: int) -> float:
    """Seconds until the next probe: longer each time, with jitter."""
    longest = min(LONGEST_PROBE, FIRST_PROBE * 2.0 ** max(0, failures - OPENS_AFTER))
    return random.uniform(longest * 0.75, longest)  # noqa: S311 - spreads load, keeps no secret
