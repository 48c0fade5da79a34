"""Keeps what mailboxes were found to hold, with a history by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from mailservers.drivers.base import FolderKind, FolderUsage, TrashState, UsageState
from mailservers.models import Usage, UsageDay

# Of a mailbox with thousands of folders the largest are kept; the others are counted.
FOLDERS_KEPT = 100
LONGEST_NAME = 300
LARGEST = 2**63 - 1
DAYS_KEPT = 180
# Dovecot counts limits in KiB.
ROUNDING = 1024
MANY = 5_000

_ALWAYS = [
    "bytes_used",
    "messages",
    "trash_bytes",
    "trash_messages",
    "junk_bytes",
    "limit_bytes",
    "wanted_bytes",
    "folders",
    "folder_count",
    "read_at",
    "old_trash_bytes",
    "old_trash_messages",
]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server told of a mailbox, and the limit the portal wanted at that time."""

    mailbox_id: int
    wanted_bytes: int
    state: UsageState
    old_trash: TrashState | None = None


@transaction.atomic
def keep(readings: Sequence[Reading], at: datetime) -> list[int]:
    """Write them all at once; the ids of the mailboxes that are still there."""
    there = _still_there([reading.mailbox_id for reading in readings])
    readings = [reading for reading in readings if reading.mailbox_id in there]
    Usage.objects.bulk_create(
        [_usage(reading, at) for reading in readings],
        update_conflicts=True,
        unique_fields=["mailbox"],
        update_fields=_ALWAYS,
    )
    today = timezone.localdate(at)
    UsageDay.objects.bulk_create(
        [
            UsageDay(
                mailbox_id=reading.mailbox_id,
                day=today,
                bytes_used=_storable(reading.state.bytes_used),
                trash_bytes=_total(reading.state.folders, FolderKind.TRASH)[0],
            )
            for reading in readings
        ],
        update_conflicts=True,
        unique_fields=["mailbox", "day"],
        update_fields=["bytes_used", "trash_bytes"],
    )
    return [reading.mailbox_id for reading in readings]


def forget_old_days(today: date) -> int:
    """Take away what is older than anybody is shown; some at a time, so that no lock is held for long."""
    old = UsageDay.objects.filter(day__lt=today - timedelta(days=DAYS_KEPT))
    gone = 0
    while some := list(old.values_list("pk", flat=True)[:MANY]):
        gone += UsageDay.objects.filter(pk__in=some).delete()[0]
    return gone


def _still_there(mailbox_ids: Sequence[int]) -> set[int]:
    """Those of the mailboxes that were not deleted meanwhile, nor will be before the commit."""
    mailbox_model: Any = Usage._meta.get_field("mailbox").related_model
    rows: Any = mailbox_model.objects.filter(pk__in=mailbox_ids, deleted_at=None)
    return set(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _usage(reading: Reading, at: datetime) -> Usage:
    state, old = reading.state, reading.old_trash
    trash, junk = _total(state.folders, FolderKind.TRASH), _total(state.folders, FolderKind.JUNK)
    return Usage(
        mailbox_id=reading.mailbox_id,
        bytes_used=_storable(state.bytes_used),
        messages=None if state.messages is None else _storable(state.messages),
        trash_bytes=trash[0],
        trash_messages=trash[1],
        junk_bytes=junk[0],
        old_trash_bytes=old.bytes_used if old else None,
        old_trash_messages=old.messages if old else None,
        limit_bytes=_limit(state.quota_bytes, reading.wanted_bytes),
        wanted_bytes=reading.wanted_bytes,
        folders=_largest(state.folders),
        folder_count=len(state.folders),
        read_at=at,
    )


def _limit(told: int | None, wanted: int) -> int | None:
    """The server's limit; the portal's when they differ by no more than the server's rounding."""
    if told is None:
        return None
    told = _storable(told)
    return wanted if told and wanted and abs(told - wanted) < ROUNDING else told


def _total(folders: Sequence[FolderUsage], kind: FolderKind) -> tuple[int, int]:
    """Bytes and messages."""
    of_kind = [folder for folder in folders if folder.kind is kind]
    return (
        _storable(sum(_storable(folder.bytes_used) for folder in of_kind)),
        _storable(sum(_storable(folder.messages) for folder in of_kind)),
    )


def _largest(folders: Sequence[FolderUsage]) -> list[dict[str, Any]]:
    by_size = sorted(folders, key=lambda folder: (-folder.bytes_used, folder.name))
    return [
        {
            "name": _printable(folder.name)[:LONGEST_NAME],
            "bytes": _storable(folder.bytes_used),
            "messages": _storable(folder.messages),
            "kind": folder.kind.value,
        }
        for folder in by_size[:FOLDERS_KEPT]
    ]


def _printable(name: str) -> str:
    """Without what PostgreSQL's JSON cannot hold: NUL, and halves of characters."""
    return name.encode("utf-8", "replace").decode().replace("\0", "")


def _storable(number: int) -> int:
    """Whatever a driver told, the database can hold it."""
    return min(max(0, number), LARGEST)
