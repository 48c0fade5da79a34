"""Appends to the chain of events, and tells whether it is whole."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import models, transaction
from django.utils import timezone

from audit.models import ChainHead, Event
from audit.origin import current_origin


class Actor(Protocol):
    """Who can do something: a person."""

    pk: Any

    def get_username(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened, before it is an event. `before` and `after` never hold a secret."""

    verb: str
    about: models.Model
    domain: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


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
    entry = Entry(verb=verb, about=about, domain=domain, before=before, after=after)
    return record_all([entry], by=by)[0]


@transaction.atomic
def record_all(entries: Sequence[Entry], *, by: Actor | None) -> list[Event]:
    """Append many events at once, in the caller's transaction and in their order."""
    origin, now = current_origin(), timezone.now()
    # The lock on this one row puts appends in line; it is held until the caller's commit.
    head = ChainHead.objects.select_for_update().get()
    events = []
    for entry in entries:
        event = Event(
            number=head.number + 1,
            at=now,
            by_id=by.pk if by else None,
            by_name=by.get_username() if by else "",
            source_address=origin.address,
            request_id=origin.request_id,
            verb=entry.verb,
            subject_kind=entry.about._meta.label_lower,
            subject_id=entry.about.pk,
            subject=str(entry.about),
            domain=entry.domain,
            before=entry.before,
            after=entry.after,
            previous_hash=head.hash,
        )
        event.hash = hash_of(event)
        events.append(event)
        head.number, head.hash = event.number, event.hash
    Event.objects.bulk_create(events, batch_size=500)
    head.save(update_fields=["number", "hash"])
    return events


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
