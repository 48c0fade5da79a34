import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit import seals, verify_export
from audit.chain import record
from audit.models import Event
from audit.verifying import problems
from mailservers import outbox

pytestmark = pytest.mark.sql


@pytest.fixture
def key(tmp_path, settings):
    call_command("make_audit_key", str(tmp_path / "key"))
    settings.AUDIT_KEY_FILE = str(tmp_path / "key")
    return seals.private_key().public_key()


@pytest.fixture
def export(key, mailbox, webmaster, tmp_path):
    """Three events, a checkpoint, one more event, as rows."""
    for text in ("=1+1", "<script>", "Grüße\u202e"):
        record("auto_reply.changed", by=webmaster, about=mailbox, after={"text": text})
    seals.make_checkpoint()
    record("mailbox.created", by=None, about=mailbox)
    call_command("export_audit", str(tmp_path / "export.jsonl"))
    return [json.loads(line) for line in (tmp_path / "export.jsonl").read_text().splitlines()]


def wrong(rows, key, outside=()):
    return list(verify_export.problems(rows, key, list(outside)))


def test_the_script_alone_says_that_an_export_is_right(export, tmp_path):
    script = Path(verify_export.__file__).read_text()
    (tmp_path / "alone.py").write_text(script)
    command = [sys.executable, "-I", "alone.py", "--key", "key.pub", "export.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:23], done.stderr) == (0, "All is as it was record", "")
    changed = (tmp_path / "export.jsonl").read_text().replace("=1+1", "=1+2")
    (tmp_path / "export.jsonl").write_text(changed)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "was changed" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda rows: rows[2]["event"].update(verb="x"), "was changed"),
        (lambda rows: rows.pop(2), "comes after place 1"),
        (lambda rows: rows.insert(2, rows[1]), "comes after place 1"),
        (lambda rows: rows.insert(1, rows.pop(2)), "comes after place 0"),
        (lambda rows: rows.pop(), "was cut off"),
        (lambda rows: rows.pop(4), "do not end where the last line says"),
        (lambda rows: rows[5]["seal"]["statement"].update(made_at="2020"), "signature"),
    ],
)
def test_what_was_tampered_with_is_told(export, key, tamper, told):
    assert wrong(export, key) == []
    tamper(export)
    assert any(told in sentence for sentence in wrong(export, key))


def test_an_export_older_than_a_checkpoint_kept_elsewhere_is_told(export, key):
    later = seals.make_checkpoint().as_json()
    assert wrong(export, key, [later]) == []
    later["statement"]["ends"]["1"]["place"] = 9
    assert any("has fewer here" in sentence for sentence in wrong(export, key, [later]))


def test_old_events_go_into_a_file_that_verifies_and_the_rest_stays_whole(
    key, mailbox, webmaster, tmp_path, monkeypatch
):
    old = datetime.now(UTC) - timedelta(days=400)
    with monkeypatch.context() as then:
        then.setattr("audit.chain.timezone.now", lambda: old)
        event = record("auto_reply.changed", by=webmaster, about=mailbox, before={"enabled": False})
    change = outbox.request_push(mailbox, "script", event)
    seals.make_checkpoint()
    young = record("mailbox.created", by=None, about=mailbox)
    call_command("archive_audit", str(tmp_path / "archives"), keep_days=365)

    assert list(Event.objects.values_list("number", flat=True)) == [young.number]
    change.refresh_from_db()
    assert change.event is None
    assert list(problems(key=key)) == []
    [path] = (tmp_path / "archives").iterdir()
    assert wrong(list(verify_export.lines_of(path)), key) == []
    with pytest.raises(DatabaseError, match="never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    rows[1]["event"]["verb"] = "x"
    assert any("was changed" in sentence for sentence in wrong(rows, key))
    # A second archive follows the first, and the export says where it begins.
    call_command("export_audit", str(tmp_path / "rest.jsonl"))
    assert wrong(list(verify_export.lines_of(tmp_path / "rest.jsonl")), key) == []


def test_events_taken_out_without_an_archive_are_told(key, mailbox):
    record("mailbox.created", by=None, about=mailbox)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_chainhead SET archived_place = 1 WHERE lane = 1")
    assert any("begins later than anything that was archived" in sentence for sentence in problems())


def test_nothing_is_archived_without_a_key_or_a_number_of_days(mailbox, tmp_path, settings):
    record("mailbox.created", by=None, about=mailbox)
    with pytest.raises(CommandError, match="keep-days"):
        call_command("archive_audit", str(tmp_path))
    with pytest.raises(CommandError, match="make_audit_key"):
        call_command("archive_audit", str(tmp_path), keep_days=1)
    assert Event.objects.count() == 1
