"""Events as files for people and programs: CSV that a spreadsheet takes for text, and JSON Lines."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from accounts.spreadsheets import Echo, harmless
from audit.models import Event

COLUMNS = (
    *("number", "at", "by_name", "on_behalf_of_name", "source_address", "verb", "outcome", "subject_kind"),
    *("subject", "domain", "before", "after", "request_id", "hash"),
)


def as_csv(events: "QuerySet[Event]", wanted: dict[str, str]) -> Iterator[str]:
    """The first line tells the filter, the second the columns. Begins with a BOM, for spreadsheets."""
    writer = csv.writer(Echo(), lineterminator="\r\n")
    yield "\ufeff" + writer.writerow([f"filter: {_text(wanted)}"])
    yield writer.writerow(COLUMNS)
    for event in events.iterator(chunk_size=1000):
        yield writer.writerow([harmless(_text(value)) for value in _row(event).values()])


def as_json_lines(events: "QuerySet[Event]", wanted: dict[str, str]) -> Iterator[str]:
    """The first line tells the filter."""
    yield json.dumps({"filter": wanted}, ensure_ascii=False) + "\n"
    for event in events.iterator(chunk_size=1000):
        yield json.dumps(_row(event), ensure_ascii=False) + "\n"


def _row(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in COLUMNS} | {"at": event.at.isoformat()}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)
