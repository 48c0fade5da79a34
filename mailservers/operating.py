"""What operators do to a server: the row and the audit event, all or nothing; then its workers are told."""

from datetime import datetime
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from audit.chain import Actor, record
from mailservers import drift
from mailservers.models import Change, Server
from mailservers.outbox import announce
from mailservers.ranges import require_ranges
from mailservers.tasks import check_server

log = structlog.get_logger(__name__)


@transaction.atomic
def pause(server: Server, *, by: Actor) -> None:
    """Push nothing more; what is being pushed comes to its end. Quiet when it is paused already."""
    if Server.objects.filter(pk=server.pk, paused_at=None).update(paused_at=timezone.now()):
        record("server.paused", by=by, about=server)


@transaction.atomic
def resume(server: Server, *, by: Actor) -> None:
    """Push again, at once. Quiet when it is not paused."""
    if Server.objects.filter(pk=server.pk, paused_at__isnull=False).update(paused_at=None):
        record("server.resumed", by=by, about=server)
        _tell_workers(server)


@transaction.atomic
def push_what_waits(server: Server, *, by: Actor) -> None:
    """Try everything now that waits for its next attempt, and whether the server is back."""
    record("server.pushed", by=by, about=server)
    hurry(server)
    _tell_workers(server)


@transaction.atomic
def try_failed_again(server: Server, *, by: Actor) -> int:
    """Let all failed changes wait once more that nothing newer stands for; returns how many.

    One that gets newer meanwhile does no harm: a push reads what the database wants when it runs.
    """
    now = timezone.now()
    count = (
        Change.objects.filter(server=server, state=Change.State.FAILED)
        .without_newer()
        .update(
            state=Change.State.WAITING,
            # Many at once: nobody's single change should wait behind them.
            priority=Change.Priority.BULK,
            attempts=0,
            requested_at=now,
            next_attempt_at=now,
            settled_at=None,
        )
    )
    if count:
        record("server.tried_again", by=by, about=server, after={"changes": count})
        _tell_workers(server)
    return count


@transaction.atomic
def request_comparison(server: Server, *, by: Actor) -> None:
    """Have everything on the server compared with what it was last seen to hold; see comparing.py."""
    record("server.comparison_requested", by=by, about=server)
    drift.request_check(server)


def hurry(server: Server) -> int:
    """Let no change wait for its next attempt any longer; returns how many did."""
    now = timezone.now()
    Server.objects.filter(pk=server.pk, probe_at__gt=now).update(probe_at=now)
    put_off = Change.objects.filter(server=server, state=Change.State.WAITING, next_attempt_at__gt=now)
    return put_off.update(next_attempt_at=now)


@transaction.atomic
def request_check(server: Server, *, by: Actor) -> None:
    """Let a worker look whether the server can be reached; see checking.check."""
    record("server.check_requested", by=by, about=server)
    Server.objects.filter(pk=server.pk).update(check_asked_at=timezone.now())
    transaction.on_commit(partial(_ask_for_check, server))


@transaction.atomic
def plan_maintenance(
    server: Server, *, starts: datetime | None, ends: datetime | None, notice: str, by: Actor
) -> None:
    """From when until when nothing is pushed, and what people are told then. Both None: no maintenance."""
    before = Server.objects.select_for_update().get(pk=server.pk)
    planned = {"maintenance_starts": starts, "maintenance_ends": ends, "notice": notice}
    require_ranges(Server(**planned), *planned)
    Server.objects.filter(pk=server.pk).update(**planned)
    old = {name: getattr(before, name) for name in planned}
    record("server.maintenance_changed", by=by, about=server, before=_told(old), after=_told(planned))
    _tell_workers(server)


def _ask_for_check(server: Server) -> None:
    """Without a broker or a worker nobody answers; the page tells that it still waits."""
    try:
        check_server.apply_async((server.pk,), queue=server.queue, priority=Change.Priority.PERSON)
    except check_server.OperationalError as error:
        log.warning("broker away", server=server.name, error=type(error).__name__)


def _told(planned: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in planned.items()
    }


def _tell_workers(server: Server) -> None:
    for _ in range(server.connections):
        transaction.on_commit(partial(announce, server, Change.Priority.PERSON))
