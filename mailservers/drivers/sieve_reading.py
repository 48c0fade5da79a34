"""What can be seen in Sieve scripts that others wrote, whether they are right or not.

Nothing here runs a script: what might happen to some mail counts as if it did.
"""

import hashlib
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, reduce
from itertools import takewhile
from typing import NamedTuple

from mailservers.drivers.addresses import bare_address, is_address, mailto_addresses
from mailservers.drivers.sieve_tokens import Token, Tokens, required, tokens
from mailservers.drivers.sieve_windows import ALWAYS, NEVER, Span, meet, read_test

SOMEWHERE = "?"
"""Begins what stands in place of an address: mail may be sent on, and to where can't be told. What follows is
another one as soon as the script is."""
UNREAD = f"{SOMEWHERE} unread"
"""The same of a mailbox whose scripts can't be read."""
# Of these in one script; what is above is told as somewhere.
MOST_TARGETS = 1_000
LONGEST_TARGET = 300

# What programs do with mail is up to them.
_PROGRAMS = frozenset(["pipe", "execute", "filter"])
_SWITCHED_OFF = [("word", "if"), ("word", "false"), ("sign", "{")]
ENDS = frozenset(["stop", "return"])


class Include(NamedTuple):
    """Another script of the mailbox's own that runs as well."""

    name: str
    always: bool
    """No test decides about it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a script shows."""

    answers: tuple[Span, ...] = ()
    """For each auto-reply that can be come to: when it may be sent."""
    targets: tuple[str, ...] = ()
    """Where it sends mail on to, by bare addresses in lower case; SOMEWHERE, or what is written there."""
    includes: tuple[Include, ...] = ()
    is_whole: bool = True
    """Else it is too long, and only its beginning was looked at."""


class Command(NamedTuple):
    """One command wherever it stands: its name and what comes before its “;” or block."""

    name: str
    arguments: Sequence[Token]
    depth: int
    span: Span
    """It can only be come to within."""
    is_last: bool
    """Nothing that comes after it in the script is come to."""


# One script is asked about several times in a row: for its includes, answers and redirects.
@lru_cache(maxsize=16)
def look(script: str) -> Look:
    """One pass, whatever it holds."""
    every = tokens(script)
    names = required(every)
    answers: list[Span] = []
    targets: list[str] = []
    includes: list[Include] = []
    has_ended = False
    for command in commands(every):
        if command.span == NEVER:
            continue
        if command.name == "vacation" and not has_ended:
            answers.append(command.span)
        elif command.name == "include":
            includes += _included(command)
            # Decoded or expanded, the name may be another one for the server than it is here.
            texts = [script[each.start : each.end] for each in command.arguments if each.kind == "string"]
            targets += [SOMEWHERE for text in texts if "${" in text]
        # Whatever ends the script: an alarm too many is better than one too few.
        targets += targets_of(command, names)
        has_ended = has_ended or command.is_last
    told = list(dict.fromkeys(target[:LONGEST_TARGET] for target in targets if target != SOMEWHERE))
    if not every.is_whole or SOMEWHERE in targets or len(told) > MOST_TARGETS:
        told[MOST_TARGETS:] = [_somewhere(script if not every.is_whole else every)]
    return Look(tuple(answers), tuple(told), tuple(dict.fromkeys(includes)), every.is_whole)


def _somewhere(script: str | Sequence[Token]) -> str:
    """With comments and blanks left out, where it can be."""
    told = script if isinstance(script, str) else "\n".join(token.value for token in script)
    return f"{SOMEWHERE} {hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()[:16]}"


def commands(every: Sequence[Token]) -> Iterator[Command]:
    """Each command, those in blocks behind the one that they belong to."""
    # For each block that is open: when it can be come to, and whether only some mail comes there.
    spans: list[Span] = [ALWAYS]
    begun = 0
    for position, token in enumerate(every):
        if token.kind != "sign" or token.value not in ";{}":
            continue
        words = every[begun:position]
        begun = position + 1
        span = spans[-1]
        if words and words[0].kind == "word":
            name = words[0].value
            is_last = name in ENDS and len(spans) == 1 and token.value == ";"
            if name in ("if", "elsif"):
                span = _met(span, read_test(words[1:]).maybe)
            yield Command(name, words[1:], len(spans) - 1, spans[-1], is_last)
        elif words:
            # No Sieve; still, a word in it may be one that sends mail on.
            yield from _loose(words, len(spans) - 1, spans[-1])
        if token.value == "{":
            spans.append(span)
        elif token.value == "}" and len(spans) > 1:
            spans.pop()
    yield from _loose(every[begun:], len(spans) - 1, spans[-1])


