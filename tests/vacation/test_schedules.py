"""Periods, days of the week, a text for outsiders, the mail's own subject: what Pigeonhole does."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vacation.sieve_engines import Pigeonhole, pigeonhole, words
from tests.vacation.test_rendering import LINES, TEXTS
from vacation.rendering import AutoReplyContent, ForwardContent, away_tests, render_script
from vacation.sieve import Tag
from vacation.sieve import Test as SieveTest

BRUSSELS = ZoneInfo("Europe/Brussels")
MAIL = "From: {sender}\nTo: anna@example.test\nSubject: {subject}\nMessage-ID: <x@outside.test>\n\nHello.\n"


@pytest.fixture(scope="module")
def engine():
    with pigeonhole() as engine:
        yield engine


def content(**given) -> AutoReplyContent:
    return AutoReplyContent(**{"address": "anna@example.test", "text": "Inside.\n", "handle": "one", **given})


def performed(engine: Pigeonhole, script: str, *, sender="ann@outside.test", subject="Hello") -> str:
    mail = MAIL.format(sender=sender, subject=subject)
    return engine.performed(script, mail, sender=sender, address="anna@example.test")


def holds(test: SieveTest, moment: dt.datetime) -> bool:
    """What a server whose clock shows this moment would say of a test of the time (RFC 5260)."""
    match test:
        case SieveTest(name="anyof", tests=tests):
            return any(holds(inner, moment) for inner in tests)
        case SieveTest(name="allof", tests=tests):
            return all(holds(inner, moment) for inner in tests)
        case SieveTest(arguments=(Tag("zone"), "+0000", Tag("value"), relation, "iso8601", str(value))):
            now = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return now >= value if relation == "ge" else now < value
        case SieveTest(arguments=(Tag("zone"), str(offset), Tag("is"), "weekday", tuple(days))):
            there = moment.astimezone(dt.datetime.strptime(offset, "%z").tzinfo)
            return str(there.isoweekday() % 7) in days
    raise AssertionError(test)


def answers_at(moment: dt.datetime, **given) -> bool:
    return all(holds(test, moment) for test in away_tests(content(**given)))


@pytest.mark.parametrize("zone", ["Europe/Brussels", "Australia/Sydney"])
def test_days_of_the_week_are_those_of_the_zone_through_the_changes_of_the_clock(zone):
    """Each hour of the days around the changes, in the first and the last year that is foreseen."""
    place, hour = ZoneInfo(zone), dt.timedelta(hours=1)
    tests = away_tests(content(weekdays=(1, 7), zone=zone))
    for year in (2026, 2036):
        hours = [dt.datetime(year, 1, 1, tzinfo=dt.UTC) + hour * number for number in range(365 * 24)]
        changes = [
            one for one in hours if one.astimezone(place).dst() != (one + hour).astimezone(place).dst()
        ]
        assert len(changes) == 2
        for moment in (change + hour * number for change in changes for number in range(-48, 48)):
            wanted = moment.astimezone(place).isoweekday() in (1, 7)
            assert all(holds(test, moment) for test in tests) == wanted, moment


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ("2026-03-29T01:30", "2026-03-29T03:30"),  # an hour that is two on the clock
        ("2026-10-25T02:30", "2026-10-25T03:30"),
        ("2026-10-24T23:59", "2026-10-26T00:00"),
    ],
)
def test_a_period_over_a_change_of_the_clock_is_what_the_clock_on_the_wall_says(starts, ends):
    begins, stops = (dt.datetime.fromisoformat(text).replace(tzinfo=BRUSSELS) for text in (starts, ends))
    second = dt.timedelta(seconds=1)
    found = [
        answers_at(moment.astimezone(dt.UTC) + step, starts=begins, ends=stops)
        for moment, step in ((begins, -second), (begins, 0 * second), (stops, -second), (stops, 0 * second))
    ]
    assert found == [False, True, True, False]


def test_real_pigeonhole_agrees_about_today(engine):
    today = dt.datetime.now(BRUSSELS)
    if today.hour == 23 and today.minute > 57:
        pytest.skip("the day is about to change")
    others = tuple(day for day in range(1, 8) if day != today.isoweekday())
    on = performed(engine, render_script(content(weekdays=(today.isoweekday(),), zone="Europe/Brussels")))
    off = performed(engine, render_script(content(weekdays=others, zone="Europe/Brussels")))
    assert ("send vacation" in on, "send vacation" in off) == (True, False)


def test_several_periods_answer_each_in_its_time(engine):
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    past, coming, present = (
        (now - 9 * day, now - 8 * day),
        (now + 8 * day, now + 9 * day),
        (now - day, now + day),
    )
    between = content(starts=past[0], ends=past[1], further=(coming,))
    within = content(starts=past[0], ends=past[1], further=(coming, present))
    assert "send vacation" not in performed(engine, render_script(between))
    assert "send vacation" in performed(engine, render_script(within))


def test_people_outside_the_domain_get_a_text_of_their_own(engine):
    script = render_script(content(outside_text="Outside.\n"))
    inside, outside = (
        performed(engine, script, sender=sender) for sender in ("bert@EXAMPLE.test", "ann@outside.test")
    )
    assert ("Inside." in inside, "Outside." in inside) == (True, False)
    assert ("Inside." in outside, "Outside." in outside) == (False, True)


@pytest.mark.parametrize(
    ("subject", "original", "sent"),
    [
        ("Away: {subject}", "Your offer", "Away: Your offer"),
        ("{subject} – I am away ${1}", "Café", "Café – I am away ${1}"),
        ("${dollar} {subject}", "a ${1} b", "${dollar} a ${1} b"),
    ],
)
def test_the_mails_own_subject_goes_where_its_place_is(engine, subject, original, sent):
    assert f"=> subject : {sent}\n" in performed(
        engine, render_script(content(subject=subject)), subject=original
    )


def test_a_mail_without_a_subject_is_answered_all_the_same(engine):
    mail = "From: ann@outside.test\nTo: anna@example.test\nMessage-ID: <x@outside.test>\n\nHello.\n"
    script = render_script(content(subject="Away: {subject}"))
    found = engine.performed(script, mail, sender="ann@outside.test", address="anna@example.test")
    assert "=> subject : Away: \n" in found or "=> subject : Away:\n" in found


def test_text_with_the_form_of_a_variable_stays_as_it_was_written(engine):
    script = render_script(content(subject="{subject}", text="Price: ${1} ${subject} ${dollar}{x}.\n"))
    assert "Price: ${1} ${subject} ${dollar}{x}." in performed(engine, script)


BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MOMENTS = st.integers(0, 10**8).map(lambda number: BEGIN + dt.timedelta(seconds=number))
PERIODS = st.tuples(MOMENTS, MOMENTS)
LOCAL = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True)
CONTENTS = st.builds(
    content,
    text=TEXTS,
    outside_text=TEXTS,
    subject=st.one_of(LINES, st.just("Re: {subject}")),
    further=st.lists(PERIODS, max_size=3).map(tuple),
    weekdays=st.sets(st.integers(1, 7)).map(tuple),
    zone=st.sampled_from(["UTC", "Asia/Kolkata"]),
)
FORWARDS = st.builds(
    ForwardContent,
    targets=st.lists(LOCAL.map("{}@outside.test".format), min_size=1, max_size=4, unique=True).map(tuple),
    keep_copy=st.booleans(),
    ends=st.none() | MOMENTS,
)


@settings(max_examples=12, deadline=None)
@given(CONTENTS, FORWARDS)
def test_whatever_is_written_the_script_does_these_actions_and_no_others(content, forward):
    """As sievelib reads it: it does not share a line with our own parser or renderer."""
    try:
        script = render_script(content, forward)
    except ValueError:
        return
    found = actions(words(script))
    wanted = {"vacation"} | {f"redirect {target}" for target in forward.targets}
    assert set(found) == wanted
    assert len(found) == len(forward.targets) + (2 if content.outside_text else 1)


def actions(read: list[Any]) -> list[str]:
    """The actions in it, at any depth."""
    found = []
    for command in read:
        if command[0] == "vacation":
            found.append("vacation")
        elif command[0] == "redirect":
            found.append(f"redirect {command[-1]}")
        elif command[0] in ("if", "else"):
            block = command[-1]
            found += actions(block) if block and isinstance(block[0], list) else []
        else:
            assert command[0] in ("require", "set"), command
    return found
