import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from audit import seals, triggers
from audit.chain import Entry, hash_of, record, record_all
from audit.models import ChainHead, Event
from audit.origin import Behalf, Origin, acting_for, coming_from
from audit.verifying import problems

pytestmark = pytest.mark.sql


@pytest.fixture
def events(mailbox, webmaster):
    return [record("auto_reply.changed", by=webmaster, about=mailbox, after={"n": n}) for n in range(4)]


@pytest.fixture
def unguarded(db):
    """The database without its own refusal, as an intruder would make it."""
    triggers.remove(connection)


@pytest.fixture
def key(tmp_path, settings):
    call_command("make_audit_key", str(tmp_path / "key"))
    settings.AUDIT_KEY_FILE = str(tmp_path / "key")
    settings.AUDIT_DIRECTORY = str(tmp_path / "outside")


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def found(**options):
    return list(problems(**options))


def test_a_whole_chain_has_no_problem(events, capsys):
    assert found() == []
    call_command("verify_audit")
    assert "whole" in capsys.readouterr().out


def test_an_event_tells_who_what_and_from_where(mailbox, webmaster):
    with coming_from(Origin(address="192.0.2.7", request_id="abc")):
        event = record("mailbox.created", by=webmaster, about=mailbox, domain="example.test")
    assert (event.by, event.subject, event.subject_kind) == (
        webmaster,
        "anna@example.test",
        "accounts.mailbox",
    )
    assert (event.source_address, event.request_id, event.domain) == ("192.0.2.7", "abc", "example.test")


def test_who_acts_for_somebody_is_named_with_them(mailbox, domain, webmaster, support):
    with acting_for({("accounts.mailbox", mailbox.pk): Behalf(webmaster.pk, "willem")}):
        for_willem = record("auto_reply.changed", by=support, about=mailbox)
        of_another = record("mailbox.created", by=support, about=domain)
    assert (for_willem.by_name, for_willem.on_behalf_of_name) == ("sam", "willem")
    assert of_another.on_behalf_of_name == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET verb = 'x'",
        "UPDATE audit_event SET subject = ''",
        "UPDATE audit_event SET who_digest = hash",
        "UPDATE audit_event SET verb = verb",
        "DELETE FROM audit_event",
        "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE number = 2",
        "TRUNCATE audit_event CASCADE",
    ],
)
def test_the_database_refuses_to_touch_events(events, statement):
    only_for = {"INSERT OR": "sqlite", "TRUNCATE": "postgresql"}
    if any(statement.startswith(s) and connection.vendor != v for s, v in only_for.items()):
        pytest.skip("another database's words")
    with pytest.raises(DatabaseError, match="never"), transaction.atomic():
        execute(statement)
    assert Event.objects.count() == 4


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_event SET subject = 'berta@example.test' WHERE place = 2", "was changed"),
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE place = 2", "was changed"),
        ("""UPDATE audit_event SET after = '{"n": 7}' WHERE place = 2""", "was changed"),
        ("UPDATE audit_event SET source_address = '192.0.2.9' WHERE place = 2", "was changed"),
        ("DELETE FROM audit_event WHERE place = 2", "1 events are missing before it"),
        ("DELETE FROM audit_event WHERE place = 1", "1 events are missing before it"),
        ("DELETE FROM audit_event WHERE place = 4", "should end with its event 4, but ends with 3"),
        ("DELETE FROM audit_event", "should end with its event 4, but ends with 0"),
        ("UPDATE audit_event SET place = place + 10 WHERE place = 3", "follows a gap"),
        ("UPDATE audit_event SET previous_hash = '' WHERE place = 3", "does not follow the event before it"),
        ("UPDATE audit_event SET lane = 2, place = 1 WHERE place = 4", "Lane 2 should end with its event 0"),
        ("UPDATE audit_event SET lane = 77, place = 1 WHERE place = 4", "There is no lane 77"),
        ("UPDATE audit_event SET number = number + 500 WHERE place = 3", "was changed"),
    ],
)
def test_tampering_is_found_and_named(unguarded, events, statement, told):
    execute(statement)
    assert any(told in sentence for sentence in found())
    with pytest.raises(CommandError):
        call_command("verify_audit")


def test_two_events_that_changed_places_are_found(unguarded, events):
    for statement in ("SET place = 99 WHERE place = 2", "SET place = 2 WHERE place = 3"):
        execute(f"UPDATE audit_event {statement}")
    execute("UPDATE audit_event SET place = 3 WHERE place = 99")
    assert f"Event {events[2].number} was changed after it was recorded." in found()


def test_an_event_put_in_between_is_found(unguarded, events):
    """With a right hash of its own, as somebody who knows the format would make it."""
    false = Event.objects.get(place=2)
    execute("UPDATE audit_event SET place = place + 100 WHERE place > 2")
    execute("UPDATE audit_event SET place = place - 99 WHERE place > 100")
    false.pk, false.number, false.place, false.previous_hash = None, 9_999, 3, false.hash
    false.hash = hash_of(false)
    false.save(force_insert=True)
    assert any("does not follow" in sentence or "was changed" in sentence for sentence in found())


