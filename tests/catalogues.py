"""Compiles the catalogues of translations for the tests, as bin/setup does, where they are newer."""

import os
import subprocess
from pathlib import Path

LOCALE = Path(__file__).parent.parent / "locale"


def compile_stale() -> None:
    for text in LOCALE.glob("*/LC_MESSAGES/*.po"):
        compiled = text.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= text.stat().st_mtime:
            continue
        # Several runs may come here at the same time; nobody reads half a file.
        own = compiled.with_suffix(f".{os.getpid()}")
        # A fault in a catalogue fails the tests of catalogues, not all of them.
        if subprocess.run(["msgfmt", "-o", own, text], check=False).returncode == 0:
            own.replace(compiled)
