"""What mail servers must still be told: rows written in the caller's transaction, pushed after its commit."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone

from audit.chain import Actor
from audit.models import Event
from mailservers.aspects import aspect_named
from mailservers.models import Change, Server
from mailservers.tasks import push

if TYPE_CHECKING:
    from accounts.models import Mailbox

log = structlog.get_logger(__name__)


class MovedOn(Exception):
    """The change is no longer in the state that the wish was about, or something newer stands."""


@transaction.atomic
def request_push(
    mailbox: "Mailbox", aspect: str, event: Event, *, priority: int = Change.Priority.PERSON
) -> Change:
    """Note that the server must hear of it, and announce it after the commit."""
    change = Change.objects.create(
        mailbox=mailbox, aspect=aspect, server=mailbox.server, event=event, priority=priority
    )
    transaction.on_commit(lambda: announce(change.server, change.priority))
    return change


@transaction.atomic
def request_pushes(
    wishes: Sequence[tuple["Mailbox", Event]], aspect: str, *, priority: int = Change.Priority.BULK
) -> list[Change]:
    """The same for many mailboxes at once; each server is announced once."""
    changes = Change.objects.bulk_create(
        [
            Change(mailbox=mailbox, aspect=aspect, server=mailbox.server, event=event, priority=priority)
            for mailbox, event in wishes
        ],
        batch_size=500,
    )
    for server in {change.server for change in changes}:
        # As many calls as it has connections: one worker alone would push one after the other.
        for _ in range(server.connections):
            transaction.on_commit(partial(announce, server, priority))
    return changes


def may_cancel(change: Change) -> bool:
    """Whether the page should offer it; `cancel` looks again."""
    return change.state == Change.State.WAITING and _can_be_taken_back(change)


def may_undo(change: Change) -> bool:
    """Whether the page should offer it; `undo` looks again."""
    return change.state == Change.State.LIVE and _can_be_taken_back(change)


@transaction.atomic
def cancel(change: Change, *, by: Actor) -> None:
    """Take a waiting change back before its server hears of it; the value before stands again.

    Raises MovedOn.
    """
    if not _can_be_taken_back(change):
        raise MovedOn
    stopped = Change.objects.filter(pk=change.pk, state=Change.State.WAITING).update(
        state=Change.State.CANCELLED, settled_at=timezone.now()
    )
    if not stopped:
        raise MovedOn
    _restore(change, by)


@transaction.atomic
def undo(change: Change, *, by: Actor) -> Change:
    """A new change that brings back the value from before; raises MovedOn."""
    if not may_undo(change):
        raise MovedOn
    return request_push(change.mailbox, change.aspect, _restore(change, by))


@transaction.atomic
def try_again(change: Change) -> None:
    """Let a failed change wait once more; raises MovedOn."""
    if _has_newer(change):
        raise MovedOn
    retried = Change.objects.filter(pk=change.pk, state=Change.State.FAILED).update(
        state=Change.State.WAITING,
        attempts=0,
        requested_at=timezone.now(),
        next_attempt_at=timezone.now(),
        settled_at=None,
    )
    if not retried:
        raise MovedOn
    transaction.on_commit(lambda: announce(change.server, change.priority))


def announce(server: Server, priority: int) -> None:
    """Tell the server's workers. Without a broker nothing is lost: the sweep finds what is due."""
    try:
        push.apply_async((server.pk,), queue=server.queue, priority=priority)
    except push.OperationalError as error:
        log.warning("broker away", server=server.name, error=type(error).__name__)


def _has_newer(change: Change) -> bool:
    return Change.objects.of(change.mailbox_id, change.aspect).filter(pk__gt=change.pk).exists()


def _can_be_taken_back(change: Change) -> bool:
    knows_how = aspect_named(change.aspect).restore is not None and change.event.before is not None
    return knows_how and not _has_newer(change)


def _restore(change: Change, by: Actor) -> Event:
    restore = aspect_named(change.aspect).restore
    if restore is None:
        raise MovedOn
    return restore(change.mailbox, change.event.before or {}, by)
