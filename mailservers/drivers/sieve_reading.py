"""What can be seen in Sieve scripts that others wrote, whether they are right or not.

Nothing here runs a script: what might happen to some mail counts as if it did.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple


class Token(NamedTuple):
    """A word of the language: kind is word, tag, string or sign. Words and tags are in lower case."""

    kind: str
    value: str
    start: int
    """Where it stands in the script, with LF line ends."""
    end: int

    def is_a(self, kind: str, value: str) -> bool:
        return (self.kind, self.value) == (kind, value)


_TOKEN = re.compile(
    r"""
      (?P<space> [ \t\n]+ | \#[^\n]* | /\*.*?(?:\*/|\Z) )
    | text: [ \t]* (?:\#[^\n]*)? \n (?P<lines> .*? ) (?: ^\.\n | ^\.\Z | \Z )
    | " (?P<string> (?: [^"\\] | \\. )* ) (?: " | \Z )
    | (?P<tag> :\w+ )
    | (?P<word> \w+ )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_ENCODED = re.compile(r"\$\{(?P<kind>hex|unicode):(?P<codes>[\s0-9a-f]+)\}", re.IGNORECASE)


def tokens(script: str) -> list[Token]:
    """The script's tokens without comments, as if its line ends were LF. What is not Sieve comes as signs."""
    matches = _TOKEN.finditer(script.replace("\r\n", "\n"))
    found = [token for match in matches if (token := _token(match)) is not None]
    if any(token.is_a("string", "encoded-character") for token in found):
        found = [
            token._replace(value=_decoded(token.value)) if token.kind == "string" else token
            for token in found
        ]
    return found


def live_tokens(every: list[Token]) -> list[Token]:
    """Without the blocks that never run: Roundcube switches a rule off with ``if false # …``."""
    live: list[Token] = []
    position = 0
    while position < len(every):
        if [token.value for token in every[position : position + 3]] == ["if", "false", "{"]:
            position = end_of_block(every, position + 2)
        else:
            live.append(every[position])
            position += 1
    return live


def end_of_block(every: list[Token], opening: int) -> int:
    """The position after the brace that closes the block."""
    depth = 0
    for position in range(opening, len(every)):
        if every[position].kind == "sign":
            depth += {"{": 1, "}": -1}.get(every[position].value, 0)
        if depth == 0:
            return position + 1
    return len(every)


def has_vacation(script: str) -> bool:
    """Whether a vacation action can be reached in it."""
    return any(token.is_a("word", "vacation") for token in live_tokens(tokens(script)))


def included(script: str) -> list[str]:
    """The mailbox's own scripts that it includes."""
    return _own_names(_arguments_of("include", live_tokens(tokens(script))))


def included_always(script: str) -> list[str]:
    """Those among them that no test decides about."""
    outermost, depth = [], 0
    for token in tokens(script):
        if token.kind == "sign":
            depth += {"{": 1, "}": -1}.get(token.value, 0)
        if depth == 0:
            outermost.append(token)
    return _own_names(_arguments_of("include", outermost))


def _own_names(includes: Iterable[list[Token]]) -> list[str]:
    names = []
    for arguments in includes:
        options = [tag.value for tag in takewhile(_is_tag, arguments)]
        name = arguments[len(options) :][:1]
        if name and name[0].kind == "string" and ":global" not in options:
            names.append(name[0].value)
    return names


def redirects(script: str) -> list[str]:
    """The addresses it sends mail on to, in lower case; one made of variables comes as it is written."""
    targets = []
    for arguments in _arguments_of("redirect", live_tokens(tokens(script))):
        # The address is the last argument, whatever tags stand before it.
        strings = [argument.value for argument in arguments if argument.kind == "string"]
        if strings:
            targets.append(_bare(strings[-1]))
    return targets


def _arguments_of(action: str, live: list[Token]) -> Iterator[list[Token]]:
    """For each time the action is there: what stands between its name and its semicolon."""
    for position, token in enumerate(live):
        if token.is_a("word", action):
            yield list(takewhile(lambda argument: not argument.is_a("sign", ";"), live[position + 1 :]))


def _token(match: re.Match[str]) -> Token | None:
    kind = match.lastgroup or ""
    match kind:
        case "space":
            return None
        case "string":
            value = re.sub(r"\\(.)", r"\1", match["string"], flags=re.DOTALL)
        case "lines":
            kind, value = "string", re.sub(r"^\.\.", ".", match["lines"], flags=re.MULTILINE)
        case _:
            value = match[kind].lower()
    return Token(kind, value, *match.span())


def _decoded(text: str) -> str:
    """RFC 5228, 2.4.2.4: with "encoded-character" a string may hide its characters; wrong ones stay."""

    def decode(match: re.Match[str]) -> str:
        codes = [int(code, 16) for code in match["codes"].split()]
        try:
            if match["kind"].lower() == "hex":
                return bytes(codes).decode("utf-8", "replace")
            return "".join(map(chr, codes))
        except (ValueError, OverflowError):
            return match[0]

    return _ENCODED.sub(decode, text)


def _bare(target: str) -> str:
    """The address without the name that may stand before it."""
    named = re.search(r"<([^<>]*)>\s*$", target)
    return (named[1] if named else target).strip().lower()


def _is_tag(token: Token) -> bool:
    return token.kind == "tag"
