"""Addresses as they come out of a clipboard: with a name, as a link, between characters that nobody sees."""

import re
import unicodedata
from email.utils import getaddresses
from urllib.parse import unquote

_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"\s*(?=<)')
_LINK = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE)
_AMONG_OTHERS = re.compile(r"[;\n\u2028\u2029]")


def address_in(typed: str) -> str:
    """Without what came along with it; as it is where there is more than one, or none."""
    text = _without_edges(typed)
    if text.endswith(">") and (named := _NAMED.fullmatch(_QUOTED_NAME.sub("", text))):
        text = _without_edges(named[1])
    if link := _LINK.fullmatch(text):
        text = _without_edges(unquote(link[1]))
    return text


def addresses_in(typed: str) -> list[str]:
    """What stands between commas, semicolons, ends of lines, or blanks before an address.

    Outlook writes “De Man, Jan <jan@example.org>; …”: the comma there is one of the name.
    """
    parts: list[str] = []
    for some in _AMONG_OTHERS.split(_QUOTED_NAME.sub("", typed)):
        pieces = some.split(",")
        for before, piece in zip(["", *pieces], pieces, strict=False):
            if parts and before and "<" in piece and _is_name(before) and _is_name(piece.partition("<")[0]):
                parts[-1] = f"{before} {piece}"
            else:
                parts.append(piece)
    split = [each for part in parts for each in re.split(r"\s(?=[^\s<>]+@)", part)]
    return [part for each in split if (part := _without_edges(each))]


def is_one(part: str) -> bool:
    """Whether mail programs would read one address in it."""
    plain = re.sub(r"<mailto:", "<", part, flags=re.IGNORECASE)
    return not part.endswith(">") or len(getaddresses([plain])) == 1


def _is_name(text: str) -> bool:
    """Whether it can only be a part of somebody's: an address has an @, or is written small."""
    text = _without_edges(text)
    return "@" not in text and "<" not in text and (" " in text or text != text.lower())


def _without_edges(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while end > start and _is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_unseen(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in {"Cc", "Cf"}
