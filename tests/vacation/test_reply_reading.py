"""From scripts back to auto-replies.

The files in roundcube/ were written by Roundcube's own plug-in (`rcube_sieve_script::as_text` of 1.6.5,
Debian 12): those called portal-… are the portal's script after somebody used Roundcube's form on it.
"""

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailservers.drivers.base import ReplyRule
from mailservers.drivers.portal_script import PortalScript, compose
from tests.vacation.test_rendering import CONTENTS
from vacation.rendering import AutoReplyContent, render_script
from vacation.reply_reading import (
    DOES_MORE,
    ONLY_SOME,
    SENDS_ON_TOO,
    SEVERAL,
    UNCLEAR,
    NotUnderstood,
    read_reply,
)
from vacation.sieve import UnfitText

BRUSSELS = dt.timezone(dt.timedelta(hours=2))
ANNA = ("anna@example.test",)
PLAIN = ReplyRule(text="Back on Monday.", subject="Away", days=3, addresses=ANNA)
WEG = AutoReplyContent(
    address="anna@example.test",
    name="Anna Jansen",
    subject="Weg tot maandag",
    text="Dag,\n\nik ben terug op maandag – groetjes.\n\nAnna",
    starts=dt.datetime(2026, 6, 1, 6, tzinfo=dt.UTC),
    ends=dt.datetime(2026, 6, 15, 6, tzinfo=dt.UTC),
    handle="portal-1-1",
)


def roundcube(name: str) -> str:
    return (Path(__file__).parent / "roundcube" / f"{name}.sieve").read_bytes().decode()


def reason(script: str, *, alone: bool = False) -> str:
    with pytest.raises(NotUnderstood) as caught:
        read_reply(script, alone=alone)
    return caught.value.reason


@settings(deadline=None)
@given(CONTENTS)
def test_what_the_portal_writes_is_read_as_it_was(content):
    # The script has no parts of a second.
    starts, ends = [
        moment and moment.astimezone(dt.UTC).replace(microsecond=0)
        for moment in (content.starts, content.ends)
    ]
    assume(content.text.strip() and not (starts and ends and ends <= starts))
    try:
        script = render_script(content)
    except UnfitText:
        assume(False)
    read = read_reply(script, alone=True)
    # The line ends after the text are not the writer's.
    assert (read.text, read.subject, read.days) == (
        content.text.rstrip("\n"),
        content.subject,
        content.days,
    )
    assert [read.starts, read.ends] == [starts, ends]


def test_what_the_portal_stores_is_read_whole():
    stored = compose(PortalScript(render_script(WEG), "roundcube"))
    for script in (stored, stored.replace("\n", "\r\n")):
        read = read_reply(script, alone=True)
        assert (read.text, read.subject, read.starts, read.ends) == (
            WEG.text,
            WEG.subject,
            WEG.starts,
            WEG.ends,
        )


def test_the_portals_script_keeps_its_guard_in_roundcubes_form_and_is_read():
    """Which writes the tests of the moment behind the others, and a list of one as its one part."""
    script = render_script(replace(WEG, aliases=()))
    tests, _, rest = script.partition(") {")
    before, _, tests = tests.partition("allof (\n")
    rows = sorted(tests.strip().split(",\n"), key=lambda row: "currentdate" in row)
    written = ", ".join(row.strip() for row in rows).replace(
        f'["{WEG.address.replace("@", "=")}"]', f'"{WEG.address.replace("@", "=")}"'
    )
    assert written != tests
    read = read_reply(f"{before}allof ({written})\n{{{rest}", alone=True)
    assert (read.text, read.starts, read.ends) == (WEG.text, WEG.starts, WEG.ends)


def test_a_rule_about_other_senders_is_no_guard_of_ours():
    script = render_script(WEG).replace('"*noreply"', '"boss"')
    assert reason(script) == ONLY_SOME


def test_an_auto_reply_made_in_roundcubes_form():
    assert read_reply(roundcube("on"), alone=True) == PLAIN


def test_one_for_some_days_among_other_rules():
    read = read_reply(roundcube("days"), alone=False)
    assert read == ReplyRule(
        text='Dag "allemaal",\n\n.ik ben terug op maandag.\n.\n\nAnna – \\o/',
        subject='Weg: tot maandag – "echt"',
        days=3,
        starts=dt.datetime(2026, 6, 1, tzinfo=BRUSSELS),
        # To the end of the day that the form was given as the last.
        ends=dt.datetime(2026, 6, 15, tzinfo=BRUSSELS),
        addresses=ANNA,
    )
    assert reason(roundcube("days"), alone=True) == DOES_MORE


def test_one_from_an_hour_to_an_hour():
    read = read_reply(roundcube("times"), alone=True)
    assert (read.starts, read.ends) == (
        dt.datetime(2026, 6, 1, 8, tzinfo=BRUSSELS),
        dt.datetime(2026, 6, 14, 18, 0, 1, tzinfo=BRUSSELS),
    )
    assert read.subject == ""


