"""What the portal stores as its script, and what it sees in scripts of others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.portal_script import (
    PortalScript,
    compose,
    has_vacation,
    included,
    is_ours,
    remembered,
    take_apart,
)

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
TEXTS = st.one_of(st.text(), st.sampled_from([compose(PortalScript("keep;\n", "x")), "# -----", '";\n']))


@given(TEXTS, NAMES)
def test_what_was_put_together_comes_apart_again(text: str, before: str) -> None:
    stored = compose(PortalScript(text, before))
    assert take_apart(stored) == (text, before)
    assert remembered(stored) == before
    assert is_ours(stored)


@given(NAMES, st.integers(min_value=0), st.sampled_from(["x", "\n", '"', "#", "keep;"]))
def test_a_change_anywhere_shows(before: str, place: int, added: str) -> None:
    stored = compose(PortalScript("keep;\n", before))
    place %= len(stored)
    changed = stored[:place] + added + stored[place:]
    apart = take_apart(changed)
    assert apart is None or compose(apart) == changed


def test_the_script_from_before_is_remembered_when_the_rest_was_changed() -> None:
    stored = compose(PortalScript("keep;\n", 'my "own" \\ rules'))
    changed = stored.replace("keep;", "discard;").replace("writes it anew", "wrote")
    assert take_apart(changed) is None
    assert remembered(changed) == 'my "own" \\ rules'
    assert is_ours(changed)


def test_the_stored_script_explains_itself_and_ends_with_the_one_from_before() -> None:
    lines = compose(PortalScript('require "vacation";\nvacation "Away.";\n', 'say "hi" \\o/')).splitlines()
    assert lines[0].startswith("# This script belongs to the mail portal")
    assert 'require "include";' in lines
    assert lines[-1] == r'include :personal :optional "say \"hi\" \\o/";'
    assert "include :personal" not in compose(PortalScript("keep;", ""))


@pytest.mark.parametrize("stored", ["", "keep;", 'require "include";\ninclude :personal "x";\n'])
def test_scripts_of_others_are_not_ours(stored: str) -> None:
    assert not is_ours(stored)
    assert take_apart(stored) is None
    assert remembered(stored) == ""


@pytest.mark.parametrize(
    "script",
    [
        'require "vacation"; vacation "Away.";',
        'require ["vacation"];\r\nif true {\r\n  VACATION :days 7 text:\r\nAway.\r\n.\r\n;\r\n}\r\n',
        'if header "subject" "vacation" { keep; } else { vacation "x"; }',
        '/* no */vacation/* yes */"x";',
        'if false { keep; } vacation "x";',
        'if false { if true { vacation "no"; } } elsif true { vacation "x"; }',
        'if anyof (false, true) { vacation "x"; }',
        'set "a" "text:\n"; vacation "x";',
        '# text:\nvacation "x";\n.\n',
        'fileinto "\\\\"; vacation "x";',
        'if false # rule:[off]\n{ fileinto "}"; }\nvacation "x";',
        "redirect text:# why\na\n.\n; vacation text: \nx\n.\n;",
    ],
)
def test_a_vacation_action_is_found(script: str) -> None:
    assert has_vacation(script)


@pytest.mark.parametrize(
    "script",
    [
        "",
        'require "vacation";',
        "# vacation\nkeep;",
        'keep; /* vacation "x";\n * vacation */',
        "keep; /* never closed vacation",
        'fileinto "vacation";',
        'fileinto "a \\" vacation \\\\";',
        'fileinto "never closed vacation;',
        'redirect text:\nvacation "x";\n..\nvacation\n.\n;',
        'redirect text: # why\r\nvacation "x";\r\n.\r\n;',
        "redirect text:\nnever closed vacation",
        'myvacation "x"; vacationer "y"; :vacation "z";',
        # As Roundcube writes a rule that is switched off.
        '# rule:[Away]\nif false # true\n{\n\tvacation :days 7 "Away {";\n}\n',
        'if false { if true { keep; } vacation "x"; }',
        "if false { vacation",
    ],
)
def test_what_only_looks_like_a_vacation_action(script: str) -> None:
    assert not has_vacation(script)


def test_own_scripts_that_are_included() -> None:
    script = """
        require "include";
        include "a"; include :personal "b \\"c\\""; include :once :optional :PERSONAL "d";
        include :global "e"; # include "f";
        if false { include "g"; }
        include text:
h
.
; include; include :personal
    """
    assert included(script) == ["a", 'b "c"', "d", "h\n"]


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    has_vacation(text)
    included(text)
