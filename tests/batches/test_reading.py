"""Files as spreadsheets and people write them: read, told about, or refused with how to mend them."""

import io
import resource
import zipfile
from datetime import datetime

import pytest
from openpyxl import Workbook

from accounts import bounded_process
from accounts.places import Busy, Places
from accounts.spreadsheets import as_written, as_xlsx, harmless
from batches import reading, sheet_process
from batches.reading import Unreadable, read_table

DAY = datetime(2026, 5, 1, 7)  # noqa: DTZ001 - as spreadsheets have them
ROWS = [("adres", "naam"), ("anna", "Zoë"), ("bert", "Bjørn")]


def text(separator: str, end: str = "\r\n") -> str:
    return "".join(separator.join(row) + end for row in ROWS)


def book(*rows) -> bytes:
    made = Workbook()
    for row in rows:
        made.worksheets[0].append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def cells(data: bytes) -> list[tuple[str, ...]]:
    return [line.cells for line in read_table(data).lines]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_separators_are_found_out(separator, encoding):
    table = read_table(text(separator).encode(encoding))
    assert table.keys == ("address", "name")
    assert [(line.number, *line.cells) for line in table.lines] == [(2, "anna", "Zoë"), (3, "bert", "Bjørn")]
    told = [values for _sentence, values in table.notes]
    assert told == ([{"word": "Zoë"}] if encoding == "cp1252" else [])


def test_lines_may_end_as_on_an_old_mac():
    assert cells(text(";", end="\r").encode()) == [("anna", "Zoë"), ("bert", "Bjørn")]


def test_a_first_line_beyond_all_measure_is_told():
    with pytest.raises(Unreadable):
        read_table(b"x" * 200_000)


def test_excel_files_are_read_and_empty_rows_counted():
    data = book(*ROWS[:2], (), ("carl", 3.0, None, None))
    table = read_table(data)
    assert [(line.number, *line.cells) for line in table.lines] == [(2, "anna", "Zoë"), (4, "carl", "3")]


def test_a_formula_of_excel_is_seen_as_one():
    assert cells(book(("address", "name"), ("anna", "=1+1"))) == [("anna", "=1+1")]


def test_what_excel_says_of_the_separator_is_no_row():
    table = read_table(("sep=;\r\n" + text(";")).encode())
    assert [line.number for line in table.lines] == [2, 3]


def test_a_text_over_several_lines_is_one_row():
    table = read_table(b'address,name\nanna,"two\nlines"\nbert,x\n')
    assert [(line.number, line.cells[0]) for line in table.lines] == [(2, "anna"), (3, "bert")]


def test_unknown_columns_are_told_and_left_aside():
    table = read_table(b"E-Mail Address,Phone,reason\nanna,1234,it was wrong\n")
    assert table.keys == ("address", "", "")
    assert [values for _sentence, values in table.notes] == [{"titles": "Phone"}]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"address\n", "titles only"),
        (b"name,room\nanna,1 GB\n", "No column is called"),
        (b"address,E-Mail\na,b\n", "mean the same"),
        (b"address,New password (2026)\na,geheim\n", "Nobody but its user should ever know a password"),
        (b"address,wachtwoord\na,geheim\n", "Nobody but its user should ever know a password"),
        (b'address,name\na,"never closed\n' + b"x\n" * 70_000, "is probably not closed"),
        (b"\xff\xfea\x00d\x00", "No column is called"),
        (b"\xff\xfe\xd8", "is not whole"),
        (b"\xef\xbb\xbfaddress\n\xff", "is not whole"),
        (b"address\n\x81\x8d", "is not whole"),
        (b"a\0d\0d\0r\0", "unusual encoding"),
        (b"%PDF-1.7\x80\x00", "unusual encoding"),
        (b"%PDF-1.7\xe4\x01", "This is no CSV file."),
        (b"PK\x03\x04 no zip", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "of the old kind"),
        (b"address\n" + b"a\n" * 20_001, "more than %(most)s rows"),
        (b"address," + b"x," * 70 + b"\na\n", "columns. Leave out"),
        (b"x" * (reading.LARGEST_FILE + 1), "is larger than"),
    ],
    ids=lambda each: str(each[:20]),
)
def test_a_file_that_can_not_be_read_says_how_to_mend_it(data, says):
    with pytest.raises(Unreadable) as refused:
        read_table(data)
    assert says in refused.value.sentence


def test_a_zip_bomb_is_not_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * (sheet_process.LARGEST_UNPACKED + 1))
    with pytest.raises(Unreadable, match="unpacks to far more"):
        read_table(file.getvalue())


