import datetime as dt
import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import format_datetime, parseaddr
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.vacation.sieve_engines import VACATION, pigeonhole, words
from vacation.rendering import (
    SUBJECT_LIMIT,
    TEXT_LIMIT,
    AutoReplyContent,
    fit_line,
    render_script,
    reply_entity,
)
from vacation.sieve import UnfitText

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
AWAY = AutoReplyContent(
    address="jana@example.test",
    name="Jana Novák",
    aliases=("info@example.test",),
    subject="Out of office",
    text='Back on Monday.\n\n"Jana" \\o/ ${x}\n',
    starts=dt.datetime(2026, 7, 1, 8, 30, tzinfo=AMSTERDAM),
    ends=dt.datetime(2026, 12, 1, tzinfo=AMSTERDAM),
    handle="reply-3",
)
MAIL = "From: ann@outside.test\nTo: jana@example.test\nSubject: Hello\n\nHello\n"

CHARACTERS = st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from('"\\$ =?_<>@,.')
FRAGMENTS = st.sampled_from(
    [
        "\n",
        ".\n",
        "From me",
        " \n",
        "\t\n",
        "=?utf-8?q?x?=",
        "${x}",
        "text:",
        "\\\n",
        "=20",
        "🎉",
        "שלום",
        "ü" * 300,
    ]
)
LINES = (
    st.text(CHARACTERS, max_size=36)
    .filter(lambda line: len(line.splitlines()) < 2)
    .filter(lambda line: not line.endswith(("\u2028", "\u2029")))
)
TEXTS = st.lists(st.text(CHARACTERS | st.sampled_from("\t\n")) | FRAGMENTS).map("".join)
ADDRESSES = st.from_regex(r"[a-z0-9!#$%&'*+/=?^`{|}~-]{1,20}@[a-z0-9-]{1,20}\.test", fullmatch=True)
MOMENTS = st.none() | st.datetimes(
    dt.datetime.fromisoformat("1990-01-01"), dt.datetime.fromisoformat("2090-01-01"), timezones=st.timezones()
)
CONTENTS = st.builds(
    AutoReplyContent,
    address=ADDRESSES,
    name=LINES,
    aliases=st.lists(ADDRESSES, max_size=3).map(tuple),
    subject=LINES,
    text=TEXTS,
    days=st.integers(1, 60),
    starts=MOMENTS,
    ends=MOMENTS,
    handle=LINES.filter(bool),
)


@pytest.fixture(scope="module")
def engine():
    with pigeonhole() as engine:
        yield engine


def decoded(words):
    """As a receiver reads a header."""
    return str(make_header(decode_header(words))) if "=?" in words else words


def utc(moment):
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z"


def is_answered(content, now):
    return (content.starts is None or content.starts <= now) and (content.ends is None or now < content.ends)


def assert_same(content, *, sender, subject, handle, entity):
    name, address = parseaddr(sender)
    assert (decoded(name), address) == (content.name, content.address)
    assert decoded(subject) == content.subject
    assert len(subject) <= SUBJECT_LIMIT
    assert handle == content.handle
    part = email.message_from_string(entity + "\n", policy=email.policy.default)
    assert part.get_content_type() == "text/plain"
    lines = content.text if content.text.endswith("\n") else content.text + "\n"
    assert part.get_content().replace("\r\n", "\n") == lines
    assert entity.isascii()
    assert max(map(len, entity.split("\n"))) <= 76


@given(CONTENTS)
@settings(max_examples=150, deadline=None)
def test_another_parser_reads_the_same(content):
    source = render_script(content)
    commands = words(source)
    limits = [
        ["currentdate", ":zone", "+0000", ":value", relation, "iso8601", utc(moment)]
        for relation, moment in (("ge", content.starts), ("lt", content.ends))
        if moment
    ]
    assert commands[0] == [
        "require",
        [*(["date"] if limits else []), "envelope", *(["relational"] if limits else []), "vacation"],
    ]
    assert len(commands) == 2
    control, [join, tests], (vacation,) = commands[1]
    assert (control, join) == ("if", "allof")
    assert [test for test in tests if test[0] != "not"] == limits
    subject = ""
    if content.subject:
        tag, subject = vacation[3:5]
        assert tag == ":subject"
        del vacation[3:5]
    match vacation:
        case [
            "vacation",
            ":days",
            days,
            ":from",
            sender,
            ":addresses",
            addresses,
            ":handle",
            handle,
            ":mime",
            entity,
        ]:
            assert days == content.days
            assert addresses == [content.address, *content.aliases]
            assert_same(content, sender=sender, subject=subject, handle=handle, entity=entity)
        case _:
            pytest.fail(f"{vacation}")


