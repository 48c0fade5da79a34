"""Passwords that the portal proposes: words of somebody's language, or letters and digits, by `secrets`.

A proposal is in the one answer to whoever asked for it, and nowhere else.
"""

import math
import re
import secrets
from dataclasses import dataclass, field
from functools import cache

from django.utils.translation import gettext_lazy as _

from accounts.common_words import commonest_words
from accounts.left_out_words import is_left_out

# Kinds a person chooses from: a language, or RANDOM.
RANDOM = "random"
KINDS = {
    "en": _("English words"),
    "nl": _("Dutch words"),
    "fr": _("French words"),
    "de": _("German words"),
    RANDOM: _("letters and digits"),
}
WORDS = 5
SO_MANY_WORDS = 2048
# Plain letters, as every keyboard has them.
FIT = re.compile(r"[a-z]{4,6}")
# The commonest say nothing (“that”, “with”) and are hard to remember.
EMPTY_WORDS = 150
GROUPS, IN_GROUP = 4, 4
# Without those that look like others: 0 O 1 l I.
SIGNS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A password nobody has, and how many yes-or-no guesses it is worth."""

    text: str = field(repr=False)
    bits: int


def propose(kind: str, *, shortest: int = 0) -> Proposal:
    """Of a kind in KINDS, in at least so many characters; raises KeyError for another."""
    if kind not in KINDS:
        raise KeyError(kind)
    made = _of_signs() if kind == RANDOM else _of_words(kind)
    while len(made.text) < shortest:
        more = _of_signs() if kind == RANDOM else _of_words(kind)
        made = Proposal(f"{made.text}-{more.text}", made.bits + more.bits)
    return made


@cache
def words_to_propose(language: str) -> tuple[str, ...]:
    """SO_MANY_WORDS short and common ones that can be said aloud in an office."""
    fit = [word for word in commonest_words(language) if FIT.fullmatch(word)]
    return tuple([word for word in fit[EMPTY_WORDS:] if not is_left_out(word, language)][:SO_MANY_WORDS])


def _of_words(language: str) -> Proposal:
    words = words_to_propose(language)
    text = "-".join(secrets.choice(words) for _each in range(WORDS))
    return Proposal(text, math.floor(WORDS * math.log2(len(words))))


def _of_signs() -> Proposal:
    groups = ("".join(secrets.choice(SIGNS) for _sign in range(IN_GROUP)) for _group in range(GROUPS))
    return Proposal("-".join(groups), math.floor(GROUPS * IN_GROUP * math.log2(len(SIGNS))))
