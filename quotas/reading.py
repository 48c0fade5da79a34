"""Asks mail servers what mailboxes hold: domain by domain as time passes, or one mailbox on a wish.

A reading takes one of the server's connection slots, like a push, and for a few seconds only: it makes
way for a change that somebody waits for, and goes on later where it was. No transaction is open while
the server is spoken to.
"""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic, time
from typing import Any

import structlog
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Domain, Mailbox
from mailservers import usage
from mailservers.drivers.base import DriverError, TryAgain, UsageState, unexpected
from mailservers.each import NOT_OF_ONE, keep_each
from mailservers.models import Change, Server, Slot, UsageRequest
from mailservers.servers import driver_for
from quotas import warnings
from quotas.models import DomainReading

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=6)
AFTER_TROUBLE = timedelta(minutes=15)
# Longer than a task may run (tasks.HARD_LIMIT), so one only runs out under a worker that is gone.
LEASE = timedelta(seconds=120)
# No reading is planned further away; one that is was planned by a clock that has jumped back since.
LONGEST_WAIT = timedelta(days=1)
# Written in one transaction.
AT_ONCE = 500
ENOUGH = 5.0
OLD_TRASH = timedelta(days=30)


def due_domains() -> list[tuple[int, str]]:
    """Id and queue of each; a domain that was never read is due at once."""
    new = Domain.objects.filter(reading=None).values_list("pk", flat=True)
    DomainReading.objects.bulk_create([DomainReading(domain_id=pk) for pk in new], ignore_conflicts=True)
    due = DomainReading.objects.filter(_its_time()).select_related("domain__server").order_by("due_at")
    return [(reading.domain_id, reading.domain.server.queue) for reading in due]


def read_some(domain_id: int) -> str:
    """Read on for some seconds; the queue where the rest should be asked for, or "" when nothing is left."""
    now = timezone.now()
    claimed = DomainReading.objects.filter(_its_time(), domain=domain_id)
    if not claimed.update(due_at=now + LEASE):
        return ""
    reading = DomainReading.objects.select_related("domain__server").get(domain=domain_id)
    server = reading.domain.server
    slot = None if _is_shut(server) else Slot.objects.take(server, LEASE)
    if slot is None:
        _plan(reading, now + timedelta(seconds=30))
        return ""
    try:
        is_whole = _read_on(reading)
    except DriverError as error:
        log.info("usage not read", domain=domain_id, server=server.name, error=type(error).__name__)
        return _put_off(reading, error)
    except NOT_OF_ONE:
        raise
    except Exception as surprise:
        # Else it would be due again at once, for ever, and nobody would know why.
        log.exception("usage not read", domain=domain_id, server=server.name, kind=type(surprise).__name__)
        return _put_off(reading, unexpected(surprise))
    finally:
        Slot.objects.give_back(slot)
    if not is_whole:
        _plan(reading, timezone.now())
        return server.queue
    reading.cursor, reading.finished_at = "", timezone.now()
    reading.reason, reading.reason_values = "", {}
    # Not all at the same time of day, however they began.
    _plan(reading, reading.finished_at + EVERY * random.uniform(0.8, 1.0))  # noqa: S311 - spreads load
    return ""


def _put_off(reading: DomainReading, error: DriverError) -> str:
    reading.reason, reading.reason_values = error.reason, error.values
    _plan(reading, timezone.now() + AFTER_TROUBLE)
    return ""


def answer(mailbox_id: int) -> str:
    """Read one mailbox and note the answer; a queue to ask again on, when all connections are busy."""
    wish = (
        UsageRequest.objects.filter(mailbox=mailbox_id, mailbox__deleted_at=None, answered_at=None)
        .select_related("mailbox__server")
        .first()
    )
    if wish is None:
        return ""
    server: Server = wish.mailbox.server
    slot = Slot.objects.take(server, LEASE)
    if slot is None:
        return server.queue
    reason: str = ""
    values: dict[str, Any] = {}
    try:
        _read_one(wish.mailbox)
    except DriverError as error:
        reason, values = error.reason, error.values
    except NOT_OF_ONE:
        raise
    except Exception as surprise:  # noqa: BLE001 - whoever asked is told, and what it holds may be secret
        unreadable = unexpected(surprise)
        reason, values = unreadable.reason, unreadable.values
    finally:
        Slot.objects.give_back(slot)
    UsageRequest.objects.filter(mailbox=mailbox_id).update(
        answered_at=timezone.now(), reason=reason, reason_values=values
    )
    return ""


def _its_time() -> Q:
    now = timezone.now()
    return Q(due_at__lte=now) | Q(due_at__gt=now + LONGEST_WAIT)


def _plan(reading: DomainReading, due_at: datetime) -> None:
    reading.due_at = due_at
    reading.save()


def _is_shut(server: Server) -> bool:
    """Readings never probe whether a server is back: they wait until a change got through."""
    return bool(server.paused_at or server.is_in_maintenance or server.is_away)


def _read_on(reading: DomainReading) -> bool:
    """Whether the end was reached; the cursor moves on with what is written."""
    domain, began = reading.domain, monotonic()
    for some in _batches(driver_for(domain.server).usages(domain.name, reading.cursor)):
        _keep(domain.server, some)
        reading.cursor = some[-1].login
        if monotonic() - began > ENOUGH or _somebody_waits(domain.server):
            return False
    return True


def _keep(server: Server, states: Sequence[UsageState]) -> None:
    by_login = {state.login: state for state in states}
    rows = Mailbox.objects.alive().filter(server=server, login__in=by_login)
    readings = [
        usage.Reading(pk, quota_bytes, by_login[login])
        for pk, login, quota_bytes in rows.values_list("pk", "login", "quota_bytes")
    ]
    keep_each(readings, _note)


def _note(readings: Sequence[usage.Reading]) -> None:
    warnings.note_crossings(usage.keep(readings, timezone.now()))


def _read_one(mailbox: Mailbox) -> None:
    if _is_shut(mailbox.server):
        raise TryAgain(gettext_noop("The mail server is away or in maintenance."))
    driver = driver_for(mailbox.server)
    state = driver.usage(mailbox.login)
    old_trash = None
    if driver.limits.empties_trash:
        old_trash = driver.trash(mailbox.login, int(time() - OLD_TRASH.total_seconds()))
    reading = usage.Reading(mailbox.pk, mailbox.quota_bytes, state, old_trash)
    _note([reading])


def _somebody_waits(server: Server) -> bool:
    return Change.objects.due().filter(server=server, priority=Change.Priority.PERSON).exists()


def _batches(states: Iterable[UsageState]) -> Iterator[list[UsageState]]:
    """So many at once, and fewer at the end."""
    rest = iter(states)
    while some := list(itertools.islice(rest, AT_ONCE)):
        yield some
