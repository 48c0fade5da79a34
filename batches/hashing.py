"""From a table with passwords to one with their hashes, which an upload accepts (hash_passwords).

For mailboxes that move here with passwords that only a file knows. What a password was is neither kept, told
nor logged; what is told of it names its row alone.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO

from django.utils.crypto import salted_hmac

from accounts import passwords
from accounts.leaked_passwords import CannotTell, is_leaked
from accounts.models import PasswordRules
from accounts.password_rules import judge, rules_of
from accounts.spreadsheets import as_csv
from batches.reading import Table, read_table

# So many rows at a time for each process: what was done is kept after each of these rounds.
AT_ONCE = 8
# Columns whose words a password must not be built around.
WORDS = ("address", "name", "login")
HASH_TITLE = "password hash"


class CannotHash(Exception):
    """Why nothing can be done: a sentence."""


@dataclass(frozen=True, slots=True)
class Task:
    """One row's password, for a process; never shown."""

    row: int
    clear: str
    words: tuple[str, ...]
    scheme: str

    def __repr__(self) -> str:
        return f"Task(row={self.row})"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a row: what is kept until all are done."""

    row: int
    password_hash: str
    """Empty where there was no password, or none that can be one."""
    warning: str = ""


def table_of(data: bytes) -> Table:
    """Raises CannotHash, or reading.Unreadable."""
    table = read_table(data, with_passwords=True)
    if "password" not in table.keys:
        raise CannotHash("No column is called “password”, so there is nothing to hash.")
    if "password_hash" in table.keys:
        raise CannotHash("There is a column of hashes beside the one of passwords. Take one of them out.")
    # Cells beyond the columns would be lost, and the rest taken for what it is not.
    if wrong := next((line for line in table.lines if line.problem), None):
        raise CannotHash(f"Row {wrong.number}: {wrong.problem % wrong.problem_values}")
    return table


def tasks_of(table: Table, scheme: str) -> list[Task]:
    at = table.keys.index("password")
    words_at = [table.keys.index(key) for key in WORDS if key in table.keys]
    return [
        Task(
            line.number,
            line.cells[at] if len(line.cells) > at else "",
            tuple(line.cells[place].strip() for place in words_at if len(line.cells) > place),
            scheme,
        )
        for line in table.lines
    ]


def rounds(tasks: Sequence[Task], *, processes: int) -> Iterator[list[Done]]:
    """In their order, some at a time, on so many cores."""
    size = processes * AT_ONCE
    if processes == 1:
        for start in range(0, len(tasks), size):
            yield [hash_row(task) for task in tasks[start : start + size]]
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=_be_nice) as pool:
        for start in range(0, len(tasks), size):
            yield list(pool.map(hash_row, tasks[start : start + size]))


def hash_row(task: Task) -> Done:
    """In a process of its own, where there are several; no error of it tells what it was given."""
    if not task.clear:
        return Done(task.row, "")
    if len(task.clear.encode(errors="replace")) > passwords.LONGEST_BYTES:
        return Done(task.row, "", f"longer than {passwords.LONGEST_BYTES} bytes: no password")
    warning = _warning_about(task)
    try:
        scheme = passwords.scheme_for(task.clear, (task.scheme,))
        return Done(task.row, passwords.hash_password(task.clear, scheme), warning)
    except (ValueError, TypeError):
        return Done(task.row, "", "holds a character that no password can: no password")


def _warning_about(task: Task) -> str:
    verdict = judge(task.clear, rules_of(PasswordRules()), words=task.words)
    if not verdict.is_good:
        return verdict.problems[0]
    with suppress(CannotTell):
        if is_leaked(task.clear):
            return "It is known from a leak."
    return ""


def _be_nice() -> None:
    """Pages and pushes go first."""
    os.nice(10)


# --- What is done already ----------------------------------------------------------------------------


@contextmanager
def kept_beside(out: Path, data: bytes, scheme: str) -> Iterator[tuple["Kept", list[Done]]]:
    """The rows done by an earlier run that was interrupted, and where further ones are kept.

    Beside OUT, for its owner alone; without addresses and passwords. Raises CannotHash.
    """
    path = out.with_name(out.name + ".part")
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as trouble:
        raise CannotHash(f"{path} cannot be written: {trouble.strerror}.") from None
    with os.fdopen(number, "r+", encoding="utf-8") as file:
        about = os.fstat(number)
        if about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise CannotHash(f"{path} is not yours alone. Remove it first.")
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotHash("Another run does the same just now.") from None
        begins = {"of": _print_of(data), "scheme": scheme}
        done = _read(file, begins, path)
        yield Kept(file, path), done


@dataclass(frozen=True, slots=True)
class Kept:
    file: IO[str]
    path: Path

    def add(self, some: Sequence[Done]) -> None:
        for done in some:
            self.file.write(json.dumps([done.row, done.password_hash, done.warning]) + "\n")
        self.file.flush()


def _read(file: IO[str], begins: dict[str, str], path: Path) -> list[Done]:
    lines = file.read().splitlines(keepends=True)
    # A line that was being written when it was killed is none.
    whole = [line for line in lines if line.endswith("\n")]
    if whole and json.loads(whole[0]) != begins:
        raise CannotHash(f"{path} is of another file or another scheme. Remove it to begin anew.")
    file.seek(0)
    file.truncate()
    file.writelines(whole or [json.dumps(begins) + "\n"])
    file.flush()
    return [Done(*json.loads(line)) for line in whole[1:]]


def _print_of(data: bytes) -> str:
    """Keyed: nobody could try passwords against it."""
    return salted_hmac("batches.hashing", hashlib.sha256(data).hexdigest(), algorithm="sha256").hexdigest()


# --- The table ---------------------------------------------------------------------------------------


def write_table(out: Path, table: Table, done: Sequence[Done]) -> None:
    """For its owner alone; raises FileExistsError rather than write over anything."""
    at = table.keys.index("password")
    hashes = {each.row: each.password_hash for each in done}
    titles = [HASH_TITLE if place == at else title for place, title in enumerate(table.titles)]
    rows = (
        [hashes[line.number] if place == at else cell for place, cell in enumerate(_filled(line.cells, at))]
        for line in table.lines
    )
    number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.writelines(as_csv(titles, rows))
            file.flush()
            os.fsync(number)
    except BaseException:
        out.unlink()
        raise


def _filled(cells: tuple[str, ...], at: int) -> tuple[str, ...]:
    return cells + ("",) * (at + 1 - len(cells))
