"""The one script the portal owns on a mail server.

Why it includes the script that ran before: docs/decisions/003-who-owns-the-sieve-script.md. Where that one
stands, and how the portal knows its own commands again: docs/decisions/022-what-others-made-is-kept.md.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from mailservers.drivers.sieve_reading import included
from mailservers.drivers.sieve_tokens import Token
from mailservers.drivers.switching_off import rules

NAME = "portal"
ANSWERS, SENDS_ON, TESTS = "v", "r", "t"

_FIRST_LINE = "# This script belongs to the mail portal.\n"
_HEADER = f"""\
{_FIRST_LINE}\
# The portal writes it anew at every change: set your auto-reply and forwarding there, please.
# Rules of your own belong into another script. Those that you make in this one are moved to it.
"""
# As it was written before own rules could run first.
_FORMER_HEADER = f"""\
{_FIRST_LINE}\
# The portal writes it anew at every change: set your auto-reply and forwarding there, please.
# Rules of your own belong into another script; the one that was active before runs at the end of this one.
"""
STOP = "stop;\n"
_PARTS = "# What the portal wrote: "
_BEGIN = "# ----- from the portal -----\n"
_END = "# ----- end of the portal's part -----\n"
_OWN = "# ----- rules of your own -----\n"
_INCLUDE = re.compile(r'^include :personal :optional "((?:[^"\\]|\\.)*)";$', re.MULTILINE)
_REQUIRES = re.compile(r'(?:require (?:"[^"\n]*"|\[[^\]\n]*\]);\n)*')
_PARTS_LINE = re.compile(rf"^{re.escape(_PARTS)}([0-9a-frtv ]*)\r?$", re.MULTILINE)
# Webmail writes them anew in its own way: as one "if" each, with "true" where there was no test.
_WORDS_THAT_COME_AND_GO = ("if", "elsif", "else", "true", "allof")


class PortalScript(NamedTuple):
    """What a stored script is made of."""

    text: str
    before: str
    """The name of the script that was active before, or empty."""
    own_first: bool | None = False
    """Whether that one runs before the text; None: after it, as it was before there was a choice."""


def compose(script: PortalScript) -> str:
    """The whole script as it is stored.

    Rules of the mailbox's own never run before a text that ends with “stop”: what is to be the last is all.
    """
    include = f"include :personal :optional {quoted(script.before)};\n" if script.before else ""
    # Each require must come before all other commands: ours goes before those of the text. The line end
    # after the text is always ours, so that the text can be told to the letter when it is read back.
    text = f"{script.text}\n"
    if script.own_first is None:
        return f'{_FORMER_HEADER}require "include";\n{_BEGIN}{text}{_END}{include}'
    head = f'{_HEADER}{_PARTS}{" ".join(marks_of(include + text))}\nrequire "include";\n'
    if not script.own_first or is_last(script.text):
        return f"{head}{_BEGIN}{text}{_END}{_OWN}{include}"
    place = requires_of(text)
    return f"{head}{text[:place]}{_OWN}{include}{_BEGIN}{text[place:]}{_END}"


def is_comment_of_ours(line: str) -> bool:
    """Whether the portal wrote this line of comment around its part."""
    known = f"{_HEADER}{_FORMER_HEADER}{_BEGIN}{_END}{_OWN}".splitlines()
    return line in known or line.startswith(_PARTS)


def part_of_portal(stored: str) -> tuple[int, int]:
    """From where to where the portal's part goes; all of it where the lines around it are gone."""
    begin, end = stored.find(_BEGIN), stored.rfind(_END)
    return (begin, end) if 0 <= begin < end else (0, len(stored))


def is_last(text: str) -> bool:
    """Whether what the portal's part stands in front of never runs."""
    return text == STOP or text.endswith(f"\n{STOP}")


def is_ours(stored: str) -> bool:
    """Whether the portal wrote it, or somebody changed what the portal wrote."""
    return stored.startswith(_FIRST_LINE.rstrip("\n"))


def take_apart(stored: str) -> PortalScript | None:
    """The parts of a script that is exactly as the portal wrote it; else None."""
    if not stored.startswith(_FIRST_LINE):
        return None
    between = stored.partition(_BEGIN)[2].rpartition(_END)[0].removesuffix("\n")
    found = _INCLUDE.findall(stored)
    own_first = _order_in(stored)
    text = f"{_requires_before_own(stored)}{between}" if own_first else between
    for before in {"", *found[:1], *found[-1:]}:
        script = PortalScript(text, _unquoted(before), own_first)
        if compose(script) == stored and (not own_first or not is_last(text)):
            return script
    return None


def _order_in(stored: str) -> bool | None:
    """As PortalScript.own_first, of one that is as the portal wrote it."""
    if stored.startswith(_FORMER_HEADER):
        return None
    return 0 <= stored.find(_OWN) < stored.find(_BEGIN)


def remembered(stored: str) -> str:
    """The script that was active before, also when somebody has changed the rest."""
    if (apart := take_apart(stored)) is not None:
        return apart.before
    if not is_ours(stored):
        return ""
    marks = written_marks(stored)
    own = [rule for rule in rules(stored) if rule.tokens[0].is_a("word", "include")]
    ours = [rule for rule in own if mark_of(rule.tokens) in marks]
    # Without marks: it was the last, and nobody but the portal includes another one there.
    found = [name for rule in (ours or own[-1:]) for name in included(rule.text)]
    return found[-1] if found else ""


def written_marks(stored: str) -> frozenset[str]:
    """The marks of what the portal wrote, which the script itself tells; none in one from long ago."""
    found = _PARTS_LINE.search(stored) if is_ours(stored) else None
    return frozenset(found[1].split()) if found else frozenset()


def marks_of(text: str) -> list[str]:
    """One for each outermost command but `require`, and one for the tests before it."""
    found = [mark for rule in rules(text) for mark in (mark_of(rule.tokens), mark_of_tests(rule.tokens))]
    return list(dict.fromkeys(mark for mark in found if mark))


def mark_of(command: Sequence[Token]) -> str:
    """The same for commands that differ only in how webmail writes them: the order of arguments, say.

    It ends with a letter that tells whether the command answers mail or sends it on.
    """
    return f"{_digest(_told(command))}{kind_of(command)}"


def mark_of_tests(command: Sequence[Token]) -> str:
    """Of what decides whether it is done; empty where nothing does."""
    told = _told(list(takewhile(lambda token: not token.is_a("sign", "{"), command)))
    has_block = any(token.is_a("sign", "{") for token in command)
    return f"{_digest(told)}{TESTS}" if told and has_block else ""


def _told(command: Sequence[Token]) -> list[str]:
    return sorted(
        f"{token.kind} {token.value.strip()}"
        for token in command
        if token.kind != "sign" and not (token.kind == "word" and token.value in _WORDS_THAT_COME_AND_GO)
    )


def _digest(told: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def kind_of(command: Iterable[Token]) -> str:
    """What it does that is the portal's to do: v, it answers; r, it sends mail on."""
    words = {token.value for token in command if token.kind == "word"}
    return ANSWERS if "vacation" in words else SENDS_ON if "redirect" in words else ""


def requires_of(text: str) -> int:
    """Where the lines with `require` end that a text begins with."""
    found = _REQUIRES.match(text)
    return found.end() if found else 0


def _requires_before_own(stored: str) -> str:
    """What stands between our own `require` and the rules of the mailbox's own."""
    return stored.partition(_OWN)[0].partition('require "include";\n')[2]


def quoted(text: str) -> str:
    """As a string of Sieve."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
