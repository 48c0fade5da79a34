"""The chain as a file that verifies without the portal, and retention: old events sealed into such files."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from audit import seals, triggers
from audit.models import ChainHead, Event, Seal

Ends = dict[str, dict[str, Any]]
BATCH = 2000
# While so many are deleted nobody can append.
MOST_IN_A_FILE = 100_000


def as_json(event: Event) -> dict[str, Any]:
    """An event as docs/audit-format.md tells it."""
    told = event.link() | {
        "who": None if event.who_digest else event.who(),
        "what": None if event.what_digest else event.what(),
        "hash": event.hash,
    }
    for name in ("who_salt", "what_salt", "who_digest", "what_digest"):
        told[name] = getattr(event, name)
    return told


def export(file: TextIO) -> int:
    """Write the whole chain, as it is at one moment; how many events."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _export(file)


def _export(file: TextIO) -> int:
    begins = {
        str(head.lane): {"place": head.archived_place, "hash": head.archived_hash}
        for head in ChainHead.objects.filter(archived_place__gt=0)
    }
    _write(file, {"format": seals.FORMAT, "kind": "export", "begins": begins})
    count, ends = 0, dict(begins)
    for event in Event.objects.order_by("lane", "place").iterator(chunk_size=BATCH):
        _write(file, {"event": as_json(event)})
        ends[str(event.lane)] = {"place": event.place, "hash": event.hash}
        count += 1
    for row in Seal.objects.order_by("pk"):
        _write(file, {"seal": seals.from_row(row).as_json()})
    _write(file, {"ends": ends})
    return count


def archive(before: datetime, folder: Path) -> tuple[Path, int] | None:
    """Seal the oldest events before a moment into a new file, then delete them here; None if there are none.

    Each lane is archived up to its first event that is not older. Raises NoAuditKey without a key and
    OSError when the file can't be written: then nothing is deleted. Others wait only while it deletes.
    """
    key = seals.private_key()
    folder.mkdir(parents=True, exist_ok=True)
    heads = list(ChainHead.objects.order_by("lane"))
    parts = _old_parts(heads, before, MOST_IN_A_FILE)
    if not parts:
        return None
    path = folder / f"audit-until-{before:%Y%m%d}-made-{timezone.now():%Y%m%dT%H%M%S%fZ}.jsonl.gz"
    begins = {
        str(head.lane): {"place": head.archived_place, "hash": head.archived_hash}
        for head in heads
        if head.archived_place
    }
    count = _write_events(path, begins, parts)
    try:
        with transaction.atomic():
            _delete(path, begins, parts, key)
    except _Disturbed:
        path.unlink()
        raise
    return path, count


class _Disturbed(OSError):
    """Somebody else archived or erased some of the same events meanwhile: the next time will do."""

    strerror = "the events changed meanwhile, try again"


def _write_events(path: Path, begins: Ends, parts: dict[int, Event]) -> int:
    """Without the seal; how many."""
    count = 0
    try:
        with gzip.open(path, "xt", encoding="utf-8") as file:
            _write(file, {"format": seals.FORMAT, "kind": "archive", "begins": begins})
            for event in _old_events(parts):
                _write(file, {"event": as_json(event)})
                count += 1
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return count


def _delete(path: Path, begins: Ends, parts: dict[int, Event], key: Ed25519PrivateKey) -> None:
    """Seal what is in the file, and delete it here; in the caller's transaction.

    The ends of the lanes are locked first, as whoever appends does: the other order could end in a deadlock.
    Once sealed the file stays, whatever happens: nobody can tell whether a commit that failed did not happen.
    """
    heads = list(ChainHead.objects.select_for_update().order_by("lane"))
    ends = begins | {str(lane): {"place": last.place, "hash": last.hash} for lane, last in parts.items()}
    archived = {str(head.lane): head.archived_place for head in heads if head.archived_place}
    if archived != {lane: end["place"] for lane, end in begins.items()} or _was_erased_since(path, parts):
        raise _Disturbed
    sealed = seals.keep_seal("archive", {"begins": begins, "ends": ends, "file": path.name}, key)
    with triggers.lifted(connection):
        for head in heads:
            if head.lane in parts:
                last = parts[head.lane]
                old = Event.objects.filter(lane=head.lane, place__lte=last.place)
                _let_go(old)
                # Not Event.delete: the rows that refer to it were dealt with above.
                old._raw_delete(old.db)
                head.archived_place, head.archived_hash = last.place, last.hash
                head.save(update_fields=["archived_place", "archived_hash"])
    with path.open("ab") as raw:
        with gzip.open(raw, "at", encoding="utf-8") as file:
            _write(file, {"seal": sealed.as_json()})
        raw.flush()
        os.fsync(raw.fileno())


def _was_erased_since(path: Path, parts: dict[int, Event]) -> bool:
    """Whether the file still holds something that was erased here after it was written."""
    archived = Q()
    for lane, last in parts.items():
        archived |= Q(lane=lane, place__lte=last.place)
    blank = ("who_digest", "what_digest")
    now = sum(Event.objects.filter(archived).exclude(**{digest: ""}).count() for digest in blank)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        events = (json.loads(row).get("event", {}) for row in file)
        then = sum(bool(event.get(digest)) for event in events for digest in blank)
    return now != then


def _old_parts(heads: list[ChainHead], before: datetime, most: int) -> dict[int, Event]:
    """By lane the last event that goes; so many in all."""
    parts = {}
    for head in heads:
        last = _old_part(head, before, most) if most > 0 else None
        if last:
            parts[head.lane] = last
            most -= last.place - head.archived_place
    return parts


def _old_part(head: ChainHead, before: datetime, most: int) -> Event | None:
    going = Event.objects.filter(lane=head.lane, place__lte=head.archived_place + most).order_by("place")
    stays = going.filter(at__gte=before).first()
    return (going.filter(place__lt=stays.place) if stays else going).last()


def _old_events(parts: dict[int, Event]) -> Iterator[Event]:
    for lane, last in sorted(parts.items()):
        yield from (
            Event.objects.filter(lane=lane, place__lte=last.place)
            .order_by("place")
            .iterator(chunk_size=BATCH)
        )


def _let_go(events: "models.QuerySet[Event]") -> None:
    """Rows that refer to these events stay, without them."""
    for relation in Event._meta.related_objects:
        relation.related_model._default_manager.filter(  # type: ignore[union-attr]
            **{f"{relation.field.name}__in": events}
        ).update(**{relation.field.name: None})


def _write(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
