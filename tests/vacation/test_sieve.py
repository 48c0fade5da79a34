import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vacation.sieve_engines import pigeonhole, words
from vacation import sieve

FIT = st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from('\t\n"\\${}#/*:;.')
UNFIT = st.characters(categories=("Cc", "Cs"), exclude_characters="\t\n")
TEXTS = st.text(FIT)
ADDRESSES = st.from_regex(r"[a-z0-9+-]{1,20}@[a-z0-9]{1,20}\.test", fullmatch=True)
TESTS = st.recursive(
    st.builds(sieve.envelope_is, st.sampled_from(["from", "to"]), TEXTS, TEXTS)
    | st.builds(sieve.currentdate, st.sampled_from(["ge", "lt"]), st.just("iso8601"), TEXTS),
    lambda inner: (
        st.builds(sieve.not_, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda tests: sieve.allof(*tests))
        | st.lists(inner, min_size=1, max_size=3).map(lambda tests: sieve.anyof(*tests))
    ),
    max_leaves=4,
)
COMMANDS = st.recursive(
    st.builds(sieve.redirect, ADDRESSES, copy=st.booleans())
    | st.builds(sieve.keep)
    | st.builds(sieve.stop)
    | st.builds(
        sieve.vacation,
        TEXTS,
        from_=ADDRESSES,
        addresses=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
        handle=TEXTS,
        days=st.integers(1, 60),
        subject=TEXTS,
    ),
    lambda inner: st.builds(
        lambda test, block: sieve.if_(test, *block), TESTS, st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=4,
)
SCRIPTS = st.lists(COMMANDS, min_size=1, max_size=4)


@pytest.fixture(scope="module")
def engine():
    with pigeonhole() as engine:
        yield engine


def expected(node):
    """The words of a node as another reader must see them."""
    found = [node.name]
    for argument in node.arguments:
        match argument:
            case sieve.Tag(name):
                found.append(f":{name}")
            case tuple():
                found.append(list(argument))
            case _:
                found.append(argument)
    if isinstance(node, sieve.Test):
        inner = [expected(test) for test in node.tests]
        return [*found, *inner] if node.name == "not" else [*found, *([inner] if inner else [])]
    if node.test:
        found.append(expected(node.test))
    return [*found, [expected(command) for command in node.block]] if node.block else found


@given(SCRIPTS)
@settings(max_examples=150, deadline=None)
def test_another_parser_reads_the_same_commands_and_strings(commands):
    read = words(sieve.script(*commands))
    if read[0][0] == "require":
        read = read[1:]
    assert read == [expected(command) for command in commands]


@given(st.lists(SCRIPTS, min_size=1, max_size=25))
@settings(max_examples=20, deadline=None)
def test_pigeonhole_compiles_them(engine, scripts):
    engine.compile(sieve.script(*commands) for commands in scripts)


@given(TEXTS)
def test_a_quoted_text_is_one_string(text):
    quoted = sieve.quote(text)
    assert re.fullmatch(r'"(?:[^"\\]|\\["\\])*"', quoted)
    assert re.sub(r"\\(.)", r"\1", quoted[1:-1]) == text


@given(st.text(FIT), UNFIT, st.text(FIT))
def test_what_mail_cannot_carry_is_refused(before, unfit, after):
    if unfit == "\r" and after.startswith("\n"):
        after = " " + after
    with pytest.raises(sieve.UnfitText) as refusal:
        sieve.quote(before + unfit + after)
    line = before.count("\n") + 1
    assert str(refusal.value) == (
        f"Please remove the character U+{ord(unfit):04X} from line {line}: it can't be sent."
    )
    assert refusal.value.reason % refusal.value.values == str(refusal.value)


def test_line_ends_become_line_feeds():
    assert sieve.quote("one\r\ntwo\n") == '"one\ntwo\n"'


def test_only_what_the_nodes_need_is_required():
    test = sieve.not_(sieve.anyof(sieve.envelope_is("from", ""), sieve.currentdate("ge", "hour", "08")))
    source = sieve.script(
        sieve.if_(test, sieve.if_(sieve.not_(test), sieve.redirect("a@b.test", copy=True)), sieve.stop()),
        sieve.keep(),
    )
    assert source == (
        'require ["copy", "date", "envelope", "relational"];\n'
        "if not anyof (\n"
        '    envelope :is "from" [""],\n'
        '    currentdate :zone "+0000" :value "ge" "hour" "08"\n'
        ") {\n"
        "    if not not anyof (\n"
        '        envelope :is "from" [""],\n'
        '        currentdate :zone "+0000" :value "ge" "hour" "08"\n'
        "    ) {\n"
        '        redirect :copy "a@b.test";\n'
        "    }\n"
        "    stop;\n"
        "}\n"
        "keep;\n"
    )
    assert sieve.script(sieve.redirect("a@b.test")) == 'redirect "a@b.test";\n'


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="no negative numbers"):
        sieve.script(sieve.vacation("", from_="a@b.test", addresses=("a@b.test",), handle="1", days=-1))
