"""Loaded into a worker with -I: its clock is wrong by the seconds in the file that WRONG_CLOCK names."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

_right = timezone.now
_file = Path(os.environ["WRONG_CLOCK"])


def _wrong() -> datetime:
    return _right() + timedelta(seconds=float(_file.read_text()))


timezone.now = _wrong
