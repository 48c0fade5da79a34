"""Support says why it looks for somebody in the audit, once an hour; what was looked for is kept."""

import time

import pytest

from accounts.lookups import look_up
from accounts.models import Mailbox
from accounts.stepping_up import STEPPED_UP_AT
from audit.chain import record
from audit.models import Event

MAILBOX, PERSON = "/audit/?subject=anna@example.test", "/audit/?by_name=willem&verb=person.signed_in"


def searches():
    return [event.after for event in Event.objects.filter(verb="audit.searched").order_by("number")]


def test_looking_for_a_mailbox_asks_on_its_own_page_and_its_user_reads_it(client, mailbox, support):
    client.force_login(support)
    asked = client.get(MAILBOX)
    assert asked.headers["Location"].startswith("/mailboxes/anna@example.test/why/?next=%2Faudit%2F")
    done = client.post(asked.headers["Location"], {"reason": "Ticket 4711"} | {"next": MAILBOX}, follow=True)
    assert done.context["page"].rows[0].verb == "mailbox.looked_up"
    assert searches() == [{"filter": {"subject": "anna@example.test"}}]


@pytest.mark.parametrize("path", [PERSON, "/audit/?source_address=192.0.2.7", "/audit/people/willem/"])
def test_looking_for_others_asks_once_and_keeps_what_was_looked_for(client, webmaster, support, path):
    client.force_login(support)
    asked = client.get(path)
    assert asked.headers["Location"].startswith("/audit/why/")
    page = client.post(asked.headers["Location"], {"reason": "", "next": path})
    assert "required" in page.content.decode()
    answer = client.post(asked.headers["Location"], {"reason": "Ticket 4711", "next": path})
    assert answer.headers["Location"] == path
    for _ in range(2):
        assert client.get(path).status_code == 200
    [kept] = searches()
    assert kept["reason"] == "Ticket 4711"
    assert Event.objects.get(verb="audit.reason_given").by == support


def test_a_reason_runs_out(client, support):
    client.force_login(support)
    session = client.session
    session["audit_reason"] = {"reason": "Ticket 4711", "until": time.time() - 1}
    session.save()
    assert client.get(PERSON).status_code == 302


def test_nobody_is_led_away_by_the_page_that_asks(client, support):
    client.force_login(support)
    answer = client.post("/audit/why/", {"reason": "Ticket 4711", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/audit/"


def test_an_event_of_a_mailbox_is_not_read_without_a_reason(client, mailbox, webmaster, support):
    event = record("auto_reply.changed", by=webmaster, about=mailbox, after={"text": "My secret"})
    client.force_login(support)
    path = f"/audit/events/{event.number}/"
    assert "/mailboxes/anna@example.test/why/" in client.get(path).headers["Location"]
    look_up(mailbox, "Ticket 4711", by=support)
    assert "My secret" in client.get(path).content.decode()


def test_a_mailbox_that_has_the_number_of_who_reads_is_not_read_without_a_reason_either(
    client, mailbox, support
):
    alike = Mailbox.objects.filter(pk=support.pk).first() or Mailbox.objects.create(
        pk=support.pk,
        address="kees@example.test",
        domain=mailbox.domain,
        server=mailbox.server,
        login="example0009",
        quota_bytes=0,
    )
    event = record("auto_reply.changed", by=None, about=alike, after={"text": "My secret"})
    client.force_login(support)
    assert (
        f"/mailboxes/{alike.address}/why/" in client.get(f"/audit/events/{event.number}/").headers["Location"]
    )


def test_files_are_not_taken_without_a_reason(client, support, webmaster):
    client.force_login(support)
    assert "once more" in client.post("/audit/export/", {"format": "csv"}).content.decode()
    session = client.session
    session[STEPPED_UP_AT] = time.time()
    session.save()
    assert client.post("/audit/export/", {"format": "csv"}).headers["Location"].startswith("/audit/why/")
    client.post("/audit/why/", {"reason": "Ticket 4711"})
    assert client.post("/audit/export/", {"format": "csv"}).status_code == 200
    assert Event.objects.get(verb="audit.exported").after["reason"] == "Ticket 4711"


def test_what_names_nobody_needs_no_reason_and_operators_need_none(client, support, operator, webmaster):
    client.force_login(support)
    assert client.get("/audit/?verb=person.signed_in&since=2026-01-01").status_code == 200
    client.force_login(operator)
    assert client.get(PERSON).status_code == 200
    assert searches() == [{"filter": {"by_name": "willem", "verb": "person.signed_in"}}]
