"""Days without times are enough, and what the clock does in the night of a change is told in plain words."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Alias
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from portal.templatetags.times import weekday_and_end
from tests.vacation.test_edit_auto_reply import AWAY, URL
from vacation.day_field import DayField, shown
from vacation.models import AutoReply, Forwarding

BRUSSELS = "Europe/Brussels"
ZONES = [
    BRUSSELS,
    "America/Santiago",
    "Asia/Beirut",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "UTC",
    "Pacific/Apia",
]


def cleaned(*typed, is_end=False, zone=BRUSSELS):
    with timezone.override(zone):
        found = DayField(is_end=is_end, required=False).clean(list(typed))
        return found and found.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="minutes")


def refused(*typed, zone=BRUSSELS):
    with timezone.override(zone), translation.override("en"), pytest.raises(ValidationError) as wrong:
        DayField().clean(list(typed))
    [message] = wrong.value.messages
    return message


@pytest.mark.parametrize("typed", ["2027-12-07", "07-12-2027", "7/12/2027", "7.12.2027", " 2027-12-07 "])
def test_a_day_is_enough_and_the_last_one_is_included(typed):
    assert cleaned(typed, "") == "2027-12-07T00:00"
    assert cleaned(typed, "", is_end=True) == "2027-12-08T00:00"


@pytest.mark.parametrize("typed", [("2027-12-07", "09:30"), ("2027-12-07", "9.30"), ("2027-12-07T09:30", "")])
def test_a_time_may_be_given(typed):
    assert cleaned(*typed) == cleaned(*typed, is_end=True) == "2027-12-07T09:30"


def test_nothing_is_nothing_and_a_time_wants_its_day():
    assert cleaned("", "") is None
    assert refused("", "09:30") == "Give the day too."
    assert "is not a time" in refused("2027-12-07", "25:00")
    assert "is not a day" in refused("2027-02-30", "")
    assert "too far away" in refused("9999-12-31", "")


def test_a_time_that_the_clock_leaves_out_or_shows_twice_is_told_with_a_way_out():
    gap = refused("2027-03-28", "02:30")
    assert gap == "The clocks go forward then: 02:30 does not exist that day. Choose 03:30, say."
    twice = refused("2027-10-31", "02:30")
    assert twice == ("The clocks go back then: 02:30 comes twice that day. Choose 01:59 or 03:00 instead.")
    assert cleaned("2027-03-28", "03:30") == "2027-03-28T03:30"
    assert cleaned("2027-10-31", "01:59") == "2027-10-31T01:59"


def test_a_day_alone_is_never_refused_though_its_midnight_may_not_be():
    assert cleaned("2027-09-05", "", zone="America/Santiago") == "2027-09-05T01:00"
    assert cleaned("2027-09-04", "", is_end=True, zone="America/Santiago") == "2027-09-05T01:00"


@given(
    day=st.dates(dt.date(2000, 1, 2), dt.date(2099, 12, 30)),
    zone=st.sampled_from(ZONES),
    is_end=st.booleans(),
)
def test_every_day_in_every_zone_is_taken_and_shown_again_as_it_was_typed(day, zone, is_end):
    with timezone.override(zone):
        found = DayField(is_end=is_end).clean([day.isoformat(), ""])
        assert shown(found, is_end=is_end) == (day.isoformat(), "")


@given(seconds=st.integers(0, 99 * 365 * 86_400), zone=st.sampled_from(ZONES))
def test_what_stands_is_sent_back_unchanged_to_the_second(seconds, zone):
    stands = dt.datetime(2000, 1, 3, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    with timezone.override(zone):
        for is_end in (True, False):
            field = DayField(is_end=is_end)
            field.stands = stands
            assert field.clean(list(shown(stands, is_end=is_end))) == stands


def test_a_form_with_days_alone_is_saved_and_shows_them_again(client, mailbox, committed):
    client.force_login(mailbox.owner)
    with committed():
        client.post(
            URL,
            AWAY
            | {
                "starts": "2036-07-01",
                "ends": "2036-07-14",
                "ends_0": "2036-08-02",
                "starts_0": "2036-08-01",
            },
        )
    reply = AutoReply.objects.get()
    assert (reply.starts, reply.ends) == (
        dt.datetime(2036, 7, 1, tzinfo=ZoneInfo(BRUSSELS)),
        dt.datetime(2036, 7, 15, tzinfo=ZoneInfo(BRUSSELS)),
    )
    page = client.get(URL).content.decode()
    assert 'type="date" name="ends" value="2036-07-14"' in page
    assert 'name="ends_time" value=""' in page
    assert 'name="ends_0" value="2036-08-02"' in page
    assert "From (period 2)" in page
    assert "From (period 3)" in page


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("2036-07-15T00:00", "Monday 14 July 2036, 24:00"),
        ("2036-07-15T00:01", "Tuesday 15 July 2036, 00:01"),
        ("2036-07-01T00:00", "Monday 30 June 2036, 24:00"),
    ],
)
def test_the_end_of_a_day_is_told_as_that_days(end, told):
    with timezone.override(BRUSSELS), translation.override("en"):
        moment = dt.datetime.fromisoformat(end).replace(tzinfo=ZoneInfo(BRUSSELS))
        assert told in weekday_and_end(moment)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("nl", "maandag 14 juli 2036, 24:00"),
        ("fr", "lundi 14 juillet 2036, 24\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}00"),
        ("de", "Montag, 14. Juli 2036, 24:00"),
    ],
)
def test_the_end_of_a_day_is_told_as_each_language_writes_it(language, told):
    with timezone.override(BRUSSELS), translation.override(language):
        assert told in weekday_and_end(dt.datetime(2036, 7, 15, tzinfo=ZoneInfo(BRUSSELS)))


def test_a_row_with_a_time_shows_it(client, mailbox):
    moment = dt.datetime(2036, 7, 1, 9, 30, tzinfo=ZoneInfo(BRUSSELS))
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="x", starts=moment)
    client.force_login(mailbox.owner)
    page = client.get(URL).content.decode()
    assert 'name="starts" value="2036-07-01"' in page
    assert 'name="starts_time" value="09:30"' in page
    assert page.count('<details class="with-time" open>') == 1


def test_what_is_no_day_stands_there_again_to_be_mended(client, mailbox):
    client.force_login(mailbox.owner)
    page = client.post(URL, AWAY | {"starts": "7 dec"}).content.decode()
    assert 'type="text" name="starts" value="7 dec"' in page


def test_forwarding_ends_with_a_day(client, mailbox):
    client.force_login(mailbox.owner)
    typed = {"enabled": "on", "addresses": "bob@example.test", "keep_copy": "on", "version": "0"}
    typed |= {"ends": "2036-07-14", "doubted": "bob@example.test"}
    client.post(f"/mailboxes/{mailbox.address}/forwarding/", typed)
    assert Forwarding.objects.get().ends == dt.datetime(2036, 7, 15, tzinfo=ZoneInfo(BRUSSELS))


# --- once more


def test_who_corrects_a_text_is_told_and_may_tell_everybody_once_more(client, mailbox, committed):
    client.force_login(mailbox.owner)
    with committed():
        client.post(URL, AWAY)
    page = client.post(URL, AWAY | {"text": "Corrected.", "version": "1"}, follow=True).content.decode()
    assert "do not get the new text" in page
    first = MemoryDriver.scripts[mailbox.login].text
    with committed():
        page = client.post(URL, AWAY | {"text": "Better.", "version": "2", "again": "on"}, follow=True)
    assert "do not get the new text" not in page.content.decode()
    handles = [text.partition(":handle ")[2].partition(" ")[0] for text in (first, script_of(mailbox))]
    assert handles[0] != handles[1]
    assert Change.objects.filter(aspect="script").latest("pk").event.after["again"] is True


def test_a_new_end_alone_is_no_new_text(client, mailbox):
    client.force_login(mailbox.owner)
    client.post(URL, AWAY)
    page = client.post(URL, AWAY | {"ends": "2036-01-01", "version": "1"}, follow=True).content.decode()
    assert "do not get the new text" not in page


def script_of(mailbox) -> str:
    return MemoryDriver.scripts[mailbox.login].text


# --- which addresses


@pytest.fixture
def led_here(mailbox):
    for address, others in {"anna.j@": [], "sales@": ["bob@example.test"], "@": [], "j..m@": []}.items():
        alias = Alias.objects.create(address=f"{address}example.test", domain=mailbox.domain)
        for target in (mailbox.address, *others):
            alias.targets.create(address=target)


def test_the_page_says_which_addresses_are_answered_and_which_never(client, mailbox, led_here):
    client.force_login(mailbox.owner)
    page = client.get(URL).content.decode()
    assert 'value="anna.j@example.test" checked' in page
    assert 'value="sales@example.test">' in page
    assert "a group: also of 1 other" in page
    assert "catch-all @example.test is not answered" in page
    assert "j..m@example.test: not answered" in page


def test_a_group_is_ticked_and_an_alias_left_out(client, mailbox, led_here, committed):
    client.force_login(mailbox.owner)
    shown_there = "anna.j@example.test sales@example.test"
    with committed():
        client.post(URL, AWAY | {"shown": shown_there, "answered": ["sales@example.test"]})
    assert ':addresses ["anna@example.test", "sales@example.test"]' in script_of(mailbox)
    page = client.get(URL).content.decode()
    assert 'value="sales@example.test" checked' in page
    assert 'value="anna.j@example.test">' in page


def test_who_sends_no_ticks_changes_none_and_a_gone_alias_costs_nothing(client, mailbox, led_here, committed):
    client.force_login(mailbox.owner)
    with committed():
        client.post(URL, AWAY)
    assert ':addresses ["anna@example.test", "anna.j@example.test"]' in script_of(mailbox)
    typed = {"shown": "gone@example.test", "answered": ["gone@example.test"], "version": "1"}
    with committed():
        client.post(URL, AWAY | typed)
    assert AutoReply.objects.get().groups == []


def test_a_subject_that_is_too_long_tells_how_many_characters_fit(client, mailbox):
    client.force_login(mailbox.owner)
    page = client.post(URL, AWAY | {"subject": "Wir sind weg, ä " * 15}).content.decode()
    assert "it has 240 characters, and about " in page
    client.post(URL, AWAY | {"subject": "我" * 60})
    assert AutoReply.objects.get().subject == "我" * 60
