import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit import triggers
from audit.chain import broken_links, record
from audit.models import Event
from audit.origin import Origin, coming_from

pytestmark = pytest.mark.sql


@pytest.fixture
def events(mailbox, webmaster):
    return [record("auto_reply.changed", by=webmaster, about=mailbox, after={"n": n}) for n in range(4)]


@pytest.fixture
def unguarded(db):
    """The database without its own refusal, as an intruder would make it."""
    triggers.remove(connection)


def test_a_whole_chain_has_no_broken_link(events):
    assert list(broken_links()) == []
    call_command("verify_audit")


def test_an_event_tells_who_what_and_from_where(mailbox, webmaster):
    with coming_from(Origin(address="192.0.2.7", request_id="abc")):
        event = record("mailbox.created", by=webmaster, about=mailbox, domain="example.test")
    assert (event.by, event.subject, event.subject_kind) == (
        webmaster,
        "anna@example.test",
        "accounts.mailbox",
    )
    assert (event.source_address, event.request_id, event.domain) == ("192.0.2.7", "abc", "example.test")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET verb = 'x'", "DELETE FROM audit_event"],
)
def test_the_database_refuses_to_touch_events(events, statement):
    with pytest.raises(DatabaseError, match="never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.count() == 4


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_event SET subject = 'berta@example.test' WHERE number = 2", "Event 2 was changed"),
        ("DELETE FROM audit_event WHERE number = 2", "Event 2 is missing"),
        ("DELETE FROM audit_event WHERE number = 4", "should end at event 4"),
        ("UPDATE audit_event SET number = number + 10 WHERE number = 3", "Event 3 is missing"),
        ("UPDATE audit_event SET previous_hash = '' WHERE number = 3", "Event 3 does not follow"),
    ],
)
def test_tampering_is_found_and_named(unguarded, events, statement, found):
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert any(found in sentence for sentence in broken_links())
    with pytest.raises(CommandError):
        call_command("verify_audit")
