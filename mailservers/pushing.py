"""Brings what the database wants to a mail server, reads it back, and notes how it went.

Only one worker at a time pushes an aspect of a mailbox (a lease); no transaction is open while the
server is spoken to. The state is read from the database when the push begins, so the newest wins and
ten edits made while a server was down become one push.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from mailservers.aspects import Aspect, aspect_named, fingerprint
from mailservers.drivers.base import DriverError, Refused, TryAgain
from mailservers.models import Change, Lease, Observation, Server
from mailservers.servers import driver_for

log = structlog.get_logger(__name__)

# Longer than a task may run (tasks.HARD_LIMIT), so a lease only runs out under a worker that is gone.
LEASE = timedelta(seconds=90)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 15 * 60.0
GIVE_UP_AFTER = timedelta(hours=24)
IN_A_ROW = 10


def push(mailbox_id: int, aspect_name: str) -> float | None:
    """Push what is open for the aspect; seconds until it wants to be called again, or None.

    Does nothing while another worker holds the lease: that one looks again before it gives it back.
    """
    token = Lease.objects.take(mailbox_id, aspect_name, LEASE)
    if token is None:
        return None
    try:
        for _ in range(IN_A_ROW):
            change = _claim(mailbox_id, aspect_name)
            if change is None:
                break
            _push_once(change, aspect_named(aspect_name))
    finally:
        Lease.objects.give_back(mailbox_id, aspect_name, token)
    return _next_call(mailbox_id, aspect_name)


def due() -> list[tuple[int, str]]:
    """Mailboxes and aspects whose time has come, those left behind by a lost worker included."""
    held = Lease.objects.running().filter(
        mailbox=models.OuterRef("mailbox"), aspect=models.OuterRef("aspect")
    )
    rows = Change.objects.open().filter(~models.Exists(held), next_attempt_at__lte=timezone.now())
    return list(rows.order_by("mailbox_id", "aspect").values_list("mailbox_id", "aspect").distinct())


def _claim(mailbox_id: int, aspect: str) -> Change | None:
    """The newest open change if it is due, now marked as being pushed; older ones give way to it."""
    open_changes = Change.objects.of(mailbox_id, aspect).open()
    newest = open_changes.newest_first().select_related("mailbox__server", "mailbox__domain").first()
    if newest is None or newest.next_attempt_at > timezone.now():
        return None
    open_changes.filter(pk__lt=newest.pk).update(state=Change.State.SUPERSEDED, settled_at=timezone.now())
    newest.state, newest.attempts = Change.State.PUSHING, newest.attempts + 1
    newest.save(update_fields=["state", "attempts"])
    return newest


def _push_once(change: Change, aspect: Aspect) -> None:
    """One attempt. Whatever happens, the change does not stay in `pushing`."""
    server, began = change.mailbox.server, monotonic()
    try:
        seen = _write_and_read_back(change, aspect, server)
    except Refused as refusal:
        outcome = _fail(change, refusal)
    except TryAgain as trouble:
        outcome = _wait(change, trouble, server)
    except Exception as surprise:  # noqa: BLE001 - a driver may raise anything; its text may hold secrets
        outcome = _wait(change, _unexpected(surprise, server), server)
    else:
        outcome = _settle(change, seen, server)
    log.info(
        "pushed",
        change=change.pk,
        mailbox=change.mailbox_id,
        aspect=aspect.name,
        server=server.name,
        attempt=change.attempts,
        outcome=outcome,
        seconds=round(monotonic() - began, 3),
    )


def _unexpected(surprise: Exception, server: Server) -> TryAgain:
    return TryAgain(
        gettext_noop("Something unexpected happened while speaking to %(server)s (%(kind)s)."),
        server=server.name,
        kind=type(surprise).__name__,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the server answered when it was asked after the write."""

    fingerprint: str
    differences: list[str]


def _write_and_read_back(change: Change, aspect: Aspect, server: Server) -> _Seen:
    # Read again rather than take what the claim joined: another edit may have been committed since.
    mailbox = type(change.mailbox).objects.select_related("domain", "server").get(pk=change.mailbox_id)
    wanted = aspect.desired(mailbox)
    driver = driver_for(server)
    aspect.put(driver, mailbox.login, wanted)
    held = aspect.read(driver, mailbox.login)
    return _Seen(fingerprint(held), [] if held == wanted else aspect.differences(wanted, held))


@transaction.atomic
def _settle(change: Change, seen: _Seen, server: Server) -> str:
    now = timezone.now()
    Server.objects.filter(pk=server.pk).update(last_seen_at=now)
    Observation.objects.update_or_create(
        mailbox_id=change.mailbox_id,
        aspect=change.aspect,
        defaults={"fingerprint": seen.fingerprint, "seen_at": now, "change": change, "drifted_since": None},
    )
    if seen.differences:
        return _fail(
            change,
            Refused(
                gettext_noop("%(server)s took the change but now holds something else: %(differences)s"),
                server=server.name,
                differences="; ".join(seen.differences),
            ),
        )
    change.state, change.settled_at, change.reason, change.reason_values = Change.State.LIVE, now, "", {}
    change.save(update_fields=["state", "settled_at", "reason", "reason_values"])
    return change.state


def _fail(change: Change, error: DriverError) -> str:
    change.state, change.settled_at = Change.State.FAILED, timezone.now()
    change.reason, change.reason_values = error.reason, error.values
    change.save(update_fields=["state", "settled_at", "reason", "reason_values"])
    return change.state


def _wait(change: Change, error: DriverError, server: Server) -> str:
    """Wait for another attempt, longer each time, or give up after a day."""
    now = timezone.now()
    Server.objects.filter(pk=server.pk).update(
        last_error=error.reason, last_error_values=error.values, last_error_at=now
    )
    if now - change.requested_at > GIVE_UP_AFTER:
        return _fail(change, error)
    change.state = Change.State.WAITING
    change.next_attempt_at = now + timedelta(seconds=pause_after(change.attempts))
    change.reason, change.reason_values = error.reason, error.values
    change.save(update_fields=["state", "next_attempt_at", "reason", "reason_values"])
    return change.state


def pause_after(attempts: int) -> float:
    """Seconds until the next attempt: doubled each time, with jitter so that no crowd comes at once."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, keeps no secret


def _next_call(mailbox_id: int, aspect: str) -> float | None:
    newest = Change.objects.of(mailbox_id, aspect).open().newest_first().first()
    if newest is None:
        return None
    return max(0.0, (newest.next_attempt_at - timezone.now()).total_seconds())
