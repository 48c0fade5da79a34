"""The pages' static files, collected for the web process only when they have changed."""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path


def provide(checkout: Path, collect: Callable[[], None]) -> None:
    """Call `collect` unless what it made the last time still stands; worlds that start together wait."""
    made = checkout / "var" / "static"
    note = made.with_suffix(".made-from")
    note.parent.mkdir(exist_ok=True)
    with note.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        sources = _fingerprint(checkout)
        if file.read() == sources and (made / "staticfiles.json").exists():
            return
        file.truncate(0)
        collect()
        file.write(sources)


def _fingerprint(checkout: Path) -> str:
    """Changes with any static file, with the packages that bring some, and with the settings."""
    digest = hashlib.sha256()
    for path in sorted((checkout / "static").rglob("*")):
        if path.is_file():
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    for name in ("requirements.txt", "portal/settings.py"):
        digest.update((checkout / name).read_bytes())
    return digest.hexdigest()