def _met(span: Span, other: Span) -> Span:
    both = span.and_(other)
    return NEVER if both.is_empty else both


def _loose(words: Sequence[Token], depth: int, span: Span) -> Iterator[Command]:
    first = next((position for position, token in enumerate(words) if token.kind == "word"), None)
    if first is not None:
        yield Command(words[first].value, words[first + 1 :], depth, span, is_last=False)


def has_vacation(script: str, now: datetime | None = None) -> bool:
    """Whether an auto-reply in it can be sent from now on."""
    moment = now or datetime.now(UTC)
    return any(span.ends > moment for span in look(script).answers)


def answer_together(scripts: Sequence[str], now: datetime | None = None) -> bool:
    """Whether two of them may answer at the same moment from now on: the server then sends neither."""
    spans = [reduce(Span.or_, look(script).answers, NEVER) for script in scripts]
    return meet(spans, now or datetime.now(UTC))


def included(script: str) -> list[str]:
    """The mailbox's own scripts that it includes."""
    return [each.name for each in look(script).includes]


def included_always(script: str) -> list[str]:
    """Those among them that no test decides about."""
    return [each.name for each in look(script).includes if each.always]


def redirects(script: str) -> list[str]:
    """The addresses it sends mail on to, in lower case; see Look.targets."""
    return list(look(script).targets)


def _included(command: Command) -> Iterator[Include]:
    options = [tag.value for tag in takewhile(_is_tag, command.arguments)]
    name = command.arguments[len(options) :][:1]
    if name and name[0].kind == "string" and ":global" not in options:
        yield Include(name[0].value, command.depth == 0)


def _is_tag(token: Token) -> bool:
    return token.kind == "tag"


def targets_of(command: Command, names: Set[str]) -> list[str]:
    """Where the command sends mail on to."""
    strings = [argument.value for argument in command.arguments if argument.kind == "string"]
    tags = {argument.value for argument in command.arguments if argument.kind == "tag"}
    found: list[str] = []
    if _runs_program(command):
        found.append(SOMEWHERE)
    match command.name:
        # The address is the last argument, whatever tags stand before it.
        case "redirect" | "report" if strings:
            found.append(SOMEWHERE if ":list" in tags else bare_address(strings[-1]))
        case "notify":
            found += _notified(strings, tags, expands="variables" in names)
        case "include" if ":global" in tags and "variables" in names:
            # Global variables may tell the operators' script where to send it.
            found.append(SOMEWHERE)
    if "variables" in names and any("${" in target for target in found):
        found.append(SOMEWHERE)
    return found


def _runs_program(command: Command) -> bool:
    """As an action, or as a test."""
    if command.name in _PROGRAMS:
        return True
    return command.name in ("if", "elsif") and any(
        token.kind == "word" and token.value in _PROGRAMS for token in command.arguments
    )


def _notified(strings: Sequence[str], tags: set[str], *, expands: bool) -> list[str]:
    """By RFC 5435, or by the draft before it, which names addresses in options: all that it names."""
    if not strings:
        return []
    found: list[str] = []
    for text in map(str.strip, strings):
        if text.lower().startswith("mailto:"):
            found += mailto_addresses(text)
        elif is_address(address := bare_address(text)):
            found.append(address)
    if tags & {":method", ":id", ":options"} and expands and any("${" in text for text in strings):
        found.append(SOMEWHERE)
    return found or [SOMEWHERE]


def live_tokens(every: Sequence[Token]) -> list[Token]:
    """Without the blocks that never run: Roundcube switches a rule off with ``if false # …``."""
    live: list[Token] = []
    position = 0
    while position < len(every):
        ahead = every[position : position + 3]
        if [(token.kind, token.value) for token in ahead] == _SWITCHED_OFF:
            position = _end_of_block(every, position + 2)
        else:
            live.append(every[position])
            position += 1
    return live


def _end_of_block(every: Sequence[Token], opening: int) -> int:
    """The position after the brace that closes the block."""
    depth = 0
    for position in range(opening, len(every)):
        if every[position].kind == "sign":
            depth += {"{": 1, "}": -1}.get(every[position].value, 0)
        if depth == 0:
            return position + 1
    return len(every)


def whole_commands(every: Tokens) -> Iterator[list[Token]]:
    """The outermost commands with their blocks; what follows the last one is left out."""
    begun, depth = 0, 0
    for position, token in enumerate(every):
        if token.kind != "sign":
            continue
        depth += {"{": 1, "}": -1}.get(token.value, 0)
        if depth == 0 and token.value in (";", "}"):
            yield every[begun : position + 1]
            begun = position + 1
