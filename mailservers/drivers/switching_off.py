"""Switches single rules in people's own scripts off, so that the portal's can take their place.

It is done as Roundcube does it: whoever made one there finds it there, and can switch it on again. All else
in the script stays as it is, to the byte.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from mailservers.drivers.base import RuleEdit
from mailservers.drivers.sieve_reading import Token, live_tokens, tokens

_NAME = re.compile(r"#[ \t]*rule:\[(?P<name>[^\n]*)\][ \t]*\n\s*\Z")
_BRANCHES = ("elsif", "else")


class Rule(NamedTuple):
    """An outermost command of a script."""

    number: int
    name: str
    """As Roundcube notes it in a comment; else empty."""
    text: str
    """With LF line ends, without the comments before it."""
    start: int
    end: int
    is_alone: bool
    """It is no branch of an “if”, and has none after it."""
    tokens: tuple[Token, ...]


def rules(script: str) -> list[Rule]:
    """All outermost commands but `require`; places are those in the script with LF line ends."""
    source = script.replace("\r\n", "\n")
    commands = [command for command in _commands(tokens(source)) if command[0].value != "require"]
    branched = {
        position
        for position, (before, after) in enumerate(pairwise(commands))
        if after[0].is_a("word", "elsif") or after[0].is_a("word", "else")
    }
    found = []
    for position, command in enumerate(commands):
        start, end = command[0].start, command[-1].end
        name = _NAME.search(source[:start])
        alone = position not in branched and command[0].value not in _BRANCHES
        found.append(
            Rule(
                position + 1,
                name["name"] if name else "",
                source[start:end],
                start,
                end,
                alone,
                tuple(command),
            )
        )
    return found


def does(rule: Rule, action: str) -> bool:
    """Whether the action can be reached in it."""
    return any(token.is_a("word", action) for token in live_tokens(list(rule.tokens)))


def switched_off(rule: Rule) -> str | None:
    """The rule's text when it is off; None where it is no rule of its own, or can't be told in a comment."""
    # An "else" would run now where the rule before it is off.
    if not rule.is_alone:
        return None
    # Tokens know their places in the whole script.
    first, shift = rule.tokens[0], rule.start
    if first.value in ("vacation", "redirect"):
        return f"if false # true\n{{\n\t{rule.text}\n}}"
    opening = next((token for token in rule.tokens if token.is_a("sign", "{")), None)
    if not first.is_a("word", "if") or opening is None:
        return None
    test = rule.text[first.end - shift : opening.start - shift].strip()
    texts = [token.value for token in rule.tokens if token.kind == "string" and token.start < opening.start]
    if "#" in test or "/*" in test or any("\n" in text for text in texts):
        return None
    in_a_line = re.sub(r"\s*\n\s*", " ", test)
    return f"if false # {in_a_line}\n{rule.text[opening.start - shift :]}"


def edited(script: str, edits: Sequence[RuleEdit]) -> str:
    """The script with each rule that is found as it was changed to what it should be; nothing else is."""
    for edit in edits:
        for rule in reversed(rules(script)):
            if rule.text == edit.before:
                script = _put(script, rule, edit.after)
                break
    return script


def _put(script: str, rule: Rule, text: str) -> str:
    """Only what differs is touched: a script may end its lines in both ways."""
    same_before = _alike(rule.text, text)
    rest, new = rule.text[same_before:], text[same_before:]
    same_after = _alike(rest[::-1], new[::-1])
    new = new[: len(new) - same_after]
    if "\r\n" in script:
        new = new.replace("\n", "\r\n")
    places = _places(script)
    return script[: places[rule.start + same_before]] + new + script[places[rule.end - same_after] :]


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


def _commands(every: list[Token]) -> Iterator[list[Token]]:
    """The outermost commands; what follows the last one is left out."""
    begun, depth = 0, 0
    for position, token in enumerate(every):
        if token.kind != "sign":
            continue
        depth += {"{": 1, "}": -1}.get(token.value, 0)
        if depth == 0 and token.value in (";", "}"):
            yield every[begun : position + 1]
            begun = position + 1
