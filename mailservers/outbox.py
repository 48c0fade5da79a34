"""What mail servers must still be told: rows written in the caller's transaction, pushed after its commit."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.chain import Actor, record
from audit.models import Event
from mailservers.aspects import TakenBack, aspect_named, fingerprint
from mailservers.drivers.base import DriverError
from mailservers.models import (
    Change,
    ChangeQuerySet,
    Lease,
    Observation,
    Server,
    any_part,
    subject_field,
)
from mailservers.pushing import subjects_of
from mailservers.servers import driver_for
from mailservers.tasks import push

if TYPE_CHECKING:
    from mailservers.aspects import Subject

log = structlog.get_logger(__name__)


class MovedOn(Exception):
    """The change is no longer in the state that the wish was about, or something newer stands."""


class NotAllowed(MovedOn):
    """What stood before is not allowed any more; the sentence says why."""


@transaction.atomic
def request_push(
    subject: "Subject", aspect: str, event: Event, *, priority: int = Change.Priority.PERSON
) -> Change:
    """Note that the server must hear of it, and announce it after the commit."""
    change = _change(subject, aspect, event, priority)
    change.save(force_insert=True)
    transaction.on_commit(lambda: announce(change.server, change.priority))
    return change


@transaction.atomic
def request_pushes(
    wishes: Sequence[tuple["Subject", Event]], aspect: str, *, priority: int = Change.Priority.BULK
) -> list[Change]:
    """The same for many mailboxes or aliases at once; each server is announced once."""
    changes = Change.objects.bulk_create(
        [_change(subject, aspect, event, priority) for subject, event in wishes], batch_size=500
    )
    for server in {change.server for change in changes}:
        # As many calls as it has connections: one worker alone would push one after the other.
        for _ in range(min(server.connections, len(changes))):
            transaction.on_commit(partial(announce, server, priority))
    return changes


def _change(subject: "Subject", aspect: str, event: Event, priority: int) -> Change:
    key = {subject_field(aspect): subject}
    feature_of = aspect_named(aspect).feature_of
    feature = feature_of(event) if feature_of else Change.Feature.WHOLE
    return Change(
        aspect=aspect, feature=feature, server=subject.server, event=event, priority=priority, **key
    )


class WayOn(StrEnum):
    """What somebody can do about a change; the words are those of the addresses too."""

    CANCEL = "cancel"
    UNDO = "undo"
    TRY_AGAIN = "try-again"


def way_on(change: Change) -> WayOn | None:
    """What the page should offer for a change read with `with_way_back`; doing it looks again."""
    if change.state == Change.State.FAILED and change.is_newest:
        return WayOn.TRY_AGAIN
    if not change.has_way_back or aspect_named(change.aspect).restore is None:
        return None
    if change.state == Change.State.WAITING:
        return WayOn.CANCEL
    return WayOn.UNDO if change.state == Change.State.LIVE or is_carried(change) else None


def is_carried(change: Change) -> bool:
    """A newer change of another feature has taken its value along to the server; see standing.py."""
    return bool(getattr(change, "carried", False))


def may_take_back(change: Change, person: Any) -> bool:
    """Whether somebody who may change the mailbox may also cancel or undo this change of it."""
    may = aspect_named(change.aspect).may_restore
    return may is None or may(change, person)


@transaction.atomic
def cancel(change: Change, *, by: Actor) -> Change | None:
    """Take a waiting change back; the value before stands again. Raises MovedOn.

    The server is told of that value, by the change returned, unless it surely holds it.
    """
    stopped = _if_it_stands(change, Change.State.WAITING).update(
        state=Change.State.CANCELLED, settled_at=timezone.now()
    )
    if not stopped or not _can_be_taken_back(change):
        raise MovedOn
    change.refresh_from_db(fields=["attempts"])
    event = _restore(change, by, "cancelled")
    if _server_holds_what_is_wanted(change):
        return None
    return request_push(change.subject, change.aspect, event)


@transaction.atomic
def undo(change: Change, *, by: Actor) -> Change:
    """A new change that brings back the value from before; raises MovedOn, or NotAllowed."""
    if not _can_be_taken_back(change) or not _if_it_stands(change, *ON_THE_SERVER).exists():
        raise MovedOn
    if not _is_on_the_server(change):
        raise MovedOn
    return request_push(change.subject, change.aspect, _restore(change, by, "undone"))


@transaction.atomic
def try_again(change: Change, *, by: Actor | None) -> None:
    """Let a failed change wait once more; raises MovedOn."""
    now = timezone.now()
    retried = _if_newest(change, Change.State.FAILED).update(
        state=Change.State.WAITING, attempts=0, requested_at=now, next_attempt_at=now, settled_at=None
    )
    if not retried:
        raise MovedOn
    record("change.tried_again", by=by, about=change.subject, domain=change.subject.domain.name)
    transaction.on_commit(lambda: announce(change.server, change.priority))


def announce(server: Server, priority: int) -> None:
    """Tell the server's workers. Without a broker nothing is lost: the sweep finds what is due."""
    try:
        push.apply_async((server.pk,), queue=server.queue, priority=priority)
    except push.OperationalError as error:
        log.warning("broker away", server=server.name, error=type(error).__name__)


