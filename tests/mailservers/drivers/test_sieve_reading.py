"""What the portal sees in scripts that others wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.sieve_reading import has_vacation, included, redirects


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
    redirects(text)


@pytest.mark.parametrize(
    ("script", "targets"),
    [
        ('redirect "boss@elsewhere.test";', ["boss@elsewhere.test"]),
        ('require "copy";\r\nredirect :copy "Boss@ELSEWHERE.test";\r\n', ["boss@elsewhere.test"]),
        ('REDIRECT/* now */"a@b.test" ;redirect "c@d.test";', ["a@b.test", "c@d.test"]),
        ('redirect :notify "never" :ret "FULL" :copy "a@b.test";', ["a@b.test"]),
        ('redirect text:\na@b.test\n.\n;', ["a@b.test"]),
        ('redirect "The Boss <a@b.test>";', ["a@b.test"]),
        ('redirect "\\a@b\\.test";', ["a@b.test"]),
        ('require ["encoded-character"];\nredirect "a${hex:40}b${unicode: 2E}test";', ["a@b.test"]),
        ('redirect "a${hex:40}b.test";', ["a${hex:40}b.test"]),
        ('require "encoded-character"; redirect "${unicode: ffffffff}@b";', ["${unicode: ffffffff}@b"]),
        ('require "encoded-character"; redirect "${hex: fff}@b.test";', ["${hex: fff}@b.test"]),
        ('set "x" "a@b.test"; redirect "${x}";', ["${x}"]),
        ('if header "subject" "x" { redirect "a@b.test"; stop; }', ["a@b.test"]),
        ('if false { keep; } else { redirect "a@b.test"; }', ["a@b.test"]),
        ('redirect "a@b.test"', ["a@b.test"]),
        ("", []),
        ('# redirect "a@b.test";\n/* redirect "a@b.test"; */', []),
        ('vacation "redirect \\"a@b.test\\";";', []),
        ('vacation text:\nredirect "a@b.test";\n.\n;', []),
        ('# rule:[off]\nif false # true\n{\n\tredirect "a@b.test";\n}', []),
        ('header "redirect" "a@b.test"; redirect; redirected "a@b.test";', []),
    ],
)  # fmt: skip
def test_where_mail_is_sent_on_to(script: str, targets: list[str]) -> None:
    assert redirects(script) == targets


def test_a_doubled_dot_in_a_long_text_is_one() -> None:
    assert redirects("redirect text:\n..a@b.test\n.\n;") == [".a@b.test"]
