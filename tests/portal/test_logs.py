"""The log: one JSON object a line, with a time in UTC, whatever is in it."""

import json
import logging
from datetime import UTC, datetime

import structlog


def line_of(logger: str, message: str, *values: object) -> str:
    """As the handler that the settings made would write it."""
    formatter = next(
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    )
    record = logging.LogRecord(logger, logging.WARNING, "file.py", 1, message, values, None)
    return formatter.format(record)


def test_no_text_begins_a_line_of_its_own():
    hostile = 'x\n{"event": "signed in"}\r\n\u2028\x1b[2J'
    line = line_of("django.request", "Not Found: %s", hostile)
    assert line.isprintable()
    assert json.loads(line)["event"] == f"Not Found: {hostile}"


def test_each_line_tells_its_time_in_utc_and_where_it_comes_from():
    told = json.loads(line_of("django.request", "Not Found"))
    at = datetime.fromisoformat(told["timestamp"])
    assert (at.tzinfo, told["logger"], told["level"]) == (UTC, "django.request", "warning")
