"""The chain as a file that verifies without the portal, and retention: old events sealed into such files."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from django.db import connection, models, transaction
from django.utils import timezone

from audit import seals, triggers
from audit.models import ChainHead, Event, Seal

Ends = dict[str, dict[str, Any]]
BATCH = 2000


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
    """Seal the events before a moment into a new file, then delete them here; None if there are none.

    Each lane is archived up to its first event that is not older. Raises NoAuditKey without a key and
    OSError when the file can't be written: then nothing is deleted.
    """
    key = seals.private_key()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"audit-until-{before:%Y%m%d}-made-{timezone.now():%Y%m%dT%H%M%SZ}.jsonl.gz"
    with triggers.lifted(connection):
        heads = list(ChainHead.objects.select_for_update().order_by("lane"))
        parts = {head.lane: part for head in heads if (part := _old_part(head, before))}
        if not parts:
            return None
        begins = {
            str(head.lane): {"place": head.archived_place, "hash": head.archived_hash}
            for head in heads
            if head.archived_place
        }
        ends = begins | {str(lane): {"place": last.place, "hash": last.hash} for lane, last in parts.items()}
        sealed = seals.keep_seal("archive", {"begins": begins, "ends": ends, "file": path.name}, key)
        count = 0
        with gzip.open(path, "xt", encoding="utf-8") as file:
            _write(file, {"format": seals.FORMAT, "kind": "archive", "begins": begins})
            for event in _old_events(parts):
                _write(file, {"event": as_json(event)})
                count += 1
            _write(file, {"seal": sealed.as_json()})
        for head in heads:
            if head.lane in parts:
                last = parts[head.lane]
                old = Event.objects.filter(lane=head.lane, place__lte=last.place)
                _let_go(old)
                # Not Event.delete: the rows that refer to it were dealt with above.
                old._raw_delete(old.db)
                head.archived_place, head.archived_hash = last.place, last.hash
                head.save(update_fields=["archived_place", "archived_hash"])
    return path, count


def _old_part(head: ChainHead, before: datetime) -> Event | None:
    """The last event of the lane that goes."""
    of_lane = Event.objects.filter(lane=head.lane)
    stays = of_lane.filter(at__gte=before).order_by("place").first()
    going = of_lane.filter(place__lt=stays.place) if stays else of_lane
    return going.order_by("place").last()


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
