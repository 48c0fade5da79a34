"""Our own source, and that of others, as nodes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vacation import sieve
from vacation.sieve import Command, Tag
from vacation.sieve_parsing import NotSieve, parse

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('\n"\\.#;{'))
TESTS = st.recursive(
    st.builds(sieve.currentdate, st.sampled_from(["ge", "lt"]), st.just("date"), WORDS)
    | st.builds(sieve.envelope_is, st.just("from"), WORDS, WORDS),
    lambda inner: (
        st.builds(sieve.not_, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda tests: sieve.allof(*tests))
        | st.lists(inner, min_size=2, max_size=3).map(lambda tests: sieve.anyof(*tests))
    ),
    max_leaves=6,
)
COMMANDS = st.recursive(
    st.builds(sieve.redirect, WORDS, copy=st.booleans())
    | st.just(sieve.keep())
    | st.just(sieve.stop())
    | st.builds(
        sieve.vacation,
        WORDS,
        from_=WORDS,
        addresses=st.tuples(WORDS, WORDS),
        handle=WORDS,
        days=st.integers(0, 999_999_999),
    ),
    lambda inner: st.builds(
        lambda test, block: sieve.if_(test, *block), TESTS, st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


def bare(node):
    """Without the extensions, which the source names only once, at its beginning."""
    if isinstance(node, sieve.Test):
        return replace(node, tests=tuple(map(bare, node.tests)), extensions=frozenset())
    return replace(
        node,
        test=node.test and bare(node.test),
        block=tuple(map(bare, node.block)),
        extensions=frozenset(),
    )


@settings(deadline=None)
@given(st.lists(COMMANDS, max_size=4))
def test_what_is_written_is_read_as_it_was(commands):
    try:
        source = sieve.script(*commands)
        read = parse(source)
    except (sieve.UnfitText, NotSieve):  # characters no mail can carry; deeper than anybody's rules
        return
    assert [command for command in read if command.name != "require"] == [bare(each) for each in commands]


def test_a_script_of_somebody_elses():
    source = """
        require ["fileinto", "copy"];   # what it needs
        If NOT anyof (header :contains ["From", "To"] "x", size :over 1M) /* big */ {
            FileInto :copy text: # where to
..Archive
.
;
        } elsif true { discard; } else { stop; }
    """
    assert parse(source) == (
        Command("require", (("fileinto", "copy"),)),
        Command(
            "if",
            test=sieve.Test(
                "not",
                tests=(
                    sieve.Test(
                        "anyof",
                        tests=(
                            sieve.Test("header", (Tag("contains"), ("From", "To"), "x")),
                            sieve.Test("size", (Tag("over"), 1024 * 1024)),
                        ),
                    ),
                ),
            ),
            block=(Command("fileinto", (Tag("copy"), ".Archive\n")),),
        ),
        Command("elsif", test=sieve.Test("true"), block=(Command("discard"),)),
        Command("else", block=(Command("stop"),)),
    )


@pytest.mark.parametrize(
    "source",
    [
        "keep",
        "keep }",
        "keep; }",
        "if true { keep;",
        "if true { keep }",
        "if (true) { keep; }",
        "if anyof (true { keep; }",
        "if anyof () { keep; }",
        "redirect [];",
        'redirect ["a" "b"];',
        'redirect ["a", 3];',
        '"keep";',
        ":keep;",
        "keep; ,",
        "keep;;",
        'redirect "never closed;',
    ],
)
def test_what_is_not_sieve(source):
    with pytest.raises(NotSieve):
        parse(source)
