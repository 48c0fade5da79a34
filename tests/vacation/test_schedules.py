"""Periods, days of the week, a text for outsiders, the mail's own subject: what Pigeonhole does."""

import datetime as dt
from collections.abc import Iterator
from email import message_from_string, policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import clock_at
from tests.vacation.sieve_engines import Pigeonhole, pigeonhole, words
from tests.vacation.test_rendering import LINES, TEXTS
from vacation.rendering import AutoReplyContent, ForwardContent, away_tests, render_script
from vacation.sieve import Tag, UnfitText
from vacation.sieve import Test as SieveTest

BRUSSELS = ZoneInfo("Europe/Brussels")
MAIL = "From: {sender}\nTo: anna@example.test\nSubject: {subject}\nMessage-ID: <x@outside.test>\n\nHello.\n"


@pytest.fixture(scope="module")
def engine():
    with pigeonhole() as engine:
        yield engine


def content(**given) -> AutoReplyContent:
    return AutoReplyContent(**{"address": "anna@example.test", "text": "Inside.\n", "handle": "one", **given})


def performed(
    engine: Pigeonhole, script: str, *, sender="ann@outside.test", subject="Hello", clock=None
) -> str:
    mail = MAIL.format(sender=sender, subject=subject)
    return engine.performed(script, mail, sender=sender, address="anna@example.test", clock=clock)


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


SUNDAYS = [("2026-03-29", "01:59:59", "03:00:00"), ("2026-10-25", "02:59:59", "03:00:00")]


@pytest.mark.parametrize(("day", "last", "first"), SUNDAYS)
@pytest.mark.parametrize("server_zone", ["America/New_York", "Europe/Amsterdam"])
def test_with_its_clock_moved_pigeonhole_answers_on_the_day_that_the_wall_says(
    engine, day, last, first, server_zone
):
    """Sundays only, on those when the clocks are changed; whatever zone the server itself is in."""
    script = render_script(content(weekdays=(7,), zone="Europe/Amsterdam"))
    sunday = dt.date.fromisoformat(day)
    after, before = sunday + dt.timedelta(days=1), sunday - dt.timedelta(days=1)
    moments = {
        f"{before} 23:59:59": False,
        f"{day} 00:00:00": True,
        f"{day} {last}": True,
        f"{day} {first}": True,
        f"{day} 23:59:59": True,
        f"{after} 00:00:00": False,
    }
    assert {moment: answered(engine, script, moment, server_zone) for moment in moments} == moments


@pytest.mark.parametrize(
    ("starts", "ends", "moments"),
    [
        # An hour that the wall's clock skips, and one that it shows twice.
        (
            "2026-03-29 01:30:00",
            "2026-03-29 03:30:00",
            {
                "2026-03-29 01:29:59": False,
                "2026-03-29 01:30:00": True,
                "2026-03-29 03:29:59": True,
                "2026-03-29 03:30:00": False,
            },
        ),
        (
            "2026-10-25 02:30:00",
            "2026-10-25 03:00:00",
            {
                "2026-10-25 02:29:59": False,
                "2026-10-25 02:30:00": True,
                "2026-10-25 02:59:59": True,
                "2026-10-25 03:00:00": False,
            },
        ),
    ],
)
def test_with_its_clock_moved_pigeonhole_keeps_a_period_over_a_change(engine, starts, ends, moments):
    script = render_script(content(starts=on_the_wall(starts), ends=on_the_wall(ends)))
    assert {moment: answered(engine, script, moment, "America/New_York") for moment in moments} == moments


def test_with_its_clock_moved_each_period_answers_in_its_time_and_the_forward_only_with_it(engine):
    away = content(
        starts=on_the_wall("2026-03-28 12:00:00"),
        ends=on_the_wall("2026-03-29 12:00:00"),
        further=((on_the_wall("2026-10-24 12:00:00"), on_the_wall("2026-10-25 12:00:00")),),
    )
    script = render_script(away, ForwardContent(targets=("home@outside.test",), while_away=away))
    wanted = {
        "03-29 11:59:59": True,
        "03-29 12:00:00": False,
        "10-25 11:59:59": True,
        "10-25 12:00:00": False,
    }
    for moment, does in wanted.items():
        clock = clock_at(on_the_wall(f"2026-{moment}"))
        found = performed(engine, script, clock=clock)
        assert ("send vacation" in found, "home@outside.test" in found) == (does, does), moment


def answered(engine: Pigeonhole, script: str, moment: str, server_zone: str) -> bool:
    clock = clock_at(on_the_wall(moment), zone=server_zone)
    return "send vacation" in performed(engine, script, clock=clock)


