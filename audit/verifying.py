"""Tells whether the chain is whole: lane by lane, then against everything that was signed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.db.models import Subquery

from audit import triggers
from audit.hashing import canonical, event_hash, sha256
from audit.models import ChainHead, Event, Seal
from audit.seals import Sealed, fits, from_row

# Events about erasures tell in `after` which events lost which group.
ERASED = "audit.erased"


def problems(
    *,
    since: datetime | None = None,
    after: Sealed | None = None,
    key: Ed25519PublicKey | None = None,
    outside: Iterable[Sealed] = (),
) -> Iterator[str]:
    """A sentence for each place where the chain is not what was appended.

    With `since` or `after`, a checkpoint, earlier events are passed over. `outside` are seals kept away from
    the database; without `key` no signature is looked at.
    """
    if triggers.are_missing(connection):
        yield "The database's own guard is not there: events can be changed and deleted."
    erased: dict[int, set[str]] = {}
    told: dict[int, set[str]] = {}
    # Others append meanwhile: seals are read before the ends that they must not be ahead of, and events up to
    # these ends only.
    outside = list(outside)
    seals = list(Seal.objects.order_by("pk"))
    heads = list(ChainHead.objects.order_by("lane"))
    if not heads:
        yield "The ends of the lanes are missing."
    for head in heads:
        yield from _lane_problems(head, since, after, erased, told)
    known = {head.lane for head in heads}
    for lane in Event.objects.exclude(lane__in=known).values_list("lane", flat=True).distinct():
        yield f"There is no lane {lane}, but it has events."
    yield from _erasure_problems(erased, told)
    yield from _seal_problems(seals, {head.lane: head for head in heads}, key, outside)


def _lane_problems(
    head: ChainHead,
    since: datetime | None,
    after: Sealed | None,
    erased: dict[int, set[str]],
    told: dict[int, set[str]],
) -> Iterator[str]:
    events = Event.objects.filter(lane=head.lane).order_by("place")
    expected, previous = head.archived_place + 1, head.archived_hash
    known = (after.statement["ends"] if after else {}).get(str(head.lane))
    if known and known["place"] > head.archived_place:
        expected, previous = known["place"] + 1, known["hash"]
        events = events.filter(place__gte=expected)
    if since is not None:
        first = events.filter(at__gte=since).first()
        before = events.filter(place__lt=first.place).last() if first else events.last()
        if before:
            expected, previous = before.place + 1, before.hash
        events = events.filter(place__gte=expected)
    last: Event | None = None
    for event in events.filter(place__lte=head.number).iterator(chunk_size=2000):
        yield from _link_problems(event, expected, previous, last)
        for group in ("who", "what"):
            if getattr(event, f"{group}_digest"):
                erased.setdefault(event.number, set()).add(group)
        if event.verb == ERASED and event.after:
            for number in event.after.get("events", ()):
                told.setdefault(number, set()).update(event.after.get("groups", ()))
        expected, previous, last = event.place + 1, event.hash, event
    if (head.number, head.hash) != (expected - 1, previous):
        yield (
            f"Lane {head.lane} should end with its event {head.number}, but ends with {expected - 1}:"
            " events were cut off, or the end was changed."
        )
    # In one statement, so that what is appended in this moment is no problem.
    end = ChainHead.objects.filter(lane=head.lane).values("number")[:1]
    if Event.objects.filter(lane=head.lane, place__gt=Subquery(end)).exists():
        yield f"Lane {head.lane} should end with its event {head.number}, but goes on after it."


def _link_problems(event: Event, expected: int, previous: str, last: Event | None) -> Iterator[str]:
    if event.place > expected:
        yield (
            f"Event {event.number} follows a gap: {event.place - expected} events are missing before it"
            f"{f', after event {last.number}' if last else ''} (lane {event.lane}, place {expected})."
        )
    elif event.place < expected:
        yield f"Event {event.number} was put where events were archived (lane {event.lane})."
    elif event.previous_hash != previous:
        yield f"Event {event.number} does not follow the event before it{_which(last)}."
    if event_hash(event.link()) != event.hash:
        yield f"Event {event.number} was changed after it was recorded."


def _which(last: Event | None) -> str:
    return f", event {last.number}" if last else ""


def _erasure_problems(erased: dict[int, set[str]], told: dict[int, set[str]]) -> Iterator[str]:
    for number, groups in erased.items():
        if groups - told.get(number, set()) and not _is_told_by_now(number, groups):
            yield f"The personal fields of event {number} were erased, and no event tells of it."


def _is_told_by_now(number: int, groups: set[str]) -> bool:
    """By an event that was appended while the others were looked at."""
    missing = set(groups)
    for event in Event.objects.filter(verb=ERASED).order_by("-number")[:100]:
        if number in (event.after or {}).get("events", ()):
            missing -= set((event.after or {}).get("groups", ()))
    return not missing


def _seal_problems(
    rows: list[Seal], heads: dict[int, ChainHead], key: Ed25519PublicKey | None, outside: Iterable[Sealed]
) -> Iterator[str]:
    kept = {sha256(canonical(sealed.statement)) for sealed in map(from_row, rows)}
    archived: dict[int, tuple[int, str]] = {}
    previous = ""
    for sealed in map(from_row, rows):
        yield from _one_seal(sealed, heads, key)
        if sealed.statement.get("previous", "") != previous:
            yield f"The {sealed.name} does not follow the one before it."
        previous = sha256(canonical(sealed.statement))
        if sealed.statement.get("kind") == "archive":
            for lane, end in sealed.statement["ends"].items():
                archived[int(lane)] = (end["place"], end["hash"])
    for head in heads.values():
        if (head.archived_place, head.archived_hash) != archived.get(head.lane, (0, "")):
            yield f"Lane {head.lane} begins later than anything that was archived: events are missing."
    for sealed in outside:
        yield from _one_seal(sealed, heads, key)
        if sha256(canonical(sealed.statement)) not in kept:
            yield (
                f"The database does not know the {sealed.name} that was kept outside: it was restored from a"
                " backup made before, or somebody removed it."
            )


def _one_seal(sealed: Sealed, heads: dict[int, ChainHead], key: Ed25519PublicKey | None) -> Iterator[str]:
    if key is not None and not fits(sealed, key):
        yield f"The signature of the {sealed.name} is not right for this key."
    ends: dict[str, dict[str, Any]] = sealed.statement.get("ends", {})
    for text, end in sorted(ends.items(), key=lambda item: int(item[0])):
        lane, place = int(text), end["place"]
        head = heads.get(lane)
        if head is None or head.number < place:
            reached = head.number if head else 0
            yield (
                f"Lane {lane} has {reached} events, but had {place} at the {sealed.name}: the database was"
                " restored from an older backup, or events were cut off."
            )
        elif place > head.archived_place:
            found = Event.objects.filter(lane=lane, place=place).values_list("hash", flat=True).first()
            if found != end["hash"]:
                yield f"Lane {lane} has another event at place {place} than at the {sealed.name}: rewritten."
        elif place == head.archived_place and head.archived_hash != end["hash"]:
            yield f"Lane {lane} was archived with another end than at the {sealed.name}."
