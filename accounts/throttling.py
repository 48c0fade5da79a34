"""How often somebody may try a password or a code.

Tries count for the account that a name leads to, whichever of its names was typed; for a name that is
nobody's, for the name. In a browser known to the account they are counted for this browser, and together
with those in other known ones up to a maximum a day: whatever others try elsewhere, it is not locked out.
Everywhere else they are counted for the account, and for the address they come from. So no cookie gives
more tries in a day than both maxima together. A try counts before its password is looked at, so that many
at the same time gain nothing; one that was right is taken back.
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
from accounts.models import KnownDevice, Mailbox, Person, SignInAttempt
from accounts.names import Named
from accounts.refusals import note_refusal
from audit.origin import current_origin

What = Literal["password", "code"]
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within so long."""

    most: int
    within: timedelta


IN_KNOWN_DEVICE: dict[What, tuple[Limit, ...]] = {
    "password": (Limit(10, QUARTER),),
    "code": (Limit(5, QUARTER),),
}
# Three of a million codes are right at any moment: 20 tries a day, 10 and 10, find one in 45 years.
IN_ALL_KNOWN_DEVICES: dict[What, tuple[Limit, ...]] = {
    "password": (Limit(50, DAY),),
    "code": (Limit(10, DAY),),
}
ELSEWHERE: dict[What, tuple[Limit, ...]] = {
    "password": (Limit(10, QUARTER), Limit(100, DAY)),
    "code": (Limit(5, QUARTER), Limit(10, DAY)),
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
    in_known_browser: bool = False

    def was_right(self) -> None:
        """It does not count."""
        SignInAttempt.objects.filter(pk__in=[row.pk for row in self.rows]).delete()


def begin_try(request: HttpRequest, what: What, who: Person | Named | str) -> Try:
    """Count a try before it is looked at; raises TooManyTries.

    Of somebody whose name is not known yet, `who` is what else the tries count for.
    """
    now = timezone.now()
    counted, is_elsewhere = _counted(request, what, who)
    # Mostly it is known already that there were too many: then nothing is written.
    latest = _latest_wait(counted, now, among=0)
    if latest is None:
        SignInAttempt.objects.filter(at__lt=now - DAY).delete()
        rows = SignInAttempt.objects.bulk_create([SignInAttempt(key=key, at=now) for key, _limits in counted])
        made = Try(tuple(rows), in_known_browser=not is_elsewhere)
        latest = _latest_wait(counted, now, among=1)
        if latest is None:
            return made
        # It was not looked at: it does not prolong the wait.
        made.was_right()
    note_refusal(f"{what} tries", _ids(who))
    raise TooManyTries(max(1, math.ceil((latest - now).total_seconds() / 60)))


def lift_lock(named: Named) -> int:
    """Tries at whom the name leads to count no longer, in any browser; how many did."""
    people = [each for each in _accounts(named) if isinstance(each, Person)]
    known = KnownDevice.objects.filter(person__in=people).values_list("pk", flat=True)
    keys = [
        _key(what, *parts)
        for what in ELSEWHERE
        for parts in (
            *((kind, _named(each)) for each in _accounts(named) for kind in ("elsewhere", "known")),
            ("elsewhere", f"name {named.name}"),
            *(("device", str(number)) for number in known),
        )
    ]
    return SignInAttempt.objects.filter(key__in=keys).delete()[0]


Counted = list[tuple[str, Sequence[Limit]]]


def _counted(request: HttpRequest, what: What, who: Person | Named | str) -> tuple[Counted, bool]:
    """What it counts for, and whether a browser counts as unknown to anybody whom the name may lead to."""
    counted: Counted = []
    is_elsewhere = False
    known = devices.known_devices(request)
    for account in _accounts(who):
        device = known.get(account.pk) if isinstance(account, Person) else None
        if device is not None:
            counted.append((_key(what, "device", str(device.pk)), IN_KNOWN_DEVICE[what]))
            counted.append((_key(what, "known", _named(account)), IN_ALL_KNOWN_DEVICES[what]))
        else:
            counted.append((_key(what, "elsewhere", _named(account)), ELSEWHERE[what]))
            is_elsewhere = True
    if is_elsewhere and (source := _network(current_origin().address)):
        counted.append((_key(what, "address", source), FROM_ADDRESS))
    return counted, is_elsewhere


Account = Person | Mailbox | str


def _accounts(who: Person | Named | str) -> list[Account]:
    """A mailbox counts as its owner, who may have several, once there is one."""
    if not isinstance(who, Named):
        return [who]
    found: dict[str, Account] = {}
    for each in (who.person, *who.mailboxes):
        if each is not None:
            account = each.owner or each if isinstance(each, Mailbox) else each
            found[_named(account)] = account
    return list(found.values()) or [f"name {who.name}"]


def _ids(who: Person | Named | str) -> str:
    """For the log: whose tries they are; of nobody's name, nothing."""
    return ", ".join(_named(each) for each in _accounts(who) if not isinstance(each, str))


def _named(account: Account) -> str:
    return account if isinstance(account, str) else f"{account._meta.model_name} {account.pk}"


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


def _latest_wait(counted: Counted, now: datetime, *, among: int) -> datetime | None:
    """When all that it counts for has room again; None: there is. `among`: 1 once this try is counted."""
    tries = _tries([key for key, _limits in counted], now)
    waits = [
        _free_at(key, limit, now, among=among)
        for key, limits in counted
        for limit in limits
        if tries.get((key, limit.within), 0) >= limit.most + among
    ]
    return max((wait for wait in waits if wait), default=None)


def _free_at(key: str, limit: Limit, now: datetime, *, among: int) -> datetime | None:
    """When there is room for a try again, after too many."""
    tries = SignInAttempt.objects.filter(key=key, at__gt=now - limit.within)
    # This one left out, the last of `most` has to be too old.
    last = limit.most - 1 + among
    at = tries.order_by("-at", "-pk").values_list("at", flat=True)[last : last + 1]
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
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return salted_hmac("accounts.throttling", text, algorithm="sha256").hexdigest()
