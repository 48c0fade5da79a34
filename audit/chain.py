"""Appends to the chain of events, and tells whether it is whole."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Protocol

from django.db import models, transaction
from django.utils import timezone

from audit.models import ChainHead, Event
from audit.origin import current_origin


class Actor(Protocol):
    """Who can do something: a person."""

    pk: Any

    def get_username(self) -> str: ...


@transaction.atomic
def record(
    verb: str,
    *,
    by: Actor | None,
    about: models.Model,
    domain: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Event:
    """Append an event in the caller's transaction. `before` and `after` never hold a secret.

    `by` is None for what the portal does by itself.
    """
    origin = current_origin()
    # The lock on this one row puts appends in line; it is held until the caller's commit.
    head = ChainHead.objects.select_for_update().get()
    event = Event(
        number=head.number + 1,
        at=timezone.now(),
        by_id=by.pk if by else None,
        by_name=by.get_username() if by else "",
        source_address=origin.address,
        request_id=origin.request_id,
        verb=verb,
        subject_kind=about._meta.label_lower,
        subject_id=about.pk,
        subject=str(about),
        domain=domain,
        before=before,
        after=after,
        previous_hash=head.hash,
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    head.number, head.hash = event.number, event.hash
    head.save(update_fields=["number", "hash"])
    return event


def hash_of(event: Event) -> str:
    """SHA-256, in hexadecimal, over the event's canonical JSON (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(event.link(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def broken_links() -> Iterator[str]:
    """A sentence for each place where the chain is not what was appended."""
    expected, previous = 1, ""
    for event in Event.objects.order_by("number").iterator():
        if event.number != expected:
            yield f"Event {expected} is missing: event {event.number} comes after event {expected - 1}."
        elif event.previous_hash != previous:
            yield f"Event {event.number} does not follow the event before it."
        if hash_of(event) != event.hash:
            yield f"Event {event.number} was changed after it was recorded."
        expected, previous = event.number + 1, event.hash
    head = ChainHead.objects.get()
    if (head.number, head.hash) != (expected - 1, previous):
        yield f"The chain should end at event {head.number}, but its last event is {expected - 1}."
