"""What the portal stores as its script, and what it sees in scripts of others."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailservers.drivers.portal_script import (
    PortalScript,
    compose,
    is_last,
    is_ours,
    remembered,
    take_apart,
)

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
TEXTS = st.one_of(st.text(), st.sampled_from([compose(PortalScript("keep;\n", "x")), "# -----", '";\n']))


@given(text=TEXTS, before=NAMES, own_first=st.sampled_from([True, False, None]))
@example(text='require ["copy"];\nrequire "vacation";\nkeep;', before="x", own_first=True)
@example(text="keep;\nstop;\n", before="x", own_first=True)
def test_what_was_put_together_comes_apart_again(text: str, before: str, own_first: bool | None) -> None:
    stored = compose(PortalScript(text, before, own_first))
    # Nothing of the mailbox's own runs before a text that is to be the last.
    assert take_apart(stored) == (text, before, False if own_first and is_last(text) else own_first)
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
    assert lines[-2:] == [
        "# ----- rules of your own -----",
        r'include :personal :optional "say \"hi\" \\o/";',
    ]
    assert "include :personal" not in compose(PortalScript("keep;", ""))


@pytest.mark.parametrize("stored", ["", "keep;", 'require "include";\ninclude :personal "x";\n'])
def test_scripts_of_others_are_not_ours(stored: str) -> None:
    assert not is_ours(stored)
    assert take_apart(stored) is None
    assert remembered(stored) == ""


def test_the_script_from_before_is_remembered_when_webmail_wrote_all_of_it_anew() -> None:
    stored = compose(PortalScript("keep;\n", "roundcube"))
    lines = [line for line in stored.splitlines() if not line.startswith("# -----")]
    rewritten = "\r\n".join(lines).replace(":personal :optional", ":optional :personal")
    assert take_apart(rewritten) is None
    assert remembered(rewritten) == "roundcube"
    assert remembered(rewritten.replace("include :", "# include :")) == ""
