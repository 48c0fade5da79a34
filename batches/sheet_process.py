"""Reads an Excel file in a process of its own, which the kernel ends when it takes too much.

    python -m batches.sheet_process < FILE      {"rows": […]} or {"problem": "…"}

Knows neither Django nor any setting: it starts quickly, and holds no secret (bounded_process.py).
"""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

# What an XLSX may unpack to; real ones of 20,000 rows need a tenth. Its texts are read as a whole.
LARGEST_UNPACKED = 100 * 1024 * 1024
LARGEST_TEXTS = 16 * 1024 * 1024
TEXTS = "xl/sharedStrings.xml"
MOST_PARTS = 2000
# More than this in one go nobody looks through; 10,000 rows are about 1 MB.
MOST_ROWS = 20_000
MOST_COLUMNS = 60
# No field of a mailbox is as long.
LONGEST_CELL = 2_000
# A sheet may tell of so many empty rows between the full ones.
EMPTY_ROWS = 5_000
# All cells together.
MOST_CHARACTERS = 32 * 1024 * 1024

UNPACKS, NO_BOOK, BROKEN = "unpacks", "no book", "broken"


class Problem(Exception):
    """One of the three words."""


def main() -> None:
    data = sys.stdin.buffer.read()
    try:
        answer: dict[str, Any] = {"rows": list(_rows(data))}
    except Problem as problem:
        answer = {"problem": str(problem)}
    except Exception:  # noqa: BLE001 - whatever a broken file makes a parser raise, it is broken
        answer = {"problem": BROKEN}
    json.dump(answer, sys.stdout)


def _rows(data: bytes) -> Iterator[list[str | list[str]]]:
    """Of the first sheet."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        sizes = {info.filename: info.file_size for info in packed.infolist()}
    too_large = sum(sizes.values()) > LARGEST_UNPACKED or sizes.get(TEXTS, 0) > LARGEST_TEXTS
    if too_large or len(sizes) > MOST_PARTS:
        raise Problem(UNPACKS)
    if "xl/workbook.xml" not in sizes:
        raise Problem(NO_BOOK)
    # A third of a second, which a file that is refused already need not take.
    from openpyxl import load_workbook  # noqa: PLC0415

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    sheet = book.worksheets[0]
    # What it says of its own size may be anything.
    sheet.reset_dimensions()
    characters = 0
    for row in sheet.iter_rows(max_col=MOST_COLUMNS + 1, max_row=MOST_ROWS + EMPTY_ROWS):
        cells = [_told(cell) for cell in row]
        characters += sum(len(cell) if isinstance(cell, str) else len(cell[0]) for cell in cells)
        if characters > MOST_CHARACTERS:
            raise Problem(UNPACKS)
        yield cells


def _told(cell: Any) -> str | list[str]:
    """A cell as people see it; in a list of its own where the spreadsheet holds a number, a day or a time."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        # As it is written, which planning refuses. A shared or array formula is no plain text.
        return _cut(value) if isinstance(value, str) and value.startswith("=") else "="
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        value = value.isoformat(sep=" ", timespec="minutes")
    return [_cut(str(value))]


def _cut(text: str) -> str:
    return text[: LONGEST_CELL + 1]


if __name__ == "__main__":
    main()
