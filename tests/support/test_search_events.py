import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import LookUp
from accounts.spreadsheets import as_written, harmless
from accounts.stepping_up import STEPPED_UP_AT
from audit.chain import record
from audit.models import Event
from audit.origin import Origin, coming_from
from mailservers import outbox
from mailservers.models import Change
from support.searching import SearchForm

pytestmark = pytest.mark.sql
HOSTILE = '=HYPERLINK("http://evil.example","x")<script>alert(1)</script>\u202e'


@pytest.fixture
def events(mailbox, domain, webmaster, support, client):
    with coming_from(Origin(address="192.0.2.7", request_id="abc")):
        record("auto_reply.switched_on", by=webmaster, about=mailbox, domain=domain.name)
        record("domain.quota_settings_changed", by=webmaster, about=domain, domain=domain.name)
    record("mailbox.created", by=None, about=mailbox, domain=domain.name, after={"login": HOSTILE})
    client.force_login(support)
    say_why(client, support, mailbox)


def say_why(client, person, mailbox):
    """Both for the mailbox, which is asked for itself, and for people; without the events of that."""
    LookUp.objects.create(person=person, mailbox=mailbox, until=timezone.now() + timedelta(minutes=30))
    session = client.session
    session[STEPPED_UP_AT] = time.time()
    session["audit_reason"] = {"reason": "Ticket 4711", "until": time.time() + 3600}
    session.save()


def numbers(client, query):
    page = client.get(f"/audit/?subject=&{query}").context["page"]
    return [event.verb for event in page.rows]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["mailbox.created", "domain.quota_settings_changed", "auto_reply.switched_on"]),
        ("subject=Anna@Example.test", ["mailbox.created", "auto_reply.switched_on"]),
        ("subject=anna@EXAMPLE.test.&domain=Example.test.", ["mailbox.created", "auto_reply.switched_on"]),
        ("by_name=willem&verb=auto_reply.switched_on", ["auto_reply.switched_on"]),
        (
            "source_address=192.0.2.7&domain=example.test&subject=example.test",
            ["domain.quota_settings_changed"],
        ),
        ("outcome=failed", []),
        ("since=2020-01-01&until=2020-12-31", []),
        ("since=2020-01-01", ["mailbox.created", "domain.quota_settings_changed", "auto_reply.switched_on"]),
    ],
)
def test_support_finds_events_by_each_field(client, events, query, found):
    assert numbers(client, query) == found


def test_what_can_not_be_is_told_and_kept(client, events):
    page = client.get(
        "/audit/?subject=&source_address=here&since=2026-02-02&until=2026-01-01"
    ).content.decode()
    assert "valid IPv4 or IPv6 address" in page
    assert "before the first one" in page
    assert 'value="here"' in page


def test_each_thing_asked_for_is_a_chip_that_leaves_it_out(client, events):
    page = client.get("/audit/?subject=anna@example.test&verb=mailbox.created&outcome=done&before=99")
    assert [(label, words) for label, words, _ in page.context["chips"]] == [
        ("About", "anna@example.test"),
        ("What happened", "… created the mailbox"),
        ("Outcome", "done"),
    ]
    without_the_verb = page.context["chips"][1][2]
    assert without_the_verb == "subject=anna%40example.test&outcome=done"
    assert '<option value="mailbox.created" selected>' in page.content.decode()


def test_a_verb_that_does_not_exist_is_refused(client, events):
    assert "Nothing of this kind" in client.get('/audit/?verb="><script>').content.decode()


def test_the_chart_tells_each_day_and_what_did_not_succeed(client, events, mailbox):
    record("change.failed", by=None, about=mailbox, outcome=Event.Outcome.FAILED)
    fragment = client.get("/audit/days/?subject=anna@example.test", headers={"HX-Request": "true"})
    days = fragment.context["days"]
    assert len(days) == 30
    assert (days[-1].count, days[-1].not_done, days[-2].count) == (3, 1, 0)
    told = fragment.content.decode()
    assert f"subject=anna%40example.test&amp;since={days[-1].day}&amp;until={days[-1].day}" in told
    assert "<html" not in told
    assert "<html" in client.get("/audit/days/?since=2020-01-01").content.decode()


@pytest.mark.parametrize("state", Change.State.values)
def test_a_state_in_the_list_is_drawn_as_everywhere(client, mailbox, support, state):
    client.force_login(support)
    event = record("auto_reply.changed", by=None, about=mailbox)
    change = outbox.request_push(mailbox, "script", event)
    Change.objects.filter(pk=change.pk).update(state=state, settled_at=timezone.now(), reason="No <room>.")
    change.refresh_from_db()
    # A settled one as in a history: newer ones may stand by now.
    place = "history" if change.is_settled else "list"
    partial = render_to_string("mailservers/_state.html", {"change": change, "place": place})
    page = client.get("/audit/").content.decode()
    assert "".join(partial.split()) in "".join(page.split())