@given(CONTENTS)
@settings(max_examples=150, deadline=None)
def test_pigeonhole_does_the_same(engine, content):
    performed = engine.performed(
        render_script(content), MAIL, sender="ann@outside.test", address=content.address
    )
    assert "store message in folder: INBOX" in performed
    found = VACATION.search(performed)
    if found is None:
        assert not is_answered(content, dt.datetime.now(dt.UTC))
        assert "vacation" not in performed
        return
    assert is_answered(content, dt.datetime.now(dt.UTC))
    assert int(found["seconds"]) == content.days * 24 * 3600
    assert_same(
        content,
        sender=found["from"],
        subject=found["subject"] or "",
        handle=found["handle"],
        entity=found["entity"],
    )


@given(
    st.sampled_from(["text", "subject", "name", "handle"]),
    LINES,
    st.characters(categories=("Cc", "Cs")),
    LINES,
)
def test_unfit_text_is_refused(field, before, unfit, after):
    if field == "text":
        assume(unfit not in "\t\n" and (unfit + after)[:2] != "\r\n")
    with pytest.raises(UnfitText, match=r"^[A-Z].*\.$"):
        render_script(replace(AWAY, **{field: before + unfit + after}))


@pytest.mark.parametrize(
    "subject", ["two\nlines", "two\r\nBcc: ann@outside.test", "end\n", "two\u2028lines", "\x85"]
)
def test_a_subject_with_a_line_break_is_refused(subject):
    with pytest.raises(UnfitText, match="has to be a single line"):
        render_script(replace(AWAY, subject=subject))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jana",
        "@example.test",
        "jana@",
        "jana novak@example.test",
        "jána@example.test",
        "jana@exämple.test",
        'jana"@example.test',
        "jana@example.test\n",
        "jana@example.test, ann@outside.test",
        "<jana@example.test>",
        ".jana@example.test",
        "jana..n@example.test",
    ],
)
def test_an_address_pigeonhole_would_not_know_is_refused(address):
    with pytest.raises(UnfitText, match="is not a mail address"):
        render_script(replace(AWAY, address=address))
    with pytest.raises(UnfitText, match="is not a mail address"):
        render_script(replace(AWAY, aliases=("info@example.test", address)))


@pytest.mark.parametrize("days", [0, 61, -1])
def test_days_out_of_range_are_refused(days):
    with pytest.raises(ValueError, match="1 to 60"):
        render_script(replace(AWAY, days=days))


@pytest.mark.parametrize("character", ["x", '"', "\\", "ü", "€", "🎉", "=", " ", "\n", ".\n", "a"])
def test_a_text_of_the_greatest_length_fits_into_a_script_of_64_kilobytes(character):
    text = (character * TEXT_LIMIT)[:TEXT_LIMIT]
    script = render_script(replace(AWAY, text=text)).replace("\n", "\r\n")
    assert len(script.encode()) < 60_000
    with pytest.raises(UnfitText, match="10001 characters; 10000 are possible"):
        render_script(replace(AWAY, text=text + "x"))


def test_a_subject_that_the_server_would_cut_is_refused():
    assert len(render_script(replace(AWAY, subject="x" * 180))) > 0
    with pytest.raises(UnfitText, match="too long"):
        render_script(replace(AWAY, subject="x" * 250))
    with pytest.raises(UnfitText, match="too long"):
        render_script(replace(AWAY, subject="🎉" * 65))
    with pytest.raises(UnfitText, match=r"it has 80 characters, and about 3[0-9] fit"):
        render_script(replace(AWAY, subject="a " + "🎉" * 78))


def test_no_auto_reply_is_no_script():
    assert render_script(None) == ""


