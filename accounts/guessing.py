"""What guessers try first: a mailbox's own words, varied a little, and the commonest passwords."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, islice

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from accounts import passwords

SHORTEST_WORD = 3
# So many of the words are put together with each other.
COMBINED = 6
_TAILS = ("", "1", "2", "12", "123", "1234", "12345", "123456", "!", "1!", "123!", "01", "007", "00", "*")
_AS_DIGITS = str.maketrans("aeiost", "431057")


def words_of(*, login: str, address: str, name: str) -> list[str]:
    """Those of the mailbox, in small letters, each once: whole names first, then their parts."""
    local_part, _at, host = address.partition("@")
    label = host.partition(".")[0]
    found = [login, address, local_part, label, name.replace(" ", "")]
    for text in (login, local_part, label, name):
        found += re.split(r"[\W\d_]+", text)
    return list(dict.fromkeys(word.casefold() for word in found if len(word) >= SHORTEST_WORD))


def variations(words: Sequence[str], year: int) -> Iterator[str]:
    """The likeliest first; some come twice."""
    years = [str(number) for number in range(year + 1, year - 6, -1)]
    for word in words:
        yield from (word, word.capitalize(), word.upper(), word[::-1], word + word)
    for word in words:
        for form in (word, word.capitalize()):
            yield from (form + tail for tail in chain(_TAILS, years, (f"{number}!" for number in years[:3])))
            yield from (f"{form}{sign}{number}" for sign in "@." for number in (*years[:3], "1", "123"))
            yield form.translate(_AS_DIGITS)
    for word in words[:COMBINED]:
        yield from (
            f"{word}{sign}{other}" for other in words[:COMBINED] for sign in ("", ".", "-") if other != word
        )


def guesses(words: Sequence[str], *, commonest: int, year: int | None = None) -> list[str]:
    """All that are tried, each once."""
    own = variations(words, year or date.today().year)  # noqa: DTZ011 - a day more or less is no matter
    common = islice(FREQUENCY_LISTS["passwords"], commonest)
    return list(dict.fromkeys(chain(own, common, (word.capitalize() for word in words))))


def is_guessed(password_hash: str, candidates: Sequence[str]) -> tuple[bool, int]:
    """Whether one of them is the password, and how many were tried."""
    for number, candidate in enumerate(candidates, start=1):
        if passwords.matches(candidate, password_hash):
            return True, number
    return False, len(candidates)
