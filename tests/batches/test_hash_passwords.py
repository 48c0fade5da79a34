"""A file of passwords becomes one of hashes, which the upload accepts; nobody is told a password."""

import csv
import io
import stat

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook
from passlib.hash import argon2

from accounts import passwords
from batches import hashing
from batches.models import Batch

GOOD = "gravel teapot seventeen"
TABLE = f"adres;naam;wachtwoord;ruimte\nanna;Zoë;{GOOD};1 GB\nbert;=x;bert2026;\ncarl;;;\n"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setitem(
        passwords.SCHEMES, "ARGON2ID", argon2.using(type="ID", memory_cost=8, time_cost=1, parallelism=1)
    )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(TABLE)
    path.chmod(0o600)
    return path


def run(source, out, *options):
    told = io.StringIO()
    call_command(
        "hash_passwords", str(source), str(out), "--processes", "1", *options, stdout=told, stderr=told
    )
    return told.getvalue()


def test_the_upload_takes_what_it_makes_and_the_hashes_fit(source, tmp_path, upload):
    out = tmp_path / "out.csv"
    told = run(source, out)
    assert "2 hashes, 1 rows without" in told
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert not out.with_name("out.csv.part").exists()
    batch: Batch = upload(out.read_bytes())
    anna, bert, carl = batch.rows.order_by("number")
    assert [row.verdict for row in (anna, bert, carl)] == ["new", "new", "new"]
    assert passwords.matches(GOOD, anna.password_hash)
    assert (bert.wanted["name"], carl.password_hash) == ("=x", "")


def test_weak_ones_are_told_by_their_row_alone(source, tmp_path):
    told = run(source, tmp_path / "out.csv")
    assert "row 3: Do not build it around your name" in told
    for secret in ("bert2026", GOOD, "bert ", "anna"):
        assert secret not in told
    assert GOOD not in (tmp_path / "out.csv").read_text()


def test_nothing_is_written_over_and_others_who_can_read_it_are_told(source, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(CommandError, match="not written over"):
        run(source, out)
    assert out.read_text() == "mine"
    source.chmod(0o644)
    assert "chmod 600" in run(source, tmp_path / "other.csv")


def test_stopped_it_goes_on_where_it_was_and_keeps_no_password(source, tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "AT_ONCE", 1)
    hash_row, seen = hashing.hash_row, []

    def stopped_at_the_second(task):
        if len(seen) == 1:
            seen.append(0)
            raise KeyboardInterrupt
        seen.append(task.row)
        return hash_row(task)

    monkeypatch.setattr(hashing, "hash_row", stopped_at_the_second)
    out, part = tmp_path / "out.csv", tmp_path / "out.csv.part"
    with pytest.raises(CommandError, match="Stopped after 1 of 3"):
        run(source, out)
    assert not out.exists()
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert not any(word in part.read_text() for word in (GOOD, "anna", "Zo"))
    part.write_text(part.read_text() + '[3, "half')
    with pytest.raises(CommandError, match="another file or another scheme"):
        run(source, out, "--scheme", "SHA512-CRYPT")
    assert "Going on after 1 rows" in run(source, out)
    assert seen == [2, 0, 3, 4]
    [_titles, anna, *_others] = csv.reader(io.StringIO(out.read_text()))
    assert passwords.matches(GOOD, anna[2])


def test_on_several_cores_each_row_keeps_its_own(tmp_path):
    made = Workbook()
    made.worksheets[0].append(["address", "password"])
    for number in range(40):
        made.worksheets[0].append([f"u{number}", f"{GOOD} {number}"])
    made.save(tmp_path / "in.xlsx")
    run(tmp_path / "in.xlsx", tmp_path / "out.csv", "--processes", "2")
    rows = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"))))
    assert rows[0] == ["address", "password hash"]
    assert all(passwords.matches(f"{GOOD} {number}", rows[number + 1][1]) for number in (0, 7, 39))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("address,name\na,b\n", "nothing to hash"),
        ("address,password,hash\na,b,c\n", "Take one of them out"),
        ("name,password\na,b\n", "No column is called “address”"),
        ("address,password,wachtwoord\na,b,c\n", "Two columns mean the same"),
    ],
)
def test_a_table_that_can_not_be_used_is_refused(source, tmp_path, text, told):
    source.write_text(text)
    with pytest.raises(CommandError, match=told):
        run(source, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [source]
