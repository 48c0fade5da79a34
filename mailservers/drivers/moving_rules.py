"""What others put into the portal's script, and how it becomes a script of the mailbox's own.

Webmail changes the script that is active, and that is the portal's: a filter made there stands in it. What
the portal wrote is known by the marks in the script (portal_script.py). All else is kept: it moves, and runs
on. What is the portal's own but was changed (another text of the auto-reply, say) moves as well, switched
off: beside the portal's it must not run. No command is thrown away.
"""

import re
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

from mailservers.drivers.portal_script import (
    ANSWERS,
    is_comment_of_ours,
    is_ours,
    kind_of,
    mark_of,
    mark_of_tests,
    marks_of,
    part_of_portal,
    quoted,
    remembered,
    take_apart,
    written_marks,
)
from mailservers.drivers.sieve_tokens import Token, required, tokens
from mailservers.drivers.switching_off import Rule, rules, switched_off

HANDLE = "portal-"
"""So begin the handles of the auto-replies that the portal writes."""
MOVED = (
    "# These rules were made in the script of the mail portal. They are yours, and the portal keeps them.\n"
)

_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<comment>#[^\n]*|/\*.*?\*/)', re.DOTALL)
_NAME = re.compile(r"#[ \t]*rule:\[(?P<name>[^\n]*)\][ \t]*\Z")
# What the portal writes of its own in a script with variables; see vacation/sieve.py.
_ALWAYS_OURS = marks_of('set "dollar" "$";')
_SENDS = frozenset(["vacation", "redirect"])
_ACTIONS_OF_OURS = frozenset([*_SENDS, "keep", "stop"])
# They change what the strings of a whole script mean.
_OF_STRINGS = frozenset(["variables", "encoded-character"])


class Moved(NamedTuple):
    """A command, or an “if” with its branches, that the portal did not write like this."""

    name: str
    """As webmail names it; else its number."""
    text: str
    """As it will stand in the script of the mailbox's own, the comments before it included."""
    code: str
    runs: bool
    """False: it was the portal's own before it was changed, and is kept switched off."""


class Others(NamedTuple):
    """All that is not the portal's in a script with its name."""

    rules: tuple[Moved, ...]
    extensions: tuple[str, ...]
    whole: bool
    """Nothing in it is the portal's: the script is somebody's own, to the byte."""

    @property
    def running(self) -> str:
        """What of it goes on running, as a script."""
        texts = [rule.text for rule in self.rules if rule.runs]
        return _script(self.extensions, "", texts) if texts else ""


NO_OTHERS = Others((), (), whole=False)


def others_in(stored: str, wanted: str = "") -> Others:
    """What others put there. `wanted`: what the portal writes now, and nobody needs beside it.

    With LF line ends.
    """
    if not stored or take_apart(stored) is not None:
        return NO_OTHERS
    if not rules(stored).is_whole:
        # Too long to tell its parts: nothing of it may get lost.
        return Others((), (), whole=True)
    written, own = written_marks(stored), remembered(stored)
    ours = {*written, *marks_of(wanted), *_ALWAYS_OURS}
    units = list(_units(stored))
    met = {mark for unit in units for mark in unit.marks}
    gone = {mark[-1] for mark in written - met}
    if is_ours(stored) and not written and not any(_answers_as_ours(unit) for unit in units):
        # From long ago: nobody knows whether it was a reply of the portal's that is another one now.
        gone.add(ANSWERS)
    found, met_ours = [], False
    for number, unit in enumerate(units):
        if all(mark in ours for mark in unit.marks) or _includes(unit, own):
            met_ours = True
        elif not _does_nothing(unit):
            changed = _was_ours(stored, unit, gone, written)
            met_ours = met_ours or changed
            found.append(_moved(unit, number + 1, runs=not changed))
    whole = not is_ours(stored) and not met_ours
    return Others(tuple(found), tuple(required(tokens(stored))), whole)


def moved_script(others: Others, before: str) -> str:
    """A script of the mailbox's own with these rules; the one that was active before runs first."""
    return _script(others.extensions, before, [rule.text for rule in others.rules])


def added_to(script: str, others: Others) -> str | None:
    """The script, which rules were moved to before, with these as well; None where they would not fit.

    With LF line ends.
    """
    every = tokens(script)
    words = [token.value for token in every if token.kind == "word"]
    if not script.startswith(MOVED) or "return" in words:
        return None
    new = [rule for rule in others.rules if rule.code not in script]
    held = required(every)
    missing = [name for name in others.extensions if name not in held and name != "include"]
    differ = _OF_STRINGS & ({*held} ^ {*others.extensions})
    if differ and ("${" in script or any("${" in rule.code for rule in new)):
        return None
    if not new:
        return script
    head = f"{MOVED}{_require(missing)}" if missing else MOVED
    body = script.removeprefix(MOVED)
    return f"{head}{body}{'' if body.endswith(chr(10)) else chr(10)}{''.join(rule.text for rule in new)}"


