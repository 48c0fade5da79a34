"""Rules in people's own scripts, switched off as Roundcube does it, and on again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.base import RuleEdit
from mailservers.drivers.sieve_reading import has_vacation
from mailservers.drivers.switching_off import does, edited, rules, switched_off

ROUNDCUBE = Path(__file__).parents[2] / "vacation" / "roundcube"


def roundcube(name: str) -> str:
    return (ROUNDCUBE / f"{name}.sieve").read_bytes().decode()


def edits(script: str, action: str = "vacation") -> list[RuleEdit]:
    """Those that switch off every rule with the action; fails where one can't be."""
    found = []
    for rule in rules(script):
        if does(rule, action):
            off = switched_off(rule)
            assert off is not None
            found.append(RuleEdit("x", rule.text, off))
    return found


def without_vacation(script: str) -> str:
    return edited(script, edits(script))


def test_a_rule_of_roundcubes_is_switched_off_as_roundcube_does_it() -> None:
    assert without_vacation(roundcube("on")) == roundcube("on").replace("if true", "if false # true")
    assert without_vacation(roundcube("off")) == roundcube("off")


def test_rules_are_told_by_the_names_that_roundcube_gives_them() -> None:
    assert [rule.name for rule in rules(roundcube("days"))] == ["Invoices", "Vacation"]
    assert [rule.name for rule in rules("keep; # rule:[x] keep;\nstop;")] == ["", ""]