def test_a_sheet_that_claims_a_million_rows_is_read_no_further_than_it_may():
    made = Workbook()
    made.worksheets[0]["A1"] = "address"
    made.worksheets[0]["A1048576"] = "anna"
    made.worksheets[0]["XFD2"] = "far away"
    file = io.BytesIO()
    made.save(file)
    with pytest.raises(Unreadable, match="titles only"):
        read_table(file.getvalue())


def test_other_packed_files_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("content.xml", b"<x/>")
    with pytest.raises(Unreadable, match="no Excel file"):
        read_table(file.getvalue())


def test_a_cell_too_long_is_that_rows_trouble():
    [line] = read_table(b"address,name\na," + b"x" * 3000 + b"\n").lines
    assert "far too long" in line.problem
    assert len(line.cells[1]) == reading.LONGEST_CELL


@pytest.mark.parametrize("title", ["address", "name", "login", "recovery address", "template"])
@pytest.mark.parametrize("value", [12, 1_000_000_000_000.0, 1.5, DAY, DAY.date(), DAY.time()])
def test_a_name_that_a_spreadsheet_holds_as_a_number_or_a_day_is_refused(title, value):
    row = (value, "1 GB") if title == "address" else ("jan", value)
    [line] = read_table(book(("address", "room" if title == "address" else title), row)).lines
    assert "a spreadsheet may have changed" in line.problem
    assert line.problem_values["title"] == title


@pytest.mark.parametrize("cell", ["1E+09", "1,23E+11", "1.5e9", "01/05/2026", "1-5-26", "1.5.2026"])
def test_so_is_one_that_came_through_a_text_file(cell):
    [line] = read_table(f"address;login\njan;{cell}\n".encode()).lines
    assert "a spreadsheet may have changed" in line.problem
    assert line.problem_values == {"title": "login", "cell": cell}


@pytest.mark.parametrize("cell", ["0012", "e1", "example0001", "jan.1.5", "1e"])
def test_other_logins_are_left_alone(cell):
    [line] = read_table(f"address;login\njan;{cell}\n".encode()).lines
    assert not line.problem


def test_amounts_may_be_numbers_in_a_spreadsheet():
    [line] = read_table(book(("address", "signing in"), ("jan", 1))).lines
    assert not line.problem


def book_with(**parts: bytes) -> bytes:
    """A good book with some of its parts exchanged or added."""
    plain, file = io.BytesIO(as_xlsx(["address"], [["anna@example.test"]])), io.BytesIO()
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        places = {f"xl/{'worksheets/' if name == 'sheet1' else ''}{name}.xml": parts[name] for name in parts}
        for name in {*before.namelist(), *places}:
            packed.writestr(name, places.get(name) or before.read(name))
    return file.getvalue()


SPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HOSTILE = {
    "millions of texts": {"sharedStrings": b"<sst " + SPACE + b">" + b"<si/>" * 8_400_000 + b"</sst>"},
    "millions of cells": {
        "sheet1": b"<worksheet "
        + SPACE
        + b"><sheetData>"
        + b"<row>"
        + b"<c/>" * 20_000_000
        + b"</row></sheetData></worksheet>"
    },
    "one text that is all": {
        "sheet1": b"<worksheet "
        + SPACE
        + b'><sheetData><row><c t="inlineStr"><is><t>'
        + b"x" * 60_000_000
        + b"</t></is></c></row></sheetData></worksheet>"
    },
}


@pytest.mark.parametrize("parts", HOSTILE.values(), ids=HOSTILE)
def test_a_small_file_that_is_endless_work_is_given_up(parts, monkeypatch):
    monkeypatch.setattr(reading, "CPU_SECONDS", 2)
    data = book_with(**parts)
    assert len(data) < 200_000
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(Unreadable):
        read_table(data)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began < 4


def test_two_such_files_at_once_keep_nobody_else_waiting_for_long(monkeypatch):
    monkeypatch.setattr(bounded_process, "AT_WORK", Places(1, waiting=0, seconds=0.1))
    with bounded_process.AT_WORK.one(), pytest.raises(Busy):
        read_table(book_with())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Luc;=HYPERLINK(1)", "Luc;'=HYPERLINK(1)"),
        ("a\t+32", "a\t'+32"),
        ("a, @b", "a, '@b"),
        ('x|"-1"', 'x|"\'-1"'),
        ("=1", "'=1"),
        ("Jan-Piet, Els; 5 + 5", "Jan-Piet, Els; 5 + 5"),
    ],
)
def test_a_cell_is_no_formula_whatever_separator_a_program_takes(text, shown):
    assert harmless(text) == shown
    assert as_written(shown) == text
