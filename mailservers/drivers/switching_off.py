"""Switches single rules in people's own scripts off, so that the portal's can take their place.

It is done as Roundcube does it: whoever made one there finds it there, and can switch it on again. All else
in the script stays as it is, to the byte.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from mailservers.drivers.base import RuleEdit
from mailservers.drivers.sieve_reading import ENDS, commands, targets_of, whole_commands
from mailservers.drivers.sieve_tokens import Token, required, tokens
from mailservers.drivers.sieve_windows import NEVER, Span

_NAME = re.compile(r"#[ \t]*rule:\[(?P<name>.*)\]", re.DOTALL)
_BRANCHES = ("elsif", "else")
LONGEST_NAME = 100
# Far more than anybody makes; what a longer script sends on is told all the same (sieve_reading.py).
MOST_RULES = 2_000


@dataclass(frozen=True, slots=True)
class Rule:
    """An outermost command of a script."""

    number: int
    name: str
    """As Roundcube notes it in a comment; else empty."""
    text: str
    """To the byte, without the comments before it."""
    start: int
    end: int
    is_alone: bool
    """It is no branch of an “if”, and has none after it."""
    line_end: str
    """How the script ends its lines, for what is added."""
    actions: frozenset[str]
    """The names of the commands in it that can be come to."""
    answers: tuple[Span, ...]
    """When its auto-replies may be sent."""
    sends_on: bool
    """To somewhere, by whatever command."""
    runs: Span
    """When any of it may."""
    is_reached: bool
    """No command before it ends the script for all mail."""
    depends: bool
    """What it does is told by variables, or in encoded characters."""
    test: str | None
    """What stands between “if” and the block, in a line; None where that is more than a line."""
    opening: int
    """Where the block begins in the text; -1: there is none."""
    tokens: tuple[Token, ...]


class Rules(list[Rule]):
    """A script's; `is_whole`: there are no more."""

    is_whole = True


def rules(script: str) -> Rules:
    """All outermost commands but `require`, as far as the script is looked at."""
    every = tokens(script)
    names = required(every)
    expands = bool(names & {"variables", "encoded-character"})
    line_end = "\r\n" if "\r\n" in script else "\n"
    found = [command for command in whole_commands(every) if command[0].value != "require"]
    branched = {
        position
        for position, (_, after) in enumerate(pairwise(found))
        if after[0].kind == "word" and after[0].value in _BRANCHES
    }
    told = Rules()
    told.is_whole = every.is_whole and len(found) <= MOST_RULES
    is_reached = True
    for position, command in enumerate(found[:MOST_RULES]):
        alone = position not in branched and command[0].value not in _BRANCHES
        told.append(
            _rule(position + 1, command, script, names, (alone, is_reached, expands), line_end=line_end)
        )
        if command[0].kind == "word" and command[0].value in ENDS and command[-1].is_a("sign", ";"):
            is_reached = False
    return told


def _rule(
    number: int,
    command: list[Token],
    script: str,
    names: Set[str],
    what: tuple[bool, bool, bool],
    *,
    line_end: str,
) -> Rule:
    alone, is_reached, expands = what
    start, end = command[0].start, command[-1].end
    inner = [each for each in commands(command) if each.span != NEVER]
    runs = NEVER
    for each in inner:
        if each.name not in ("if", "elsif", "else", "foreverypart"):
            runs = runs.or_(each.span)
    opening = next((token for token in command if token.is_a("sign", "{")), None)
    return Rule(
        number,
        _name(command[0].note),
        script[start:end],
        start,
        end,
        alone,
        line_end,
        frozenset(each.name for each in inner),
        tuple(each.span for each in inner if each.name == "vacation"),
        any(targets_of(each, names) for each in inner),
        runs,
        is_reached,
        expands and any(token.kind == "string" and _depends(token, script) for token in command),
        _test(command, opening, script),
        -1 if opening is None else opening.start - start,
        tuple(command),
    )


def does(rule: Rule, action: str) -> bool:
    """Whether the action can be reached in it."""
    return action in rule.actions


def switched_off(rule: Rule) -> str | None:
    """The rule when it is off; None where it is no rule of its own, or a comment can't tell it."""
    # An "else" would run now where the rule before it is off.
    if not rule.is_alone:
        return None
    end = rule.line_end
    if rule.opening < 0:
        return f"if false # true{end}{{{end}\t{rule.text}{end}}}"
    if rule.test is None:
        return None
    before = rule.text[: rule.opening]
    blanks = before[len(before.rstrip()) :]
    if "\n" in blanks:
        end = "\r\n" if "\r\n" in blanks else "\n"
    return f"if false # {rule.test}{end}{rule.text[rule.opening :]}"


def edited(script: str, edits: Sequence[RuleEdit]) -> str:
    """The script with each rule that is found as it was changed to what it should be; nothing else is."""
    if not edits:
        return script
    places = [(rule.start, rule.end) for rule in rules(script)]
    pieces = [script[start:end] for start, end in places]
    # Of several that are the same, the last one.
    by_text: dict[str, list[int]] = {}
    for number, piece in enumerate(pieces):
        by_text.setdefault(with_lf(piece), []).append(number)
    for edit in edits:
        same = by_text.get(with_lf(edit.before))
        if same:
            number = same.pop()
            pieces[number] = _put(pieces[number], edit)
            by_text.setdefault(with_lf(pieces[number]), []).append(number)
    whole, reached = [], 0
    for (start, end), piece in zip(places, pieces, strict=True):
        whole += [script[reached:start], piece]
        reached = end
    return "".join([*whole, script[reached:]])


def _put(piece: str, edit: RuleEdit) -> str:
    """Where it is what it was to the byte, so is what comes; else only what differs is touched."""
    if piece == edit.before:
        return edit.after
    before, after = with_lf(edit.before), with_lf(edit.after)
    same_before = _alike(before, after)
    rest, new = before[same_before:], after[same_before:]
    same_after = _alike(rest[::-1], new[::-1])
    new = new[: len(new) - same_after]
    if "\r\n" in piece:
        new = new.replace("\n", "\r\n")
    places = _places(piece)
    return piece[: places[same_before]] + new + piece[places[len(before) - same_after] :]


def _alike(one: str, other: str) -> int:
    """With how many characters both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _places(script: str) -> list[int]:
    """For each place in the script with LF line ends: where it is in the script as it is."""
    places, position = [], 0
    while position < len(script):
        places.append(position)
        position += 2 if script.startswith("\r\n", position) else 1
    return [*places, len(script)]


def with_lf(text: str) -> str:
    """The text with LF line ends, by which rules are known."""
    return text.replace("\r\n", "\n")


def _name(note: str) -> str:
    """Of the comment before a rule, by which Roundcube knows it."""
    found = _NAME.fullmatch(note.strip())
    name = found["name"] if found else ""
    return "".join(letter for letter in name if letter.isprintable())[:LONGEST_NAME]


def _depends(token: Token, script: str) -> bool:
    """By what is written there: decoded, it may look like any other."""
    return "${" in token.value or "${" in script[token.start : token.end]


def _test(command: list[Token], opening: Token | None, script: str) -> str | None:
    """A comment and a text of several lines can't stand in a comment of one."""
    if opening is None or not command[0].is_a("word", "if"):
        return None
    before = command[1 : command.index(opening)]
    if any(token.note or (token.kind == "string" and "\n" in token.value) for token in (*before, opening)):
        return None
    test = script[command[0].end : opening.start].strip()
    if "#" in test or "/*" in test:
        return None
    return re.sub(r"\s*[\r\n]\s*", " ", test)