def test_a_guard_that_was_taken_away_is_told(unguarded, events):
    assert found() == ["The database's own guard is not there: events can be changed and deleted."]


def test_a_chain_rewritten_from_the_beginning_is_found_by_the_checkpoint(key, unguarded, events):
    seals.make_checkpoint()
    rewrite(subject="berta@example.test")
    triggers.install(connection)
    assert any("another event at place 4" in sentence for sentence in found())


def rewrite(**values):
    """As somebody who may write everything in the database: all hashes are right again afterwards."""
    previous = ""
    for event in Event.objects.order_by("place"):
        for name, value in values.items():
            setattr(event, name, value)
        event.previous_hash = previous
        event.hash = previous = hash_of(event)
        event.save()
    ChainHead.objects.filter(lane=1).update(hash=previous)


def test_events_cut_off_with_the_end_made_to_fit_are_found_by_the_checkpoint(key, unguarded, events):
    seals.make_checkpoint()
    execute("DELETE FROM audit_event WHERE place > 2")
    ChainHead.objects.filter(lane=1).update(number=2, hash=Event.objects.get(place=2).hash)
    triggers.install(connection)
    assert any("restored from an older backup, or events were cut off" in sentence for sentence in found())


def test_yesterdays_backup_is_told_from_the_checkpoint_kept_outside(key, mailbox, capsys):
    record("mailbox.created", by=None, about=mailbox)
    backup = transaction.savepoint()
    record("auto_reply.changed", by=None, about=mailbox)
    seals.make_checkpoint()
    transaction.savepoint_rollback(backup)
    with pytest.raises(CommandError):
        call_command("verify_audit")
    told = capsys.readouterr().err
    assert "Lane 1 has 1 events, but had 2" in told
    assert "restored from a backup made before" in told


def test_a_checkpoint_signed_with_another_key_is_told(key, events, tmp_path):
    seals.make_checkpoint()
    call_command("make_audit_key", str(tmp_path / "another"))
    another = seals.public_key_in(tmp_path / "another.pub")
    assert any("signature" in sentence for sentence in found(key=another))
    assert found(key=seals.private_key().public_key()) == []


def test_since_looks_at_later_events_only(unguarded, events, capsys):
    execute("UPDATE audit_event SET subject = 'x' WHERE place = 1")
    triggers.install(connection)
    assert found(since=datetime.now(UTC) + timedelta(minutes=1)) == []
    with pytest.raises(CommandError):
        call_command("verify_audit", since="2020-01-01")
    with pytest.raises(CommandError, match="no day"):
        call_command("verify_audit", since="yesterday")


def test_a_clock_that_goes_back_breaks_nothing(mailbox, monkeypatch):
    for hour in (12, 11, 13):
        moment = datetime(2026, 11, 24, hour, tzinfo=UTC)
        monkeypatch.setattr("audit.chain.timezone.now", lambda moment=moment: moment)
        record("mailbox.created", by=None, about=mailbox)
    assert found() == []
    assert [event.at.hour for event in Event.objects.order_by("number")] == [12, 11, 13]


@pytest.mark.parametrize(
    "value",
    [
        "x" * 300_000,
        "a\0b",
        "\ud800",
        "=1+1",
        "\u202e",
        0.1,
        -0.0,
        1e300,
        1e-300,
        1e20,
        2**70,
        float("nan"),
        {"deep": [1, {"er": None}]},
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_whatever_is_recorded_still_verifies_when_it_is_read_back(mailbox, value):
    record("auto_reply.changed", by=None, about=mailbox, before={"v": value}, after={"v": value})
    assert found() == []
    json.dumps(Event.objects.get().after)


def test_a_name_too_long_for_its_column_is_cut(mailbox, webmaster):
    mailbox.address = "a\0" * 400
    record("mailbox.created", by=webmaster, about=mailbox, domain="d" * 400)
    assert found() == []


def test_many_at_once_are_one_statement_and_in_order(mailbox, django_assert_max_num_queries):
    entries = [Entry(verb="mailbox.created", about=mailbox, after={"n": n}) for n in range(50)]
    with django_assert_max_num_queries(6):
        record_all(entries, by=None)
    assert [event.after["n"] for event in Event.objects.order_by("number")] == list(range(50))
    assert found() == []


def test_writers_do_not_wait_for_one_another(transactional_db, mailbox):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    with transaction.atomic():
        record("mailbox.created", by=None, about=mailbox)

        def write():
            with transaction.atomic():
                execute("SET LOCAL lock_timeout = '2s'")
                record("mailbox.created", by=None, about=mailbox)
            connections.close_all()

        writers = [threading.Thread(target=write) for _ in range(3)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert Event.objects.count() == 4
    assert found() == []