def test_the_script_can_be_read():
    guard = (
        r'\n    not header :matches \["x-spam-flag", [^\n]+\] \["yes\*", [^\n]+\],'
        r'\n    not envelope :localpart :matches "from" \["\*noreply", [^\n]+\],'
        r'\n    not address :localpart :matches \["from", "reply-to"\] \["\*noreply", [^\n]+\],'
        r'\n    not envelope :localpart :contains "from" \["jana=example.test", "info=example.test"\],'
    )
    script, count = re.subn(guard, "", render_script(AWAY))
    assert count == 1
    assert script == (
        'require ["date", "envelope", "relational", "vacation"];\n'
        "if allof (\n"
        '    currentdate :zone "+0000" :value "ge" "iso8601" "2026-07-01T06:30:00Z",\n'
        '    currentdate :zone "+0000" :value "lt" "iso8601" "2026-11-30T23:00:00Z"\n'
        ") {\n"
        '    vacation :days 7 :subject "Out of office"'
        ' :from "=?utf-8?q?Jana_Nov=C3=A1k?= <jana@example.test>"'
        ' :addresses ["jana@example.test", "info@example.test"] :handle "reply-3" :mime'
        ' "Content-Type: text/plain; charset=\\"utf-8\\"\n'
        "Content-Transfer-Encoding: quoted-printable\n"
        "\n"
        "Back on Monday.\n"
        "\n"
        '\\"Jana\\" \\\\o/ ${x}";\n'
        "}\n"
    )


def test_a_short_subject_stays_readable_in_the_script():
    assert ':subject "Abwesend – bis Montag"' in render_script(replace(AWAY, subject="Abwesend – bis Montag"))


def test_lines_that_mail_programs_alter_are_encoded():
    script = render_script(replace(AWAY, text="From me\n.\n..\n.x\nFrom: you\ntrailing \nx From me"))
    assert '\n=46rom me\n=2E\n..\n.x\nFrom: you\ntrailing=20\nx From me"' in script


def test_line_ends_inside_base64_are_those_of_mail():
    """No server on the way sees them, so none could make LF right."""
    part = email.message_from_string(reply_entity("Уехал.\nДо понедельника.\n"))
    assert part["Content-Transfer-Encoding"] == "base64"
    assert part.get_payload(decode=True) == "Уехал.\r\nДо понедельника.\r\n".encode()


def test_a_window_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        render_script(replace(AWAY, starts=dt.datetime.fromisoformat("2026-07-01")))


@pytest.mark.parametrize(
    ("local", "fold", "utc"),
    [
        ("2026-03-29T01:59:59", 0, "2026-03-29T00:59:59Z"),
        ("2026-03-29T03:00:00", 0, "2026-03-29T01:00:00Z"),
        ("2026-03-29T02:30:00", 0, "2026-03-29T01:30:00Z"),  # the clock never shows it
        ("2026-10-25T02:30:00", 0, "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30:00", 1, "2026-10-25T01:30:00Z"),
        ("2026-10-25T03:00:00", 0, "2026-10-25T02:00:00Z"),
    ],
)
def test_daylight_saving(local, fold, utc):
    ends = dt.datetime.fromisoformat(local).replace(tzinfo=AMSTERDAM, fold=fold)
    script = render_script(replace(AWAY, starts=None, ends=ends))
    assert f'    currentdate :zone "+0000" :value "lt" "iso8601" "{utc}"\n)' in script


AROUND_A_CHANGE = st.builds(
    lambda zone, change, seconds: change.astimezone(ZoneInfo(zone)) + dt.timedelta(seconds=seconds),
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(
        [
            dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC),
            dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC),
            dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC),
            dt.datetime(2026, 12, 31, 23, tzinfo=dt.UTC),
        ]
    ),
    st.integers(-7200, 7200) | st.sampled_from([-3600, -1, 0, 1, 3600]),
)


@given(
    starts=AROUND_A_CHANGE,
    ends=AROUND_A_CHANGE,
    near=st.sampled_from([-3600, -1, 0, 1, 3600]),
    end=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_pigeonhole_keeps_the_window_to_the_second(engine, starts, ends, near, end):
    """The same comparison with a date in the mail, as the server's clock can't be set."""
    content = replace(AWAY, starts=starts, ends=ends)
    now = (ends if end else starts).astimezone(dt.UTC) + dt.timedelta(seconds=near)
    script = render_script(content)
    for relation in ("ge", "lt"):
        clock = f'currentdate :zone "+0000" :value "{relation}" "iso8601"'
        assert clock in script
        script = script.replace(clock, f'date :zone "+0000" :value "{relation}" "x-now" "iso8601"')
    performed = engine.performed(
        script, f"X-Now: {format_datetime(now)}\n{MAIL}", sender="ann@outside.test", address=AWAY.address
    )
    assert bool(VACATION.search(performed)) == is_answered(content, now)


def test_fit_line_changes_nothing():
    assert fit_line("  two  blanks \u200f") == "  two  blanks \u200f"
