import json
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import Person
from accounts.stepping_up import STEPPED_UP_AT
from audit import triggers
from audit.chain import record
from audit.models import Event
from audit.origin import Origin, coming_from
from audit.verifying import problems

pytestmark = pytest.mark.sql


def test_somebody_takes_all_that_is_known_of_them_and_no_secret(client, mailbox, webmaster):
    record("auto_reply.changed", by=webmaster, about=mailbox, after={"text": "Away"})
    record("mailbox.created", by=webmaster, about=mailbox.domain)
    client.force_login(mailbox.owner)
    assert "once more" in client.post("/account/data/").content.decode()
    session = client.session
    session[STEPPED_UP_AT] = time.time()
    session.save()
    text = b"".join(client.post("/account/data/").streaming_content).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["kind"] for row in rows] == ["person", "mailbox", "event", "event"]
    assert "ARGON2" not in text
    assert Event.objects.filter(verb="person.data_taken", by=mailbox.owner).exists()


def test_erasing_keeps_the_chain_whole_and_no_name(mailbox, owner, webmaster):
    with coming_from(Origin(address="192.0.2.7")):
        record("auto_reply.changed", by=owner, about=mailbox, after={"text": "I am Anna"})
        record("auto_reply.changed", by=webmaster, about=mailbox, after={"text": "Anna is away"})
    with pytest.raises(CommandError, match="delete the mailbox"):
        call_command("erase_person", "anna@example.test", reason="asked for it")
    mailbox.deleted_at = timezone.now()
    mailbox.save()
    call_command("erase_person", "anna@example.test", reason="asked for it")
    assert list(problems()) == []
    kept = json.dumps([[str(value) for value in row] for row in Event.objects.values_list()])
    assert "nna" not in kept
    # What the webmaster did is still known to be theirs.
    assert Event.objects.get(by=webmaster).by_name == "willem"
    assert Person.objects.get(pk=owner.pk).username.startswith("erased-")


def test_an_erasure_that_nothing_tells_of_is_found(mailbox):
    event = record("mailbox.created", by=None, about=mailbox)
    Event.objects.filter(pk=event.pk).update(subject="", what_salt="", what_digest="0" * 64)
    told = list(problems())
    assert f"The personal fields of event {event.number} were erased, and no event tells of it." in told


def test_the_guard_lets_erasing_through_and_nothing_beside_it(mailbox):
    event = record("mailbox.created", by=None, about=mailbox)
    with pytest.raises(DatabaseError, match="never"), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(subject="x", what_salt="", what_digest="0" * 64)
    assert not triggers.are_missing(connection)