def _if_newest(change: Change, state: Change.State) -> ChangeQuerySet:
    """The change, as long as it is in this state and nothing newer stands."""
    _hold_the_subject(change)
    newest = Change.objects.of(change.subject_id, change.aspect).newest_first().first()
    if newest is None or newest.pk != change.pk:
        return Change.objects.none()
    return Change.objects.filter(pk=change.pk, state=state)


# A push brings the whole aspect, so a newer one of another feature makes good what this one could not do.
ON_THE_SERVER = (Change.State.LIVE, Change.State.SUPERSEDED, Change.State.FAILED)


def _if_it_stands(change: Change, *states: Change.State) -> ChangeQuerySet:
    """The change, as long as it is in one of these states and nothing newer has set the same feature."""
    _hold_the_subject(change)
    standing = Change.objects.of(change.subject_id, change.aspect).with_way_back().filter(Q(stands=True))
    if not standing.filter(pk=change.pk).exists():
        return Change.objects.none()
    return Change.objects.filter(pk=change.pk, state__in=states)


def _is_on_the_server(change: Change) -> bool:
    state = Change.objects.values_list("state", flat=True).get(pk=change.pk)
    newest = Change.objects.of(change.subject_id, change.aspect).newest_first().first()
    return Change.State.LIVE in (state, newest.state if newest else None)


def _hold_the_subject(change: Change) -> None:
    """Whoever saves a setting locks the subject's row first, so nothing newer can come in between."""
    # no_key: a worker that notes how a push of it went is not kept waiting.
    type(change.subject).objects.select_for_update(no_key=True).get(pk=change.subject_id)


def _can_be_taken_back(change: Change) -> bool:
    event = change.event
    return aspect_named(change.aspect).restore is not None and event is not None and event.before is not None


def _restore(change: Change, by: Actor, how: TakenBack) -> Event:
    restore = aspect_named(change.aspect).restore
    if restore is None or change.event is None:
        raise MovedOn
    return restore(change.subject, change.event.before or {}, by, how)


def _server_holds_what_is_wanted(cancelled: Change) -> bool:
    """Whether nothing of the cancelled change, nor of one before it, has reached the server or still may.

    A push of an older change reads what the database wants while it runs, so it may have taken the cancelled
    value along; and an older change may have given way to the cancelled one without ever being live.
    """
    part = (cancelled.subject_id, cancelled.aspect)
    changes = Change.objects.of(*part)
    if cancelled.attempts or changes.open().exists() or Lease.objects.filter(any_part([part])).exists():
        return False
    seen = Observation.objects.filter(any_part([part])).first()
    if seen is None:
        return not changes.exclude(state=Change.State.CANCELLED).exists()
    aspect, [subject] = aspect_named(cancelled.aspect), subjects_of([cancelled]).values()
    try:
        wanted = aspect.fit(aspect.desired(subject), driver_for(subject.server).limits)
    except DriverError:
        return False
    return seen.drifted_since is None and seen.fingerprint == fingerprint(wanted)
