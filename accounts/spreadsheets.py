"""Tables as files that spreadsheets open: CSV written while it is sent, and Excel's XLSX."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

# What makes a spreadsheet reckon instead of show, some of it after blanks only.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
# What no cell can hold (32,767 in common spreadsheets).
LONGEST_CELL = 32_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
WIDTH = 28
BLANKS = " \u00a0\ufeff"
# A separator of some program, and what would begin a formula behind it; a line end is one too.
_BEHIND = rf"[;,\t|\r\n][{BLANKS}\"]*"
_SIGNS = "".join(map(re.escape, FORMULA))
_INSIDE = re.compile(rf"({_BEHIND})(?=[{_SIGNS}])")
_GUARDED = re.compile(rf"({_BEHIND})'(?=[{_SIGNS}])")


def harmless(text: str) -> str:
    """Text that a spreadsheet shows and never reckons with: an apostrophe in front where it could.

    Inside as well: a program that takes another separator splits a cell there, and reads what follows anew.
    """
    cut = _INSIDE.sub(r"\1'", text[:LONGEST_CELL])
    return f"'{cut}" if cut.lstrip(BLANKS).startswith(FORMULA) else cut


def as_written(cell: str) -> str:
    """What `harmless` made of a text, back to the text."""
    inside = _GUARDED.sub(r"\1", cell)
    return inside[1:] if inside[:1] == "'" and inside[1:].lstrip(BLANKS).startswith(FORMULA) else inside


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[str]], *, separator: str = ",") -> Iterator[str]:
    """Line by line, every cell harmless. Begins with a BOM, by which spreadsheets know UTF-8."""
    writer = csv.writer(Echo(), delimiter=separator, lineterminator="\r\n")
    yield "\ufeff" + writer.writerow([harmless(title) for title in titles])
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def as_xlsx(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet, every cell a harmless text."""
    # A third of a second, which no process should pay at its start.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for place in range(len(titles)):
        sheet.column_dimensions[chr(ord("A") + place)].width = WIDTH
    for row in (titles, *rows):
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, harmless("".join(letter for letter in text if _fits(letter))))
            # Text whatever it looks like.
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _fits(letter: str) -> bool:
    """XML holds no other control characters."""
    return letter >= " " or letter in "\t\n\r"


class Echo:
    """What csv writes to is what it gives back."""

    def write(self, text: str) -> str:
        return text
