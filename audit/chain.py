"""Appends to the chain of events. Why it has lanes: docs/decisions, "the audit chain has lanes"."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from django.db import connection, models, transaction
from django.utils import timezone

from audit.hashing import event_hash, new_salt
from audit.models import LANES, ChainHead, Event
from audit.origin import current_origin

# Longer texts are cut: nothing the portal takes is as long.
LONGEST_TEXT = 100_000


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
    outcome: Event.Outcome = Event.Outcome.DONE
    name: str = ""
    """What people call the thing, where its own text does not tell."""
    request_id: str = ""
    """The request that led to it, where another one, or none, is at work now."""


def record(
    verb: str,
    *,
    by: Actor | None,
    about: models.Model,
    domain: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    outcome: Event.Outcome = Event.Outcome.DONE,
) -> Event:
    """Append an event in the caller's transaction. `before` and `after` never hold a secret.

    `by` is None for what the portal does by itself.
    """
    entry = Entry(verb=verb, about=about, domain=domain, before=before, after=after, outcome=outcome)
    return record_all([entry], by=by)[0]


def record_all(entries: Sequence[Entry], *, by: Actor | None) -> list[Event]:
    """Append many events at once, in the caller's transaction and in their order."""
    # No savepoint: whoever catches a failure of this inside a transaction has lost the event anyway.
    with transaction.atomic(savepoint=False):
        return _append(entries, by) if entries else []


def _append(entries: Sequence[Entry], by: Actor | None) -> list[Event]:
    origin, now = current_origin(), timezone.now()
    head, numbers = _take_lane(len(entries))
    events = []
    for entry, number in zip(entries, numbers, strict=True):
        kind = entry.about._meta.label_lower
        behalf = origin.behalves.get((kind, entry.about.pk)) if by and origin.behalves else None
        event = Event(
            number=number,
            lane=head.lane,
            place=head.number + 1,
            at=now,
            by_id=by.pk if by else None,
            by_name=_fit(by.get_username(), 320) if by else "",
            on_behalf_of_id=behalf.person_id if behalf else None,
            on_behalf_of_name=_fit(behalf.name, 320) if behalf else "",
            source_address=origin.address[:45],
            request_id=(entry.request_id or origin.request_id)[:32],
            verb=entry.verb,
            outcome=entry.outcome,
            subject_kind=kind,
            subject_id=entry.about.pk,
            subject=_fit(entry.name or str(entry.about), 320),
            domain=_fit(entry.domain, 255),
            before=_storable(entry.before),
            after=_storable(entry.after),
            who_salt=new_salt(),
            what_salt=new_salt(),
            previous_hash=head.hash,
        )
        event.hash = event_hash(event.link())
        events.append(event)
        head.number, head.hash = event.place, event.hash
    if len(events) == 1 and connection.vendor == "postgresql":
        _insert_and_move(events[0], head)
    else:
        Event.objects.bulk_create(events, batch_size=500)
        ChainHead.objects.filter(pk=head.pk).update(number=head.number, hash=head.hash)
    return events


def _insert_and_move(event: Event, head: ChainHead) -> None:
    """The event and its lane's new end in one statement: one way to the database less, of four."""
    sql, fields = _insert_and_move_sql()
    values = [field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, [head.number, head.hash, head.pk, *values])
        (event.pk,) = cursor.fetchone()
    event._state.adding, event._state.db = False, connection.alias


@cache
def _insert_and_move_sql() -> "tuple[str, list[models.Field[Any, Any]]]":
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    # Our own names, nothing that anybody typed.
    sql = (
        "WITH moved AS (UPDATE audit_chainhead SET number = %s, hash = %s WHERE id = %s)"  # noqa: S608
        f" INSERT INTO audit_event ({columns}) VALUES ({places}) RETURNING id"
    )
    return sql, fields


def _take_lane(count: int) -> tuple[ChainHead, list[int]]:
    """A lane nobody else appends to until the caller's commit, and so many numbers.

    A transaction that has a lane finds its own free, so it never waits for a second one.
    """
    if connection.vendor != "postgresql":
        # There is one writer at a time anyway.
        newest = Event.objects.order_by("-number").values("number")[:1]
        heads = ChainHead.objects.annotate(newest=models.Subquery(newest))
        head = heads.select_for_update(of=("self",)).order_by("lane")[:1].get()
        last: int = getattr(head, "newest", None) or 0
        return head, list(range(last + 1, last + 1 + count))
    with connection.cursor() as cursor:
        cursor.execute(TAKE_FREE)
        row = cursor.fetchone()
        if row is None:
            # All lanes are busy: wait for one of them, another one for each backend.
            cursor.execute(WAIT_FOR_ONE, [LANES])
            row = cursor.fetchone()
        numbers = [row[4]]
        if count > 1:
            cursor.execute(MORE_NUMBERS, [count - 1])
            numbers += [number for (number,) in cursor.fetchall()]
    return ChainHead(pk=row[0], lane=row[1], number=row[2], hash=row[3]), numbers


_HEAD = "SELECT id, lane, number, hash, nextval('audit_event_number') FROM audit_chainhead"
TAKE_FREE = f"{_HEAD} ORDER BY lane LIMIT 1 FOR UPDATE SKIP LOCKED"
WAIT_FOR_ONE = f"{_HEAD} WHERE lane = 1 + pg_backend_pid() % %s FOR UPDATE"
MORE_NUMBERS = "SELECT nextval('audit_event_number') FROM generate_series(1, %s)"


def hash_of(event: Event) -> str:
    """SHA-256, in hexadecimal, as docs/audit-format.md tells."""
    return event_hash(event.link())


def _fit(text: str, longest: int) -> str:
    """Without what a database refuses, and cut to its column."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode()[:longest]


def _storable(value: Any) -> Any:
    """The same in what JSON columns give back unchanged, so that the hash still fits when it is read."""
    if isinstance(value, str):
        return _fit(value, LONGEST_TEXT)
    if isinstance(value, dict):
        return {_fit(str(key), LONGEST_TEXT): _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    if isinstance(value, float):
        # The databases write large, tiny and odd ones in other ways.
        return value + 0.0 if 1e-4 <= abs(value) < 1e15 else (0 if value == 0 else repr(value))
    if value is None or isinstance(value, bool | int):
        return value
    return _fit(str(value), LONGEST_TEXT)