class _Unit(NamedTuple):
    rules: list[Rule]
    comments: list[str]
    code: str
    start: int

    @property
    def marks(self) -> list[str]:
        return [mark_of(rule.tokens) for rule in self.rules]

    @property
    def tokens(self) -> list[Token]:
        return [token for rule in self.rules for token in rule.tokens]


def _units(stored: str) -> Iterator[_Unit]:
    """An “if” and its branches belong together."""
    chains: list[list[Rule]] = []
    for rule in rules(stored):
        if chains and rule.tokens[0].kind == "word" and rule.tokens[0].value in ("elsif", "else"):
            chains[-1].append(rule)
        else:
            chains.append([rule])
    end = 0
    for chain in chains:
        start = chain[0].start
        yield _Unit(chain, _comments(stored[end:start]), stored[start : chain[-1].end], start)
        end = chain[-1].end


def _comments(between: str) -> list[str]:
    """Those that are not the portal's; between two commands nothing else stands but `require`."""
    found = [match["comment"] for match in _COMMENT.finditer(between) if match["comment"]]
    return [comment for comment in found if not is_comment_of_ours(comment.rstrip("\r"))]


def _includes(unit: _Unit, own: str) -> bool:
    """Whether it is the one by which the script from before runs."""
    [first, *_] = unit.rules[0].tokens
    strings = [token.value for token in unit.rules[0].tokens if token.kind == "string"]
    return bool(own) and first.is_a("word", "include") and strings == [own]


def _does_nothing(unit: _Unit) -> bool:
    """Such as webmail leaves of an “if” inside another one, which it does not know."""
    every = unit.tokens
    blocks = [place for place, token in enumerate(every) if token.is_a("sign", "{")]
    return bool(blocks) and all(every[place + 1].is_a("sign", "}") for place in blocks)


def _was_ours(stored: str, unit: _Unit, gone: Set[str], written: Set[str]) -> bool:
    """Whether the portal wrote it, and somebody changed it.

    `gone`: the kinds of what it wrote and is not there any more; `written`: the marks of all that it wrote.
    """
    every = unit.tokens
    if [token.value for token in every] == ["stop", ";"]:
        # It would end all mail before the portal's part is come to.
        return True
    if _answers_as_ours(unit):
        return True
    if kind_of(every) in gone:
        tests = [mark_of_tests(rule.tokens) for rule in unit.rules]
        if _is_about_all_mail(every) or any(mark in written for mark in tests):
            return True
    begin, end = part_of_portal(stored)
    if not is_ours(stored) or _name(unit) or not begin <= unit.start < end:
        return False
    actions = set(_actions(every))
    return bool(actions & _SENDS) and actions <= _ACTIONS_OF_OURS


def _answers_as_ours(unit: _Unit) -> bool:
    """With a handle that only the portal gives."""
    return any(
        tag.is_a("tag", ":handle") and handle.kind == "string" and handle.value.startswith(HANDLE)
        for tag, handle in pairwise(unit.tokens)
    )


def _is_about_all_mail(every: Sequence[Token]) -> bool:
    """At most between two moments: what webmail's forms for these two write."""
    words = {token.value for token in every if token.kind == "word" and not token.value.isdigit()}
    return words <= {*_ACTIONS_OF_OURS, "if", "true", "allof", "currentdate"}


def _actions(every: Sequence[Token]) -> Iterator[str]:
    """The words that begin a command, but those of tests and branches."""
    begins = True
    for token in every:
        if begins and token.kind == "word" and token.value not in ("if", "elsif", "else"):
            yield token.value
        begins = token.kind == "sign" and token.value in ("{", "}", ";")


def _name(unit: _Unit) -> str:
    found = next((match for text in reversed(unit.comments) if (match := _NAME.match(text))), None)
    return found["name"] if found else ""


def _moved(unit: _Unit, number: int, *, runs: bool) -> Moved:
    code = unit.code if runs else _off(unit)
    text = "".join(f"{comment}\n" for comment in unit.comments)
    return Moved(_name(unit) or f"#{number}", f"{text}{code}\n", code, runs)


def _off(unit: _Unit) -> str:
    """As webmail switches it off, where it can; else as a comment."""
    off = switched_off(unit.rules[0]) if len(unit.rules) == 1 else None
    return off or "\n".join(f"# {line}" for line in unit.code.split("\n"))


def _script(extensions: Sequence[str], before: str, texts: Sequence[str]) -> str:
    include = f"include :personal :optional {quoted(before)};\n" if before else ""
    body = f"{include}{''.join(texts)}"
    needed = list(dict.fromkeys([*(["include"] if before else []), *extensions]))
    if not any(token.is_a("word", "include") for token in tokens(body)):
        needed = [name for name in needed if name != "include"]
    return f"{MOVED}{_require(needed)}{body}"


def _require(names: Sequence[str]) -> str:
    return f"require [{', '.join(quoted(name) for name in names)}];\n" if names else ""
