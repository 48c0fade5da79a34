"""The help pages, written out in each language under templates/guide/, and searching them."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import get_language

# In the order they are listed.
NAMES = (
    "set-up",
    "imap-or-pop",
    "webmail",
    "passwords",
    "second-factor",
    "app-passwords",
    "aliases",
    "auto-reply",
    "forwarding",
    "room-and-trash",
)
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    title: str
    body: SafeString
    """Without the title."""
    text: str
    """The body without its markup."""

    @property
    def summary(self) -> str:
        """Its first sentence."""
        return re.split(r"(?<=[.!?])\s", self.text, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Hit:
    page: Page
    excerpt: str


def pages() -> dict[str, Page]:
    """By name, in the reader's language."""
    language = (get_language() or settings.LANGUAGE_CODE).partition("-")[0]
    return _pages_in(language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)


def search(typed: str) -> list[Hit]:
    """The pages where every word begins some word, capitals and accents aside; titles count first."""
    sought = list(_words(typed[:LONGEST_SEARCH]))
    if not sought:
        return []
    hits: list[tuple[int, Hit]] = []
    for page in pages().values():
        title, words = set(_words(page.title)), set(_words(page.text))
        if all(any(word.startswith(one) for word in title | words) for one in sought):
            in_title = sum(any(word.startswith(one) for word in title) for one in sought)
            hits.append((-in_title, Hit(page, _excerpt(page, sought))))
    return [hit for _rank, hit in sorted(hits, key=lambda pair: pair[0])]


@cache
def _pages_in(language: str) -> dict[str, Page]:
    return {name: _read(language, name) for name in NAMES}


def _read(language: str, name: str) -> Page:
    written = render_to_string(f"guide/{language}/{name}.html")
    title, _end, body = written.partition("</h1>")
    # A blank where an element ends, so that words do not grow together.
    text = unescape(strip_tags(re.sub(r"(</(?:p|li|h2)>)", r"\1 ", body)))
    return Page(
        name=name,
        title=unescape(strip_tags(title)).strip(),
        body=SafeString(body),
        text=" ".join(text.split()),
    )


def _words(text: str) -> Iterator[str]:
    plain = (one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
    yield from re.findall(r"\w+", "".join(plain))


def _excerpt(page: Page, sought: list[str]) -> str:
    """The first sentence in which one of the words stands, or the first of all."""
    for sentence in re.split(r"(?<=[.!?])\s", page.text):
        if any(word.startswith(one) for word in _words(sentence) for one in sought):
            return sentence
    return page.summary
