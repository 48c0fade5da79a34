"""Auto-replies in people's own scripts, switched off as Roundcube does it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.sieve_reading import has_vacation
from mailservers.drivers.switching_off import without_vacation

ROUNDCUBE = Path(__file__).parents[2] / "vacation" / "roundcube"


def roundcube(name: str) -> str:
    return (ROUNDCUBE / f"{name}.sieve").read_bytes().decode()


def test_a_rule_of_roundcubes_is_switched_off_as_roundcube_does_it() -> None:
    assert without_vacation(roundcube("on")) == roundcube("on").replace("\r\n", "\n").replace(
        "if true\n", "if false # true\n"
    )
    assert without_vacation(roundcube("off")) == roundcube("off").replace("\r\n", "\n")


@pytest.mark.parametrize("name", ["days", "times", "copy", "discard", "only-from-boss", "portal-changed"])
def test_the_other_rules_stay_as_they_are(name: str) -> None:
    before = roundcube(name).replace("\r\n", "\n")
    after = without_vacation(before)
    assert after is not None
    assert not has_vacation(after)
    assert after.replace("if false # ", "if ") == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("keep;\n", "keep;\n"),
        (
            'require "vacation";\nvacation "Gone.";\nkeep;\n',
            'require "vacation";\nif false # true\n{\n\tvacation "Gone.";\n}\nkeep;\n',
        ),
        (
            'if allof (true,\n    not false) { vacation "a"; } vacation "b";',
            'if false # allof (true, not false)\n{ vacation "a"; } if false # true\n{\n\tvacation "b";\n}',
        ),
        (
            "vacation text:\nkeep; }\n.\n;\nstop;\n",
            "if false # true\n{\n\tvacation text:\nkeep; }\n.\n;\n}\nstop;\n",
        ),
    ],
)
def test_scripts_of_other_hands(before: str, after: str) -> None:
    assert without_vacation(before) == after
    assert without_vacation(before.replace("\n", "\r\n")) == after


@pytest.mark.parametrize(
    "script",
    [
        'if true { keep; } else { vacation "a"; }',
        'if header "x" "y" { vacation "a"; } else { discard; }',
        'if true { keep; } elsif true { vacation "a"; }',
        'if header "x" "a # b" { vacation "a"; }',
        'if true /* why\n not */ { vacation "a"; }',
        'if header "x" "a\nb" { vacation "a"; }',
        'vacation "never closed',
        'if true { vacation "a";',
    ],
)
def test_what_is_no_rule_of_its_own_is_left_to_its_owner(script: str) -> None:
    assert without_vacation(script) is None


@given(st.lists(st.sampled_from(["if", "true", "{", "}", ";", "vacation", '"a"', "else", "#", "\n", "keep"])))
def test_whatever_comes_out_answers_nobody(words: list[str]) -> None:
    after = without_vacation(" ".join(words))
    assert after is None or not has_vacation(after)
