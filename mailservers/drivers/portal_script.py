"""The one script the portal owns on a mail server: what is written there, and what is read in others.

Why it includes the script that ran before: docs/decisions/003-who-owns-the-sieve-script.md.
"""

import re
from itertools import takewhile
from typing import NamedTuple

NAME = "portal"

HEADER = """\
# This script belongs to the mail portal.
# The portal writes it anew at every change: set your auto-reply and forwarding there, please.
# Rules of your own belong into another script; the one that was active before runs at the end of this one.
"""
_BEGIN = "# ----- from the portal -----\n"
_END = "# ----- end of the portal's part -----\n"
_INCLUDE = re.compile(r'^include :personal :optional "((?:[^"\\]|\\.)*)";$', re.MULTILINE)


class PortalScript(NamedTuple):
    """What a stored script is made of."""

    text: str
    before: str
    """The name of the script that was active before, or empty."""


def compose(script: PortalScript) -> str:
    """The whole script as it is stored."""
    include = f"include :personal :optional {_quoted(script.before)};\n" if script.before else ""
    # Each require must come before all other commands: ours goes before those of the text. The line end
    # after the text is always ours, so that the text can be told to the letter when it is read back.
    return f'{HEADER}require "include";\n{_BEGIN}{script.text}\n{_END}{include}'


def is_ours(stored: str) -> bool:
    """Whether the portal wrote it, or somebody changed what the portal wrote."""
    return stored.startswith(HEADER.splitlines()[0])


def take_apart(stored: str) -> PortalScript | None:
    """The parts of a script that is exactly as the portal wrote it; else None."""
    text = stored.partition(_BEGIN)[2].rpartition(_END)[0]
    script = PortalScript(text.removesuffix("\n"), remembered(stored))
    return script if compose(script) == stored else None


def remembered(stored: str) -> str:
    """The script that was active before, also when somebody has changed the rest."""
    found = _INCLUDE.findall(stored.rpartition(_END)[2])
    return re.sub(r"\\(.)", r"\1", found[-1]) if found else ""


def has_vacation(script: str) -> bool:
    """Whether a vacation action can be reached in it."""
    return any(token.kind == "word" and token.value == "vacation" for token in _live_tokens(script))


def included(script: str) -> list[str]:
    """The mailbox's own scripts that it includes."""
    names = []
    tokens = _live_tokens(script)
    for position, token in enumerate(tokens):
        if (token.kind, token.value) == ("word", "include"):
            options = [tag.value for tag in takewhile(_is_tag, tokens[position + 1 :])]
            name = tokens[position + 1 + len(options) :][:1]
            if name and name[0].kind == "string" and ":global" not in options:
                names.append(name[0].value)
    return names


class _Token(NamedTuple):
    kind: str
    value: str


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


def _tokens(script: str) -> list[_Token]:
    """The script's tokens without comments; what is not Sieve comes as signs."""
    tokens = []
    for found in _TOKEN.finditer(script.replace("\r\n", "\n")):
        kind = found.lastgroup or ""
        match kind:
            case "space":
                pass
            case "string":
                tokens.append(_Token("string", re.sub(r"\\(.)", r"\1", found["string"], flags=re.DOTALL)))
            case "lines":
                tokens.append(_Token("string", found["lines"]))
            case _:
                tokens.append(_Token(kind, found[kind].lower()))
    return tokens


def _live_tokens(script: str) -> list[_Token]:
    """Without the blocks that never run: Roundcube switches a rule off with ``if false # …``."""
    tokens = _tokens(script)
    live: list[_Token] = []
    position = 0
    while position < len(tokens):
        if [token.value for token in tokens[position : position + 3]] == ["if", "false", "{"]:
            position = _end_of_block(tokens, position + 2)
        else:
            live.append(tokens[position])
            position += 1
    return live


def _end_of_block(tokens: list[_Token], opening: int) -> int:
    """The position after the brace that closes the block."""
    depth = 0
    for position in range(opening, len(tokens)):
        if tokens[position].kind == "sign":
            depth += {"{": 1, "}": -1}.get(tokens[position].value, 0)
        if depth == 0:
            return position + 1
    return len(tokens)


def _is_tag(token: _Token) -> bool:
    return token.kind == "tag"


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