@pytest.mark.parametrize("name", ["days", "times", "copy", "discard", "only-from-boss", "portal-changed"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_other_rules_stay_as_they_are_to_the_byte(name: str, line_end: str) -> None:
    before = roundcube(name).replace("\r\n", "\n").replace("\n", line_end)
    after = without_vacation(before)
    assert not has_vacation(after)
    assert after.replace("if false # ", "if ") == before
    assert after.count("\r") == before.count("\r")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["days", "times", "copy", "portal-changed"])
def test_switched_on_again_the_script_is_what_it_was(name: str, line_end: str) -> None:
    before = roundcube(name).replace("\r\n", "\n").replace("\n", line_end)
    back = [RuleEdit(edit.script, edit.after, edit.before) for edit in edits(before)]
    assert edited(without_vacation(before), back) == before


def test_a_rule_that_was_changed_meanwhile_is_left_alone() -> None:
    before = roundcube("days")
    other = before.replace("maandag", "dinsdag")
    assert edited(other, edits(before)) == other


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
    assert without_vacation(before.replace("\n", "\r\n")) == after.replace(
        "\n", "\r\n" if "\n" in before else "\n"
    )


@pytest.mark.parametrize(
    "script",
    [
        'if true { keep; } else { vacation "a"; }',
        'if header "x" "y" { vacation "a"; } else { discard; }',
        'if true { keep; } elsif true { vacation "a"; }',
        'if header "x" "a # b" { vacation "a"; }',
        'if true /* why\n not */ { vacation "a"; }',
        'if header "x" "a\nb" { vacation "a"; }',
    ],
)
def test_what_is_no_rule_of_its_own_is_left_to_its_owner(script: str) -> None:
    [rule] = [rule for rule in rules(script) if does(rule, "vacation")]
    assert switched_off(rule) is None


@pytest.mark.parametrize("script", ['vacation "never closed', 'if true { vacation "a";'])
def test_what_is_never_closed_is_no_rule(script: str) -> None:
    assert rules(script) == []


def test_a_bare_redirect() -> None:
    script = 'require "copy";\nredirect :copy "a@x.test";\nkeep;\n'
    after = 'require "copy";\nif false # true\n{\n\tredirect :copy "a@x.test";\n}\nkeep;\n'
    assert edited(script, edits(script, "redirect")) == after


@given(st.lists(st.sampled_from(["if", "true", "{", "}", ";", "vacation", '"a"', "else", "#", "\n", "keep"])))
def test_a_rule_that_is_off_answers_nobody(words: list[str]) -> None:
    for rule in rules(" ".join(words)):
        off = switched_off(rule)
        assert off is None or not has_vacation(off)


# --- to the byte


def off_and_on(script: str) -> str:
    """Each rule that can be switched off is, and after that on again."""
    changed = [RuleEdit("x", rule.text, off) for rule in rules(script) if (off := switched_off(rule))]
    back = [RuleEdit("x", edit.after, edit.before) for edit in reversed(changed)]
    return edited(edited(script, changed), back)


@pytest.mark.parametrize(
    "script",
    [
        'keep;\r\r\n\r\r\nif true\r\r\n{ vacation "a"; }\r\r\nkeep;\r\r\n',
        'keep;\r\nif allof (true,\n  true)\n{\n\tvacation "a";\n}\r\nredirect "a@b.test";\n',
        'if\rtrue\r{\rvacation "a";\r}\rredirect "a@b.test";\r',
        "vacation text:\r\na\n..b\r\n.\n;keep;\n\r\n",
        'if true{vacation "a";}if true {vacation "a";} vacation "a"; vacation "a";',
        "if allof ( true ,\r\n\ttrue )  { keep; }\r\nkeep;\n",
    ],
)
def test_line_ends_of_all_kinds_come_back(script: str) -> None:
    assert off_and_on(script) == script


def test_a_stray_line_end_shifts_no_rule() -> None:
    script = '# a\r\r\nkeep;\r\r\nif true\n{ vacation "a"; }\n'
    assert without_vacation(script) == script.replace("if true", "if false # true")


def test_of_rules_that_are_alike_as_many_as_were_told_are_switched() -> None:
    script = 'vacation "a";\nkeep;\nvacation "a";\n'
    [off, _] = edits(script)
    assert edited(script, [off]).count("if false") == 1
    assert edited(script, [off, off]).count("if false") == 2


def test_what_was_kept_with_other_line_ends_is_still_found() -> None:
    """Rows from before: the texts have LF line ends."""
    script = 'keep;\r\nif true\r\n{\r\n\tvacation "a";\r\n}\r\n'
    before = 'if true\n{\n\tvacation "a";\n}'
    after = before.replace("if true", "if false # true")
    off = edited(script, [RuleEdit("x", before, after)])
    assert off == script.replace("if true", "if false # true")
    assert edited(off, [RuleEdit("x", after, before)]) == script


PIECES = st.sampled_from(
    [
        *(
            "if ",
            "true ",
            "false ",
            "not ",
            "allof (",
            "anyof (",
            ")",
            ", ",
            "{",
            "}",
            ";",
            "elsif true",
            "else",
        ),
        *(
            'vacation "a"',
            'redirect "a@b.test"',
            "vacation text:\n.a\n.\n",
            "5text:\nx\n.\r\n",
            "stop",
            "keep",
        ),
        *(
            "\n",
            "\r\n",
            "\r",
            "\r\r\n",
            " ",
            "\t",
            "# rule:[x]\n",
            "# c\r\n",
            "/* ; */",
            '"',
            "\\",
            ":copy ",
            "\0",
        ),
        *('currentdate :value "le" "date" "2024-01-01" ', 'header :is "if" "false" ', 'require "variables";'),
        *(
            'set "x" "${hex:00}"',
            "é",
            "\ud800",
            "\U0001f600",
            'include :personal "y"',
            "return",
            '["a", "b"]',
        ),
    ]
)
RULES = st.builds(
    lambda test, block, between: f"{test}{between}{{{between}{''.join(block)}{between}}}{between}",
    st.sampled_from(
        ["if true", "if\tallof (true,\n true)", 'if header :is "a" "b"', "if false # true\n", "if not false"]
    ),
    st.lists(
        st.sampled_from(
            ['vacation "a";', "keep;", "stop;", 'redirect "a@b.test";', "vacation text:\r\nx\n.\n;"]
        )
    ),
    st.sampled_from(["\n", "\r\n", " ", "", "\r", "\n\r\n"]),
)


@given(st.lists(RULES | st.sampled_from(["keep;\n", 'redirect "a@b.test";\r\n', "# rule:[x]\n"])))
def test_any_rules_switched_off_and_on_are_what_they_were(parts: list[str]) -> None:
    script = "".join(parts)
    assert off_and_on(script) == script


@given(st.lists(PIECES, max_size=60).map("".join))
def test_any_script_switched_off_and_on_is_what_it_was(script: str) -> None:
    assert off_and_on(script) == script
    for rule in rules(script):
        assert script[rule.start : rule.end] == rule.text


def test_rules_of_a_name_of_odd_letters() -> None:
    [rule] = rules("# rule:[a\0\x1bb" + "c" * 500 + "]\r\nkeep;")
    assert rule.name.startswith("abccc")
    assert len(rule.name) == 100