def on_the_wall(text: str) -> dt.datetime:
    """In Amsterdam; of a moment that the clock shows twice, the first."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Amsterdam"))


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


LOCAL = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True)
CHANGES = ("2026-03-29T00:59:59+00:00", "2026-10-24T22:00:00+00:00", "2026-10-25T01:00:00+00:00")
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MOMENTS = st.sampled_from([dt.datetime.fromisoformat(text) for text in CHANGES]) | st.integers(0, 10**8).map(
    lambda number: BEGIN + dt.timedelta(seconds=number)
)
# From the moment that is asked about, in seconds.
NEAR = st.sampled_from([-(10**7), -3600, -1, 0, 1, 3600, 10**7])


@st.composite
def cases(draw) -> tuple[AutoReplyContent | None, ForwardContent | None, dt.datetime]:
    """An auto-reply, a forwarding, and a moment near which they begin and end."""
    moment = draw(MOMENTS)

    def near() -> dt.datetime:
        return moment + dt.timedelta(seconds=draw(NEAR))

    weekdays = draw(st.just(()) | st.sets(st.integers(1, 7), min_size=1).map(tuple))
    away = content(
        text=f"in {draw(TEXTS)}",
        outside_text=draw(st.just("") | TEXTS.map("out {}".format)),
        subject=draw(LINES | st.just("Re: {subject}")),
        name=draw(LINES),
        aliases=draw(st.lists(LOCAL.map("{}@example.test".format), max_size=2).map(tuple)),
        days=draw(st.integers(1, 60)),
        handle=draw(LINES.filter(bool)),
        starts=near() if draw(st.booleans()) else None,
        ends=near() if draw(st.booleans()) else None,
        further=tuple((near(), near()) for _ in range(draw(st.integers(0, 2)))),
        weekdays=weekdays,
        zone=draw(st.sampled_from(["Europe/Amsterdam", "Asia/Kolkata"])),
    )
    forward = ForwardContent(
        targets=draw(st.lists(LOCAL.map("{}@outside.test".format), min_size=1, max_size=4, unique=True)),
        keep_copy=draw(st.booleans()),
        ends=near() if draw(st.booleans()) else None,
        while_away=away if draw(st.booleans()) else None,
    )
    which = draw(st.sampled_from(["both", "reply", "forward"]))
    return away if which != "forward" else None, forward if which != "reply" else None, moment


def test_whatever_is_written_the_script_does_these_actions_and_no_others(engine):
    """As sievelib reads it, which shares no line with our parser or renderer; and Dovecot compiles it all."""
    scripts = []

    @settings(max_examples=150, deadline=None)
    @given(cases(), st.booleans())
    def look(drawn, from_inside):
        away, forward, moment = drawn
        try:
            script = render_script(away, forward)
        except UnfitText:
            return
        scripts.append(script)
        done = set(performed_at(words(script), moment, from_inside=from_inside))
        assert done == meant(away, forward, moment, from_inside=from_inside)

    look()
    engine.compile(scripts)


@pytest.mark.parametrize(
    "target", ["${@outside.test", "${a}@outside.test", "a${1}b@outside.test", "$$@outside.test"]
)
def test_an_address_with_the_form_of_a_variable_gets_the_mail(engine, target):
    """Also beside a subject that needs variables."""
    forward = ForwardContent(targets=[target], keep_copy=True)
    for away in (None, content(subject="Re: {subject}")):
        found = performed(engine, render_script(away, forward))
        assert f"redirect message to: <{target}>" in found


def meant(
    reply: AutoReplyContent | None, forward: ForwardContent | None, moment: dt.datetime, *, from_inside: bool
) -> set[tuple[str, str]]:
    """What people are told that happens then."""
    actions = set()
    if reply is not None and is_away(reply, moment):
        outside = bool(reply.outside_text) and not from_inside
        actions.add(("vacation", "out" if outside else "in"))
    if forward is None or (forward.ends is not None and moment >= forward.ends):
        return actions
    if forward.while_away is None or is_away(forward.while_away, moment):
        kind = "redirect :copy" if forward.keep_copy else "redirect"
        actions |= {(kind, target) for target in forward.targets}
    return actions


def is_away(content: AutoReplyContent, moment: dt.datetime) -> bool:
    windows = [(content.starts, content.ends), *content.further]
    within = any((a is None or a <= moment) and (b is None or moment < b) for a, b in windows)
    day = moment.astimezone(ZoneInfo(content.zone)).isoweekday()
    return within and (not content.weekdays or day in content.weekdays)


def performed_at(commands: list[Any], moment: dt.datetime, *, from_inside: bool) -> Iterator[tuple[str, str]]:
    """What a server does whose clock shows this moment, by sievelib's reading of the script."""
    before = False
    for command in commands:
        match command:
            case ["require" | "set", *_]:
                pass
            case ["if", test, block]:
                before = is_true(test, moment, from_inside=from_inside)
                if before:
                    yield from performed_at(block, moment, from_inside=from_inside)
            case ["if", test]:  # with an empty block: only its variables count
                before = is_true(test, moment, from_inside=from_inside)
            case ["else", block]:
                if not before:
                    yield from performed_at(block, moment, from_inside=from_inside)
            case ["vacation", *_, ":mime", entity]:
                part = message_from_string(f"{entity}\n", policy=policy.default)
                yield "vacation", str(part.get_content()).partition(" ")[0]
            case ["redirect", *copy, target]:
                # As the variable is set that stands for a dollar sign, where variables count.
                yield " ".join(["redirect", *copy]), target.replace("${dollar}", "$")
            case _:
                raise AssertionError(command)


def is_true(test: list[Any], moment: dt.datetime, *, from_inside: bool) -> bool:
    match test:
        case ["anyof" | "allof" as join, tests]:
            combine = any if join == "anyof" else all
            return combine(is_true(inner, moment, from_inside=from_inside) for inner in tests)
        case ["currentdate", ":zone", "+0000", ":value", relation, "iso8601", value]:
            now = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return now >= value if relation == "ge" else now < value
        case ["currentdate", ":zone", offset, ":is", "weekday", days]:
            there = moment.astimezone(dt.datetime.strptime(offset, "%z").tzinfo)
            return str(there.isoweekday() % 7) in days
        case ["envelope", ":domain", ":is", "from", ["example.test"]]:
            return from_inside
        case ["not", inner]:
            return not is_true(inner, moment, from_inside=from_inside)
        case ["envelope" | "address" | "header", ":localpart" | ":matches", *rest]:
            # The mail is a person's, no filter has found it to be spam, and it has a subject.
            return rest == ["subject", "*"]
    raise AssertionError(test)