def test_pages_follow_one_another_without_losing_events(client, mailbox, support):
    client.force_login(support)
    for _ in range(60):
        record("mailbox.created", by=None, about=mailbox)
    first = client.get("/audit/")
    rest = client.get(f"/audit/?before={first.context['page'].before}")
    shown = [event.number for page in (first, rest) for event in page.context["page"].rows]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 60


def test_days_are_found_though_the_clock_went_back(client, mailbox, support, monkeypatch):
    client.force_login(support)
    for day in (10, 12, 9, 11):
        moment = datetime(2026, 3, day, 12, tzinfo=UTC)
        monkeypatch.setattr("audit.chain.timezone.now", lambda moment=moment: moment)
        record("mailbox.created", by=None, about=mailbox)
    found = client.get("/audit/?subject=&since=2026-03-10&until=2026-03-11").context["page"].rows
    assert sorted(event.at.day for event in found) == [10, 11]


def test_hostile_text_is_harmless_on_every_page(client, events, mailbox, looked_up):
    event = Event.objects.get(verb="mailbox.created")
    for path in (
        "/audit/",
        f"/audit/?domain={quote(HOSTILE)}",
        f"/audit/days/?domain={quote(HOSTILE)}",
        f"/audit/events/{event.number}/",
        "/audit/mailboxes/anna@example.test/",
        "/domains/example.test/history/",
        f"/audit/why/?next={quote(HOSTILE)}",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()


def test_a_csv_file_tells_its_filter_and_no_cell_is_a_formula(client, events, support):
    answer = client.post("/audit/export/", {"format": "csv", "subject": "anna@example.test"})
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0] == ['filter: {"subject": "anna@example.test"}']
    assert [row[5] for row in rows[2:]] == ["mailbox.created", "auto_reply.switched_on"]
    exported = Event.objects.get(verb="audit.exported")
    assert (exported.by, exported.after["filter"]) == (support, {"subject": "anna@example.test"})


def test_json_lines_hold_everything(client, events):
    answer = client.post("/audit/export/", {"format": "jsonl"})
    first, *rows = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert first == {"filter": {}}
    assert rows[0]["after"] == {"login": HOSTILE}


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@SUM(1)", "\t=1", " =1", "\u00a0=1", "＝1", "\r=1", "|x"]
)
def test_text_that_a_spreadsheet_would_reckon_with_is_quoted(text):
    assert harmless(text).startswith("'")
    assert as_written(harmless(text)) == text


def test_other_text_stays_and_enormous_text_fits_a_cell():
    assert harmless("anna@example.test") == "anna@example.test"
    assert len(harmless("x" * 1_000_000)) == 32_000


def test_a_change_that_still_waits_is_seen_too(client, mailbox, support):
    event = record("mailbox.created", by=None, about=mailbox)
    outbox.request_push(mailbox, "account", event)
    client.force_login(support)
    say_why(client, support, mailbox)
    assert 'data-state="waiting"' in client.get(f"/audit/events/{event.number}/").content.decode()


def test_a_change_is_seen_whole(client, mailbox, webmaster, support, committed):
    with committed():
        event = record("mailbox.quota_changed", by=webmaster, about=mailbox, before={"quota_bytes": 1024**3})
        outbox.request_push(mailbox, "account", event)
    client.force_login(support)
    say_why(client, support, mailbox)
    page = client.get(f"/audit/events/{event.number}/").content.decode()
    for words in ("willem changed how much room", "1\u00a0GB", "Reached the server ✓", "Attempt 1"):
        assert words in page
    attempt = Event.objects.get(verb="change.live")
    assert (attempt.subject, attempt.after["attempt"]) == ("anna@example.test", 1)
    assert f"/audit/events/{event.number}/" in client.get(f"/audit/events/{attempt.number}/").content.decode()


def test_a_webmaster_sees_the_domains_history_and_no_ip_addresses(client, events, webmaster):
    client.force_login(webmaster)
    page = client.get("/domains/example.test/history/").content.decode()
    assert "switched the auto-reply on" in page
    assert "192.0.2.7" not in page
    assert client.get("/domains/elsewhere.test/history/").status_code == 404


def test_people_and_servers_have_timelines(client, events, server):
    record("server.paused", by=None, about=server)
    assert "switched the auto-reply on" in client.get("/audit/people/willem/").content.decode()
    assert "paused the pushing" in client.get("/audit/servers/maximusconfessor/").content.decode()
    assert client.get("/audit/mailboxes/nobody@example.test/").status_code == 404


@pytest.mark.parametrize("typed", ["info@bücher.test", "INFO@BÜCHER.test", "info@xn--bcher-kva.test"])
def test_the_address_is_searched_as_it_is_kept(typed):
    form = SearchForm({"subject": typed, "domain": typed.partition("@")[2]})
    assert form.is_valid()
    assert form.cleaned_data["subject"] == "info@xn--bcher-kva.test"
    assert form.cleaned_data["domain"] == "xn--bcher-kva.test"
