"""From the bytes of an uploaded file to rows of texts: CSV as programs in Europe write it, and Excel's XLSX.

What stands in a file was chosen by whoever sent it: nothing is unpacked, read or kept beyond the limits here.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

from accounts.bounded_process import answer_of
from batches import columns, sheet_process
from batches.sheet_process import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS

LARGEST_FILE = 8 * 1024 * 1024
# More than twice what an Excel file of 20,000 rows takes.
CPU_SECONDS = 10

Note = tuple[str, dict[str, Any]]
"""A sentence with places, and what fills them."""


class Unreadable(Exception):
    """Why the whole file is refused, and how to mend it: a sentence with places, and what fills them."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.values = sentence, values


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the file."""

    number: int
    """As a spreadsheet counts: the line of titles is the first."""
    cells: tuple[str, ...]
    """In the order of the titles; shorter where the row is."""
    problem: str = ""
    """A sentence: why it can't be read."""
    problem_values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """What the file holds."""

    titles: tuple[str, ...]
    """As they were typed."""
    keys: tuple[str, ...]
    """For each title the column that is meant; "" for one that is left aside."""
    lines: tuple[Line, ...]
    notes: tuple[Note, ...]
    """What people should know of how it was read."""


def read_table(data: bytes, *, with_passwords: bool = False) -> Table:
    """Raises Unreadable; for a column of passwords as well, unless they are what is asked for."""
    if len(data) > LARGEST_FILE:
        raise Unreadable(
            gettext_noop("The file is larger than %(size)s MB. Split it."),
            size=LARGEST_FILE // 1024 // 1024,
        )
    if not data.strip(b"\0 \t\r\n"):
        raise Unreadable(gettext_noop("The file is empty."))
    if data.startswith(b"PK"):
        return _table(_sheet_rows(data), [], with_passwords=with_passwords)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            gettext_noop(
                "This is an Excel file of the old kind (.xls), or one with a password."
                " Save it as “Excel Workbook (.xlsx)” or “CSV UTF-8”, without a password."
            )
        )
    text, notes = _decode(data)
    return _table(_csv_rows(text), notes, with_passwords=with_passwords)


# --- CSV ---------------------------------------------------------------------------------------------


def _decode(data: bytes) -> tuple[str, list[Note]]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode("utf-8-sig" if encoding == "utf-8" else encoding), []
            except UnicodeDecodeError:
                raise Unreadable(_BROKEN, encoding=encoding.upper()) from None
    if b"\0" in data:
        raise Unreadable(
            gettext_noop(
                "This is no CSV file, or it was saved in an unusual encoding."
                " Save it as “CSV UTF-8” or “Excel Workbook (.xlsx)”."
            )
        )
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        raise Unreadable(_BROKEN, encoding="UTF-8") from None
    if any(ord(letter) < 32 and letter not in "\t\r\n\f" for letter in text[:20_000]):
        raise Unreadable(
            gettext_noop("This is no CSV file. Save the table as “CSV UTF-8” or “Excel Workbook (.xlsx)”.")
        )
    strange = next((word for word in re.split(r"[\s;,|\"]+", text) if not word.isascii()), "")[:60]
    note = gettext_noop(
        "The file is not in UTF-8, so it was read as Windows-1252 (Western European)."
        " Look whether “%(word)s” is right; if not, save it as “CSV UTF-8” and upload it again."
    )
    return text, [(note, {"word": strange})]


_BROKEN = gettext_noop(
    "The file begins like one in %(encoding)s, but is not whole. Save it as “CSV UTF-8” and upload it again."
)


def _csv_rows(text: str) -> Iterator[list[str]]:
    text = text.lstrip("\ufeff")
    if "\n" not in text:
        # As old programs on a Mac end their lines.
        text = text.replace("\r", "\n")
    separator = ""
    # As Excel tells itself; it is no row.
    if text[:4].casefold() == "sep=" and len(text) > 4:
        separator, text = text[4], text[5:].lstrip("\r").removeprefix("\n")
    separator = separator or _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = 0
    try:
        for row in reader:
            number += 1
            yield row
    except csv.Error:
        raise Unreadable(
            gettext_noop(
                'Row %(number)s cannot be read: a quotation mark (") is probably not closed there or before.'
            ),
            number=number + 1,
        ) from None


def _separator(text: str) -> str:
    """The one that makes most known titles of the first line; a comma, if none does."""
    first = text.lstrip("\r\n").partition("\n")[0]

    def known(separator: str) -> int:
        try:
            row = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:  # a cell beyond all measure; reading the rows tells
            return 0
        return sum(1 for cell in row if columns.key_of(cell))

    best = max((",", ";", "\t", "|"), key=known)
    return best if known(best) else max((",", ";", "\t", "|"), key=first.count)


# --- XLSX --------------------------------------------------------------------------------------------


