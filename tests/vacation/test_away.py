"""Templates, the preview, several periods on the page, and the calendar of who is away."""

import datetime as dt

import pytest
from django.utils import timezone

from mails.models import Mail
from mailservers.drivers.memory import MemoryDriver
from tests.vacation.test_delivery import NASTY_LINES, NASTY_TEXTS
from tests.vacation.test_edit_auto_reply import AWAY
from vacation.models import AutoReply, ReplyTemplate
from vacation.preview import previews_of

URL = "/mailboxes/anna@example.test/auto-reply/"
LOGIN = "example0001"


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    return client


def words(answer):
    return " ".join(answer.content.decode().split())


def test_a_webmaster_writes_a_template_and_somebody_begins_with_two_languages(willem, mailbox, domain):
    url = "/domains/example.test/reply-templates/"
    for title, language, text in (
        ("Holiday", "en", "Away until {until}. Ask {replacement}, {phone}. {name} {unknown}"),
        ("Urlaub", "de", "Bis {until} nicht da."),
    ):
        typed = {"title": title, "language": language, "subject": "Away", "text": text}
        assert willem.post(url, typed).status_code == 302
    english, german = ReplyTemplate.objects.order_by("title")
    given = {
        "template": english.pk,
        "second": german.pk,
        "until": "2036-07-01T10:00",
        "replacement": "{phone} Bert",
        "phone": "123",
    }
    form = willem.get(URL, given).context["form"]
    first = "Away until July 1, 2036. Ask {phone} Bert, 123. Anna Jansen {unknown}"
    assert form["text"].value() == f"{first}\n\n– – –\n\nBis 1. Juli 2036 nicht da."
    assert form["subject"].value() == "Away / Away"
    assert not AutoReply.objects.exists()


def test_another_domains_template_is_none_to_choose(willem, mailbox, other_domain):
    theirs = ReplyTemplate.objects.create(
        domain=other_domain, title="x", language="en", text="secret of theirs"
    )
    assert "of theirs" not in words(willem.get(URL, {"template": theirs.pk}))


def test_the_preview_saves_nothing_and_shows_both_texts(willem, mailbox):
    page = willem.post(
        URL, AWAY | {"subject": "Away: {subject}", "outside_text": "Outside only.", "preview": "yes"}
    )
    assert "Away: Your question" in words(page)
    assert [preview.text for preview in page.context["previews"]] == ["Back on Monday.", "Outside only."]
    assert not AutoReply.objects.exists()


@pytest.mark.parametrize("text", NASTY_TEXTS.values(), ids=NASTY_TEXTS)
def test_the_preview_is_true_to_the_letter(mailbox, text):
    [preview] = previews_of(AutoReply(mailbox=mailbox, text=text))
    # Ends of lines after the last one are not seen.
    assert preview.text.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("line", NASTY_LINES.values(), ids=NASTY_LINES)
def test_so_is_its_subject(mailbox, line):
    [preview] = previews_of(AutoReply(mailbox=mailbox, text="x", subject=line))
    assert preview.subject == line


def test_periods_and_days_are_saved_and_pushed(willem, mailbox, committed):
    typed = {
        "starts": "2036-01-01T08:00",
        "ends": "2036-01-02T08:00",
        "starts_0": "2036-02-01T08:00",
        "ends_0": "2036-02-02T08:00",
        "weekdays": ["3", "5"],
        "outside_text": "Outside.",
    }
    with committed():
        willem.post(URL, AWAY | typed)
    reply = AutoReply.objects.get()
    assert reply.weekdays == [3, 5]
    assert len(reply.windows()) == 2
    text = MemoryDriver.scripts[LOGIN].text
    assert '"2036-02-01T07:00:00Z"' in text
    assert '["3", "5"]' in text
    page = words(willem.get(URL))
    assert "It answers only on: Wednesday, Friday." in page


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"starts_0": "2036-02-01T08:00"}, "needs both a beginning and an end"),
        (
            {"ends": "2036-01-01T08:00", "starts_0": "2036-02-02T08:00", "ends_0": "2036-02-01T08:00"},
            "not after",
        ),
        ({"starts_0": "2036-02-01T08:00", "ends_0": "2036-02-02T08:00"}, "Give the first period an end"),
        ({"weekdays": ["9"]}, "Select a valid choice"),
        ({"outside_text": "\x07"}, "Please remove the character"),
        ({"text": "🙂" * 9000, "outside_text": "🙂" * 9000}, "too long"),
    ],
)
def test_bad_periods_are_told_and_nothing_is_saved(willem, mailbox, typed, sentence):
    assert sentence in words(willem.post(URL, AWAY | typed))
    assert not AutoReply.objects.exists()


def test_a_colleague_for_whom_it_is_set_is_told(willem, mailbox):
    willem.post(URL, AWAY)
    notice = Mail.objects.get()
    assert notice.address == "anna@example.test"
    assert "willem" in notice.subject


def test_who_sets_it_themselves_is_not_written_to(client, owner, mailbox):
    client.force_login(owner, "accounts.backends.MailboxBackend")
    client.post(URL, AWAY)
    assert not Mail.objects.exists()


def test_the_calendar_shows_whoever_answers_on_their_days(willem, mailbox):
    assert "Nobody is away" in words(willem.get("/domains/example.test/away/"))
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="x", weekdays=[3])
    weeks = willem.get("/domains/example.test/away/").context["weeks"]
    away = {day.date.isoweekday() for week in weeks for day in week if day.away}
    assert (away, len(weeks)) == ({3}, 5)


def shown(willem) -> list[dt.date]:
    weeks = willem.get("/domains/example.test/away/").context["weeks"]
    return [day.date for week in weeks for day in week if day.away]


def test_the_calendar_shows_days_of_the_week_from_the_beginning_to_the_end(willem, mailbox):
    today = timezone.localdate()
    third = today + dt.timedelta(days=14 - today.weekday())
    AutoReply.objects.create(
        mailbox=mailbox,
        enabled=True,
        text="x",
        weekdays=[1, 3],
        # From the Monday's evening until the Wednesday's noon, nine days later.
        starts=timezone.make_aware(dt.datetime.combine(third, dt.time(18))),
        ends=timezone.make_aware(dt.datetime.combine(third + dt.timedelta(days=9), dt.time(12))),
    )
    assert shown(willem) == [third + dt.timedelta(days=number) for number in (0, 2, 7, 9)]


def test_without_a_beginning_the_days_that_are_over_are_not_shown(willem, mailbox):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="x", weekdays=[1, 2, 3, 4, 5, 6, 7])
    assert min(shown(willem)) == timezone.localdate()