def test_one_that_is_switched_off_there_is_none():
    assert read_reply(roundcube("off"), alone=False) is None
    assert read_reply(roundcube("forward"), alone=False) is None
    assert read_reply(roundcube("portal-off"), alone=True) is None
    assert read_reply("", alone=True) is None


@pytest.mark.parametrize(
    ("name", "why_not"), [("copy", SENDS_ON_TOO), ("discard", SENDS_ON_TOO), ("only-from-boss", ONLY_SOME)]
)
def test_one_that_does_what_the_portal_does_not(name, why_not):
    assert reason(roundcube(name)) == why_not


def test_the_portals_script_as_roundcube_writes_it_anew():
    read = read_reply(roundcube("portal-rewritten"), alone=True)
    assert (read.text, read.subject, read.starts, read.ends, read.days) == (
        WEG.text,
        WEG.subject,
        WEG.starts,
        WEG.ends,
        WEG.days,
    )


def test_the_portals_script_with_another_text_from_roundcubes_form():
    """The form shows the lines that begin the MIME entity, and forgets that it is one."""
    read = read_reply(roundcube("portal-changed"), alone=True)
    assert read.text == WEG.text.replace("maandag", "dinsdag")
    assert (read.subject, read.starts, read.ends) == ("Weg tot dinsdag", WEG.starts, WEG.ends)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('vacation "Gone.";', ReplyRule(text="Gone.")),
        ('VACATION :Days 200 "Gone.";', ReplyRule(text="Gone.", days=60)),
        ("vacation :seconds 90000 text:\nGone.\n.\n;", ReplyRule(text="Gone.", days=2)),
        ('vacation :seconds 0 "Gone.";', ReplyRule(text="Gone.", days=1)),
        ('if allof (true) { vacation "Gone."; stop; }', ReplyRule(text="Gone.")),
        ('vacation :subject "=?utf-8?q?Caf=C3=A9?=" "Gone.";', ReplyRule(text="Gone.", subject="Café")),
        (
            'vacation :subject "=?nonsense?q?x?=" "Gone.";',
            ReplyRule(text="Gone.", subject="=?nonsense?q?x?="),
        ),
        (
            'vacation :addresses ["Info@Example.test", "not one"] "Gone.";',
            ReplyRule(text="Gone.", addresses=("info@example.test",)),
        ),
        ('keep; if false { vacation "No."; } vacation "Gone.";', ReplyRule(text="Gone.")),
    ],
)
def test_others_ways_to_write_one(script, expected):
    assert read_reply(script, alone=True) == expected


@pytest.mark.parametrize(
    ("script", "why_not"),
    [
        ("vacation", UNCLEAR),
        ("vacation;", UNCLEAR),
        ('vacation "a" "b";', UNCLEAR),
        ('vacation :unknown "a";', UNCLEAR),
        ('vacation :subject ["a", "b"] "Gone.";', UNCLEAR),
        ('vacation :mime "Content-Type: text/html\n\n<b>x</b>";', UNCLEAR),
        ('vacation "  ";', "Its text is empty."),
        ('vacation "a\x07b";', "Please remove the character U+0007 from line 1: it can't be sent."),
        ('vacation "a"; vacation "b";', SEVERAL),
        ('if false { keep; } else { vacation "a"; }', ONLY_SOME),
        ('if true { keep; } elsif true { vacation "a"; }', ONLY_SOME),
        ('if true { if true { vacation "a"; } }', ONLY_SOME),
        ('if anyof (true, true) { vacation "a"; }', ONLY_SOME),
        ('if not true { vacation "a"; }', ONLY_SOME),
        ('if currentdate :is "weekday" "3" { vacation "a"; }', ONLY_SOME),
        ('if currentdate :zone "+9999" :value "ge" "date" "2026-06-01" { vacation "a"; }', UNCLEAR),
        ('if currentdate :value "ge" "date" "soon" { vacation "a"; }', UNCLEAR),
        ('if currentdate :value "ge" "date" "9999-12-31" { vacation "a"; }', UNCLEAR),
        ("{" * 200, UNCLEAR),
        ("if true " + "{ if true " * 200, UNCLEAR),
        ("if " + "not " * 2000 + "true { }", UNCLEAR),
        ("if " + "allof (" * 2000, UNCLEAR),
    ],
)
def test_what_is_not_understood(script, why_not):
    assert reason(script) == why_not


def test_a_window_that_never_opens_is_not_understood():
    limits = [
        f'currentdate :zone "+0000" :value "{relation}" "date" "2026-06-02"' for relation in ("ge", "lt")
    ]
    assert reason(f'if allof ({", ".join(limits)}) {{ vacation "a"; }}') == UNCLEAR


@given(st.text())
def test_any_text_can_be_looked_at(script):
    with suppress(NotUnderstood):
        read_reply(script, alone=True)
