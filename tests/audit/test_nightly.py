"""What the portal does with the chain by itself, each night."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from audit import checks, exporting, nightly, seals, tasks, triggers, verify_export, verifying
from audit.chain import record
from audit.models import Event, Seal, Verification
from audit.verifying import problems
from mails import queue
from mails.models import Mail

pytestmark = pytest.mark.sql


@pytest.fixture
def night(tmp_path, settings):
    call_command("make_audit_key", str(tmp_path / "key"))
    settings.AUDIT_KEY_FILE = str(tmp_path / "key")
    settings.AUDIT_DIRECTORY = str(tmp_path / "outside")
    settings.AUDIT_ARCHIVE_DIRECTORY = str(tmp_path / "archives")
    settings.AUDIT_KEEP_DAYS = 365
    settings.AUDIT_MAIL = ["notary@outside.test"]
    settings.EMAIL_HOST = "smtp.example.test"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return tmp_path


@pytest.fixture
def old_events(mailbox, monkeypatch):
    with monkeypatch.context() as then:
        then.setattr("audit.chain.timezone.now", lambda: datetime.now(UTC) - timedelta(days=400))
        return [record("auto_reply.changed", by=None, about=mailbox, after={"n": n}) for n in range(5)]


def test_old_events_are_archived_by_themselves_a_part_at_a_time(night, old_events, mailbox, monkeypatch):
    young = record("mailbox.created", by=None, about=mailbox)
    monkeypatch.setattr("audit.exporting.MOST_IN_A_FILE", 3)
    tasks.archive_old_events()
    tasks.archive_old_events()
    tasks.archive_old_events()
    assert list(Event.objects.values_list("number", flat=True)) == [young.number]
    key = seals.private_key().public_key()
    files = sorted((night / "archives").iterdir())
    assert [list(verify_export.problems(verify_export.lines_of(path), key, [])) for path in files] == [[], []]
    assert list(problems(key=key)) == []
    assert not triggers.are_missing(connection)


@pytest.mark.parametrize("missing", ["AUDIT_ARCHIVE_DIRECTORY", "AUDIT_KEEP_DAYS", "AUDIT_KEY_FILE"])
def test_nothing_is_archived_unless_everything_is_set(night, old_events, settings, missing):
    setattr(settings, missing, 0 if missing == "AUDIT_KEEP_DAYS" else "")
    tasks.archive_old_events()
    assert Event.objects.count() == 5
    assert not (night / "archives").exists()


def test_what_is_erased_while_the_file_is_written_is_not_left_in_it(night, old_events, monkeypatch):
    write = exporting._write_events

    def erase_meanwhile(*arguments):
        count = write(*arguments)
        digest = "a" * 64
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audit_event SET subject = '', before = NULL, after = NULL, what_salt = '',"
                " what_digest = %s WHERE place = 1",
                [digest],
            )
        return count

    monkeypatch.setattr("audit.exporting._write_events", erase_meanwhile)
    tasks.archive_old_events()
    assert Event.objects.count() == 5
    assert list((night / "archives").iterdir()) == []


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda rows: rows[1]["event"]["what"].update(subject="x"), "was changed"),
        (lambda rows: rows.pop(2), "comes after place 1"),
        (lambda rows: rows.insert(2, rows[1]), "comes after place 1"),
        (lambda rows: rows.insert(1, rows.pop(2)), "comes after place 0"),
        (lambda rows: rows.pop(5), "does not hold what its seal says"),
        (lambda rows: rows.pop(), "does not hold what its seal says"),
        (lambda rows: rows[6]["seal"]["statement"]["ends"]["1"].update(place=4), "signature"),
    ],
)
def test_an_archive_that_was_tampered_with_is_told(night, old_events, tamper, told):
    tasks.archive_old_events()
    [path] = (night / "archives").iterdir()
    rows = [json.loads(row) for row in gzip.decompress(path.read_bytes()).splitlines()]
    key = seals.private_key().public_key()
    assert list(verify_export.problems(rows, key, [])) == []
    tamper(rows)
    assert any(told in sentence for sentence in verify_export.problems(rows, key, []))


def test_the_checkpoint_is_mailed_and_verifies_from_the_mail(night, mailbox):
    record("mailbox.created", by=None, about=mailbox)
    tasks.seal_the_chain()
    tasks.mail_checkpoints()
    tasks.mail_checkpoints()
    [letter] = mail.outbox
    assert letter.to == ["notary@outside.test"]
    name, content, _kind = letter.attachments[0]
    (night / name).write_text(content)
    sealed = seals.from_file(night / name)
    assert seals.fits(sealed, seals.public_key_in(night / "key.pub"))
    assert sealed.key in letter.body


def test_a_checkpoint_that_could_not_be_mailed_is_mailed_later(night, mailbox, monkeypatch):
    tasks.seal_the_chain()
    with monkeypatch.context() as away:
        away.setattr("django.core.mail.EmailMessage.send", _refuse)
        tasks.mail_checkpoints()
    assert mail.outbox == []
    Mail.objects.update(next_attempt_at=timezone.now())
    assert queue.send_due() == 1


def _refuse(_letter):
    raise ConnectionRefusedError


def test_the_nightly_look_goes_on_from_the_checkpoint_before_and_tells_what_is_wrong(night, mailbox):
    record("mailbox.created", by=None, about=mailbox)
    tasks.seal_the_chain()
    Seal.objects.update(made_at=timezone.now() - timedelta(days=1))
    tasks.verify_the_chain()
    first = Verification.objects.get()
    assert (first.problems, first.is_of_all, first.events) == ([], True, 1)
    later = record("auto_reply.changed", by=None, about=mailbox)
    triggers.remove(connection)
    Event.objects.filter(pk=later.pk).update(verb="x")
    triggers.install(connection)
    tasks.verify_the_chain()
    second = Verification.objects.first()
    assert second.problems == [f"Event {later.number} was changed after it was recorded."]
    assert second.is_of_all == (timezone.localdate().isoweekday() == 7)
    tasks.mail_checkpoints()
    assert second.problems[0] in mail.outbox[-1].body


def test_what_the_settings_lack_is_told_with_a_way_out(night, settings):
    assert checks.audit_settings(None) == []
    settings.AUDIT_KEY_FILE = str(night / "nowhere")
    settings.AUDIT_ARCHIVE_DIRECTORY = settings.EMAIL_HOST = ""
    settings.AUDIT_DIRECTORY = str(night / "key")
    told = checks.audit_settings(None)
    assert [each.id for each in told] == ["audit.W001", "audit.W003", "audit.W004", "audit.W006"]
    settings.AUDIT_KEY_FILE = ""
    assert "make_audit_key" in str(checks.audit_settings(None)[0].hint)


def test_what_is_appended_while_somebody_looks_is_no_problem(night, mailbox, monkeypatch):
    record("mailbox.created", by=None, about=mailbox)
    look = verifying._link_problems

    def append_meanwhile(*arguments):
        if Event.objects.count() < 5:
            record("auto_reply.changed", by=None, about=mailbox)
            seals.make_checkpoint()
        return look(*arguments)

    monkeypatch.setattr(verifying, "_link_problems", append_meanwhile)
    assert nightly.verify().problems == []
    assert Event.objects.count() > 1
