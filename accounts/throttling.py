"""How often somebody may try a password or a code.

In a browser known to the account, tries are counted for this browser alone: whatever others try elsewhere, it
is not locked out. Everywhere else they are counted for the account and for the address they come from.
A try counts before its password is looked at, so that many at the same time gain nothing; one that was right
is taken back. Names are counted as they are typed, whether anybody has them or not.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import devices
from accounts.models import SignInAttempt
from audit.origin import current_origin

What = Literal["password", "code"]
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within so long."""

    most: int
    within: timedelta


IN_KNOWN_DEVICE = (Limit(10, QUARTER),)
FOR_ACCOUNT: dict[What, tuple[Limit, ...]] = {
    "password": (Limit(10, QUARTER), Limit(100, DAY)),
    # Three of a million codes are right at any moment: 20 tries a day find one in 45 years.
    "code": (Limit(5, QUARTER), Limit(20, DAY)),
}
# Many people may sit behind one address.
FROM_ADDRESS = (Limit(60, QUARTER), Limit(600, DAY))


class TooManyTries(Exception):
    """Nothing is looked at before so many minutes are over."""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class Try:
    """One that counts against whoever tries, until it is known to be right."""

    rows: tuple[SignInAttempt, ...]

    def was_right(self) -> None:
        """It does not count."""
        SignInAttempt.objects.filter(pk__in=[row.pk for row in self.rows]).delete()


def begin_try(request: HttpRequest, what: What, name: str) -> Try:
    """Count a try before it is looked at; raises TooManyTries. `name` is what was typed as user name."""
    now = timezone.now()
    counted = _counted(request, what, name.strip().casefold())
    SignInAttempt.objects.filter(at__lt=now - DAY).delete()
    rows = SignInAttempt.objects.bulk_create([SignInAttempt(key=key, at=now) for key, _limits in counted])
    made = Try(tuple(rows))
    tries = _tries([key for key, _limits in counted], now)
    waits = [
        _free_at(key, limit, now)
        for key, limits in counted
        for limit in limits
        if tries[key, limit.within] > limit.most
    ]
    latest = max((wait for wait in waits if wait), default=None)
    if latest:
        # It was not looked at: it does not prolong the wait.
        made.was_right()
        raise TooManyTries(max(1, math.ceil((latest - now).total_seconds() / 60)))
    return made


def _counted(request: HttpRequest, what: What, name: str) -> list[tuple[str, Sequence[Limit]]]:
    """What it counts for."""
    if devices.is_known_to(request, name):
        return [(_key(what, "device", devices.cookie_hash(request), name), IN_KNOWN_DEVICE)]
    counted: list[tuple[str, Sequence[Limit]]] = [(_key(what, "account", name), FOR_ACCOUNT[what])]
    if source := _network(current_origin().address):
        counted.append((_key(what, "address", source), FROM_ADDRESS))
    return counted


def _tries(keys: Sequence[str], now: datetime) -> dict[tuple[str, timedelta], int]:
    """How many there were of each within a quarter of an hour, and within a day."""
    counted = (
        SignInAttempt.objects.filter(key__in=keys, at__gt=now - DAY)
        .values_list("key")
        .annotate(quarter=Count("pk", filter=Q(at__gt=now - QUARTER)), day=Count("pk"))
    )
    found: dict[tuple[str, timedelta], int] = {}
    for key, quarter, day in counted:
        found[key, QUARTER], found[key, DAY] = quarter, day
    return found


def _free_at(key: str, limit: Limit, now: datetime) -> datetime | None:
    """When there is room for a try again, after too many."""
    tries = SignInAttempt.objects.filter(key=key, at__gt=now - limit.within)
    # This one left out, the last of `most` has to be too old.
    at = tries.order_by("-at", "-pk").values_list("at", flat=True)[limit.most : limit.most + 1]
    return next((each + limit.within for each in at), None)


def _network(address: str) -> str:
    """Who has one IPv6 address has a whole /64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)


def _key(*parts: str) -> str:
    """Keyed: people type passwords into the wrong field."""
    return salted_hmac("accounts.throttling", "\0".join(parts), algorithm="sha256").hexdigest()
