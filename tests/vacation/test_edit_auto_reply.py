import pytest
from django.utils import timezone

from audit.models import Event
from mailservers.drivers.base import TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from portal.celery import app
from vacation.models import AutoReply

URL = "/mailboxes/anna@example.test/auto-reply/"
AWAY = {
    "enabled": "on",
    "subject": "Away",
    "text": "Back on Monday.",
    "starts": "",
    "ends": "",
    "version": "0",
}


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


def test_the_owner_sets_it_and_the_server_hears_of_it(client, mailbox, committed):
    client.force_login(mailbox.owner)
    with committed():
        client.post(URL, AWAY)
    assert "Back on Monday." in MemoryDriver.scripts["example0001"].text
    assert Event.objects.get(verb="auto_reply.switched_on").by == mailbox.owner


def test_the_webmaster_sets_it_for_somebody_else(willem, mailbox, committed):
    with committed():
        willem.post(URL, AWAY)
    assert MemoryDriver.scripts["example0001"].active
    assert 'data-state="live"' in willem.get(URL).content.decode()


def test_switching_it_off_keeps_the_text_for_next_time(willem, mailbox, committed):
    with committed():
        willem.post(URL, AWAY)
    with committed():
        willem.post(URL, {**AWAY, "enabled": "", "version": "1"})
    assert not MemoryDriver.scripts["example0001"].active
    assert "Back on Monday." in willem.get(URL).content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"text": ""}, "Write what people"),
        ({"text": "  \n "}, "Write what people"),
        ({"text": "x" * 100_000}, "100000 characters"),
        ({"text": "bell \x07"}, "Please remove the character U+0007"),
        ({"text": "nul \x00"}, "ull character"),
        ({"subject": "one\ntwo"}, "single line"),
        ({"starts": "2036-01-02T10:00", "ends": "2036-01-02T10:00"}, "not after the beginning"),
        ({"starts": "2036-01-02T10:00", "ends": "2036-01-01T10:00"}, "not after the beginning"),
        ({"ends": "2001-01-01T10:00"}, "has passed already"),
        ({"starts": "the first of May"}, "“the first of May” is not a day"),
        ({"version": ""}, "This field is required"),
    ],
)
def test_bad_input_is_told_at_once_and_nothing_is_pushed(willem, mailbox, typed, sentence):
    answer = willem.post(URL, AWAY | typed)
    assert sentence in answer.content.decode()
    assert not Change.objects.exists()


def test_what_was_typed_stays_in_the_form(willem, mailbox):
    page = willem.post(URL, AWAY | {"text": "my long story", "ends": "2001-01-01T10:00"}).content.decode()
    assert "my long story" in page
    assert "2001-01-01T10:00" in page


def test_the_text_is_kept_to_the_letter(willem, mailbox):
    willem.post(URL, AWAY | {"text": '  "quoted" \\ ${x}\r\n.\r\n  🙂 مرحبا  '})
    assert AutoReply.objects.get().text == '  "quoted" \\ ${x}\n.\n  🙂 مرحبا  '


def test_times_are_taken_in_the_portals_zone(willem, mailbox):
    willem.post(URL, AWAY | {"starts": "2036-07-01T10:00"})
    assert AutoReply.objects.get().starts.isoformat() == "2036-07-01T08:00:00+00:00"


def test_a_later_save_of_an_older_page_overwrites_nothing(willem, mailbox):
    willem.post(URL, AWAY | {"text": "first"})
    answer = willem.post(URL, AWAY | {"text": "second"})
    page = answer.content.decode()
    assert "Somebody else saved" in page
    assert "second" in page
    assert AutoReply.objects.get().text == "first"


def test_a_second_save_of_it_goes_through_knowingly(willem, mailbox):
    willem.post(URL, AWAY | {"text": "first"})
    told = willem.post(URL, AWAY | {"text": "second"})
    willem.post(URL, AWAY | {"text": "second", "version": told.context["form"]["version"].value()})
    assert AutoReply.objects.get().text == "second"


def test_every_new_absence_answers_everybody_again(willem, mailbox, committed):
    with committed():
        willem.post(URL, AWAY)
    first = MemoryDriver.scripts["example0001"].text
    willem.post(URL, {**AWAY, "enabled": "", "version": "1"})
    with committed():
        willem.post(URL, AWAY | {"version": "2"})
    assert MemoryDriver.scripts["example0001"].text == first.replace('-1"', '-2"', 1)


def test_with_its_server_down_the_page_answers_and_says_waiting(willem, mailbox, committed):
    MemoryDriver.failures.append(TryAgain("%(server)s does not answer.", server="maximusconfessor"))
    with committed():
        willem.post(URL, AWAY)
    page = willem.get(URL).content.decode()
    assert 'data-state="waiting"' in page
    assert "maximusconfessor does not answer." in page


def test_without_a_broker_the_change_waits_and_the_page_says_saved(willem, mailbox, committed, settings):

    app.conf.task_always_eager = False
    with committed():
        answer = willem.post(URL, AWAY, follow=True)
    assert "Saved" in answer.content.decode()
    assert Change.objects.get().state == "waiting"


def test_the_audit_keeps_what_it_was_and_what_it_became(willem, mailbox):
    willem.post(URL, AWAY)
    event = Event.objects.get()
    assert event.verb == "auto_reply.switched_on"
    assert (event.before["enabled"], event.after["text"]) == (False, "Back on Monday.")


def test_support_looks_and_changes_nothing(client, mailbox, support, looked_up):
    client.force_login(support)
    assert client.get(URL).status_code == 200
    assert client.post(URL, AWAY).status_code == 404
    assert not AutoReply.objects.exists()


def test_a_stranger_finds_no_such_mailbox(client, mailbox, stranger, other_webmaster):
    for person in (stranger, other_webmaster):
        client.force_login(person)
        assert client.get(URL).status_code == 404
        assert client.post(URL, AWAY).status_code == 404


def test_an_auto_reply_that_has_ended_is_over(mailbox):
    assert AutoReply(mailbox=mailbox, ends=timezone.now()).is_over
    assert not AutoReply(mailbox=mailbox).is_over


def test_how_often_one_sender_is_answered_and_for_which_addresses(willem, mailbox, committed):
    typed = AWAY | {"days": "2", "addresses": "Anna <Sales@Other.test>, anna@example.test"}
    with committed():
        willem.post(URL, typed)
    script = MemoryDriver.scripts[mailbox.login].text
    assert ":days 2 " in script
    assert '["anna@example.test", "sales@other.test"]' in script
    assert 'value="2"' in willem.get(URL).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "61"}, "less than or equal to 60"),
        ({"addresses": "sales"}, "“sales” is not a mail address"),
        (
            {"addresses": " ".join(f"a{n}@x.test" for n in range(21))},
            "These are 21 addresses; 20 are possible.",
        ),
    ],
)
def test_what_cannot_be_is_said_and_stays_typed(willem, mailbox, typed, words):
    page = willem.post(URL, AWAY | typed).content.decode()
    assert words in page
    assert next(iter(typed.values())) in page
    assert not AutoReply.objects.exists()
