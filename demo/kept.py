"""What takes seconds to make and seldom changes: kept in the checkout's var, and made again when it has."""

import fcntl
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path


def provide(made: Path, sources: Iterable[Path], make: Callable[[], object]) -> None:
    """Call `make` unless what it made the last time still stands; processes that start together wait.

    It stands while the sources (files, and all files in folders) are the same.
    """
    note = made.with_suffix(".made-from")
    note.parent.mkdir(exist_ok=True)
    with note.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        wanted = _fingerprint(sources)
        if file.read() == wanted and made.exists():
            return
        file.truncate(0)
        make()
        file.write(wanted)


def _fingerprint(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file():
                    status = path.stat()
                    digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
        else:
            digest.update(f"{source}\n".encode() + source.read_bytes())
    return digest.hexdigest()
