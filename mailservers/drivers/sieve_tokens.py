"""Sieve scripts as Pigeonhole's lexer takes them apart (RFC 5228, 8.1), whatever they hold, in one go.

Each thing that is read otherwise here than on the server is a place to hide a redirect in.
"""

import re
from collections.abc import Iterator, KeysView
from typing import NamedTuple

from mailservers.foreign import folded

# Far more than people's rules and long lists of senders; what is behind is not looked at.
MOST_TOKENS = 50_000
LONGEST = 1_100_000
"""Characters: what Pigeonhole takes by default."""


class Token(NamedTuple):
    """A word of the language: kind is word, number, tag, string or sign. Words and tags are in lower case."""

    kind: str
    value: str
    start: int
    """Where it stands in the script."""
    end: int
    note: str = ""
    """The last comment before it, where nothing but blanks stands between."""

    def is_a(self, kind: str, value: str) -> bool:
        return self.kind == kind and self.value == value


class Tokens(list[Token]):
    """A script's tokens; `is_whole`: there are no more."""

    is_whole = True


# Possessive, so that nothing is ever looked at twice.
_TOKEN = re.compile(
    r"""
      (?P<space> [ \t\r\n]++ )
    | (?P<comment> \#[^\n]*+ | /\*.*?(?:\*/|\Z) )
    | text: [ \t]*+ \r?+ (?:\#[^\n]*+)?+ \n
      (?P<lines> (?: (?!\.\r?\n) [^\n]*+ \n )*+ ) (?: \.\r?\n | [^\n]*+ )
    | " (?P<string> (?: [^"\\] | \\. )*+ ) (?: " | \\?\Z )
    | (?P<tag> :[a-z_][a-z0-9_]*+ )
    | (?P<number> [0-9]++[kmg]?+ )
    | (?P<word> [a-z_][a-z0-9_]*+ )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_ENCODED = re.compile(rb"\$\{(?P<kind>hex|unicode):(?P<codes>[\s0-9a-f]++)\}", re.IGNORECASE)


def tokens(script: str) -> Tokens:
    """The script's tokens without comments. What is not Sieve comes as signs."""
    found = Tokens(_cut(script[:LONGEST]))
    if len(script) > LONGEST or len(found) > MOST_TOKENS:
        found.is_whole = False
        del found[MOST_TOKENS:]
    if "encoded-character" in required(found):
        found[:] = [
            token._replace(value=decoded(token.value))
            if token.kind == "string" and "${" in token.value
            else token
            for token in found
        ]
    return found


def required(every: list[Token]) -> KeysView[str]:
    """The extensions that the script asks for, in lower case, each once and in its order."""
    names: dict[str, None] = {}
    inside = False
    for token in every:
        if token.kind == "word":
            inside = token.value == "require"
        elif inside and token.kind == "string":
            names[token.value.lower()] = None
    return names.keys()


def decoded(text: str) -> str:
    """RFC 5228, 2.4.2.4: with "encoded-character" a string may hide its characters; wrong ones stay.

    What no text can hold is told by U+FFFD.
    """

    def decode(match: re.Match[bytes]) -> bytes:
        try:
            codes = [int(code, 16) for code in match["codes"].split()]
            if match["kind"].lower() == b"hex":
                return bytes(codes)
            return "".join(map(chr, codes)).encode("utf-8", "replace")
        except (ValueError, OverflowError):
            return match[0]

    return folded(_ENCODED.sub(decode, text.encode("utf-8", "replace")).decode("utf-8", "replace"))


def _cut(script: str) -> Iterator[Token]:
    note, number = "", 0
    for match in _TOKEN.finditer(script):
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        if kind == "comment":
            note = match["comment"]
            continue
        if number > MOST_TOKENS:
            return
        number += 1
        yield Token(*_told(kind, match[kind]), *match.span(), note)
        note = ""


def _told(kind: str, text: str) -> tuple[str, str]:
    if kind == "string":
        value = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
        return kind, value.replace("\r\n", "\n")
    if kind == "lines":
        lines = text.replace("\r\n", "\n")
        return "string", re.sub(r"^\.\.", ".", lines, flags=re.MULTILINE)
    return kind, text.lower()