def _sheet_rows(data: bytes) -> Iterator[list[str]]:
    """Of the first sheet; read by a process that may take only so much. Raises Busy."""
    answer = answer_of("batches.sheet_process", data, cpu_seconds=CPU_SECONDS)
    found: dict[str, Any] = json.loads(answer) if answer else {"problem": sheet_process.UNPACKS}
    problem = found.get("problem")
    if problem == sheet_process.UNPACKS:
        raise Unreadable(
            gettext_noop("The file unpacks to far more than such a table needs. Nothing of it was read.")
        )
    if problem == sheet_process.NO_BOOK:
        raise Unreadable(
            gettext_noop(
                "This is no Excel file (.xlsx). From other programs save the table as “.xlsx” or “CSV”."
            )
        )
    if problem:
        raise Unreadable(_BROKEN_BOOK)
    for row in found["rows"]:
        yield [cell if isinstance(cell, str) else Reckoned(cell[0]) for cell in row]


_BROKEN_BOOK = gettext_noop(
    "The Excel file is damaged. Open it in your spreadsheet, save it as “.xlsx” again and upload that."
)


class Reckoned(str):
    """Of a cell that a spreadsheet holds as a number, a day or a time: what people typed may be lost."""

    __slots__ = ()


# --- Both --------------------------------------------------------------------------------------------


def _table(rows: Iterator[list[str]], notes: list[Note], *, with_passwords: bool) -> Table:
    numbered = enumerate(rows, 1)
    number, titles = next(((n, row) for n, row in numbered if any(map(str.strip, row))), (0, []))
    if not titles:
        raise Unreadable(gettext_noop("The file is empty."))
    while titles and not titles[-1].strip():
        titles = titles[:-1]
    keys = _keys(titles, notes, with_passwords=with_passwords)
    lines: list[Line] = []
    for number, row in numbered:
        if not any(map(str.strip, row)):
            continue
        if len(lines) >= MOST_ROWS:
            raise Unreadable(
                gettext_noop("The file has more than %(most)s rows. Split it into smaller ones."),
                most=MOST_ROWS,
            )
        lines.append(_line(number, row, titles, keys))
    if not lines:
        raise Unreadable(
            gettext_noop("The file has a line of titles only. Write a row for each mailbox under it.")
        )
    return Table(tuple(title.strip()[:100] for title in titles), tuple(keys), tuple(lines), tuple(notes))


def _keys(titles: list[str], notes: list[Note], *, with_passwords: bool) -> list[str]:
    """Raises Unreadable when something essential is missing, twice there, or not to be there."""
    if len(titles) > MOST_COLUMNS:
        raise Unreadable(
            gettext_noop("The file has more than %(most)s columns. Leave out what does not belong here."),
            most=MOST_COLUMNS,
        )
    keys = [columns.key_of(title) for title in titles]
    if "password" in keys and not with_passwords:
        raise Unreadable(
            gettext_noop(
                "The file has a column “%(title)s”. Nobody but its user should ever know a password, so the"
                " portal takes none from files: take the column out. New mailboxes get a link on which their"
                " users choose one themselves. For mailboxes that move here there is a column for hashes."
            ),
            title=titles[keys.index("password")].strip()[:60],
        )
    if "address" not in keys:
        raise Unreadable(
            gettext_noop(
                "No column is called “address”. The first line of the file must name the columns;"
                " it is: %(titles)s"
            ),
            titles=" | ".join(title.strip()[:40] for title in titles)[:300],
        )
    for key, count in Counter(filter(None, keys)).items():
        if count > 1 and key != "reason":
            same = [title.strip()[:40] for title, each in zip(titles, keys, strict=True) if each == key]
            raise Unreadable(
                gettext_noop("Two columns mean the same: %(titles)s. Take one of them out."),
                titles=" | ".join(same),
            )
    unknown = [
        title.strip()[:40] for title, key in zip(titles, keys, strict=True) if not key and title.strip()
    ]
    if unknown:
        note = gettext_noop("These columns are not known here and are left aside: %(titles)s")
        notes.append((note, {"titles": " | ".join(unknown)[:300]}))
    return ["" if key == "reason" else key for key in keys]


# Numbers in these are names, not amounts: leading zeros count.
NAMES = {"address", "name", "recovery_address", "login", "template"}
# As a spreadsheet writes long numbers, and what it takes for a day, into a text file.
_RECKONED = re.compile(r"\d+(?:[.,]\d+)?E[+-]?\d+|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}", re.ASCII | re.I)


def _line(number: int, row: list[str], titles: list[str], keys: list[str]) -> Line:
    cells = tuple(
        cell.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_CELL] for cell in row[: len(titles)]
    )
    if any(len(cell) > LONGEST_CELL for cell in row):
        return Line(number, cells, gettext_noop("One of its cells is far too long."))
    for key, title, cell in zip(keys, titles, row, strict=False):
        if key in NAMES and (isinstance(cell, Reckoned) or _RECKONED.fullmatch(cell.strip())):
            sentence = gettext_noop(
                "The column “%(title)s” holds a number or a day here, “%(cell)s”: a spreadsheet may have"
                " changed what was typed. Format its cells as text and write it again."
            )
            return Line(number, cells, sentence, {"title": title.strip()[:40], "cell": str(cell)[:40]})
    if any(map(str.strip, row[len(titles) :])):
        return Line(
            number,
            cells,
            gettext_noop(
                "It has more cells than there are columns. A text with a comma or semicolon in it must stand"
                " in quotation marks."
            ),
        )
    return Line(number, cells)
