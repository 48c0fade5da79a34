"""A clock for other programs that can be moved (libfaketime), while this machine's own goes on."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

NAMES = (
    *("LD_PRELOAD", "FAKETIME", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_FMT", "FAKETIME_NO_CACHE"),
    *("FAKETIME_DONT_FAKE_MONOTONIC", "TZ"),
)
# Dovecot's programs clear their environment of all that their configuration does not name.
DOVECOT_SETTING = f"import_environment = {' '.join(NAMES)}\n"


def clock_at(moment: datetime, *, zone: str = "UTC") -> Mapping[str, str]:
    """The environment in which a program's clock begins at this (aware) moment, and goes on from there."""
    return {**_always(zone), "FAKETIME": f"@{int(moment.timestamp())}"}


class MovableClock:
    """A clock that stands still where it was set. Servers bear its going forward only."""

    def __init__(self, file: Path, *, zone: str = "UTC") -> None:
        self._file = file
        self.environment: Mapping[str, str] = {
            **_always(zone),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
        }

    def set(self, moment: datetime) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{int(moment.timestamp())}\n")
        new.chmod(0o644)
        new.rename(self._file)


def _always(zone: str) -> dict[str, str]:
    [library, *_] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_FMT": "%s",
        # What waits goes on waiting in real seconds.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "TZ": zone,
    }
