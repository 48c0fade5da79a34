"""Whether a password is good enough, and in words what would make it better.

One function judges while somebody types and when they send it. What costs time (earlier passwords, leaked
ones) is looked at only then, see `earlier_passwords.py` and `leaked_passwords.py`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from zxcvbn import matching, scoring, time_estimates

from accounts.common_words import LANGUAGES, commonest_words
from accounts.models import Mailbox, PasswordRules, Person
from accounts.passwords import LONGEST_BYTES, normalise

# zxcvbn's time grows with the square of the length, and what follows so many characters changes no verdict.
JUDGED_CHARACTERS = 72
# From zxcvbn's scores 0 to 4. In words, so that nobody needs to see the colour.
STRENGTHS = {
    0: gettext_lazy("far too easy to guess"),
    1: gettext_lazy("too easy to guess"),
    2: gettext_lazy("fairly easy to guess"),
    3: gettext_lazy("good"),
    4: gettext_lazy("very good"),
}
MOST_ADVICE = 3
# Characters beside a word that leave it alone: a year, a sign or two.
FEW = 5
# As alike as “janssen7” and “jansen”.
NEAR = 0.8
_LOOK_ALIKES = str.maketrans("013457@$!|", "oleastasil")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a password."""

    shortest: int
    """In characters."""
    strength: int
    """zxcvbn's score, 0 to 4."""
    history: int
    """None of the last so many passwords, the present one included."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a password is worth. The sentences hold nothing of it."""

    strength: int
    problems: tuple[str, ...]
    """Why it can't be used; none: it can."""
    advice: tuple[str, ...]
    """How it gets better."""

    @property
    def is_good(self) -> bool:
        return not self.problems

    @property
    def in_words(self) -> str:
        return str(STRENGTHS[self.strength])


def rules_for(target: Person | Mailbox) -> Rules:
    """The domain's for a mailbox, the portal's for anybody else."""
    return rules_of(PasswordRules() if isinstance(target, Person) else PasswordRules.of(target.domain))


def rules_of(own: PasswordRules) -> Rules:
    """A domain's, which are never laxer than the portal's: the operator's bounds may be newer than they."""
    least = Rules(settings.PASSWORD_SHORTEST, settings.PASSWORD_STRENGTH, settings.PASSWORD_HISTORY)
    return Rules(
        max(least.shortest, own.shortest), max(least.strength, own.strength), max(least.history, own.history)
    )


def words_of(target: Person | Mailbox) -> list[str]:
    """What an attacker would try first."""
    if isinstance(target, Person):
        return [target.username, target.email, target.name]
    return [target.login, target.address, target.name, target.domain.name]


def judge(clear: str, rules: Rules, *, words: Sequence[str]) -> Verdict:
    """Takes some milliseconds, however long the password is. `words` are those of `words_of`."""
    # Before anything that would look at each of a million characters.
    if len(clear) > LONGEST_BYTES or len(clear.encode(errors="replace")) > LONGEST_BYTES:
        return Verdict(0, (_("Use at most %(count)d bytes.") % {"count": LONGEST_BYTES},), ())
    clear = normalise(clear)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in clear):
        return Verdict(0, (_("Leave out line breaks and other control characters."),), ())
    if len(clear) < rules.shortest:
        problem = ngettext(
            "Use at least %(count)d character.", "Use at least %(count)d characters.", rules.shortest
        ) % {"count": rules.shortest}
        return Verdict(0, (problem,), ())
    parts = _parts(words)
    if _is_built_around(clear, parts):
        problem = _("Do not build it around your name, address or login: these are tried first.")
        return Verdict(0, (problem,), (_few_words(),))
    strength, matches = _looked_through(clear, parts)
    advice = tuple(dict.fromkeys(_advice_about(matches)))[:MOST_ADVICE]
    if strength >= rules.strength and not _is_one_word(clear):
        return Verdict(strength, (), advice if strength < max(STRENGTHS) else ())
    if strength >= settings.PASSWORD_STRENGTH and strength < rules.strength:
        problem = _("Your domain asks for a stronger one.")
    else:
        problem = _("Too easy to guess.")
    return Verdict(min(strength, 2), (problem,), advice or (_few_words(),))


def _few_words() -> str:
    return _("A few words that have nothing in common do better.")


def _parts(words: Iterable[str]) -> list[str]:
    """The words and their pieces, folded, longest first."""
    pieces = {word.casefold() for word in words}
    for word in words:
        pieces.update(re.split(r"[\s@._+-]+", word.casefold()))
    return sorted((piece for piece in pieces if piece), key=len, reverse=True)


def _is_built_around(clear: str, parts: Sequence[str]) -> bool:
    """One of the words, somewhere in it with little beside it; or nearly that word, also backwards."""
    folded = clear.casefold()
    bare = re.sub(r"[^\w]|_", "", folded.translate(_LOOK_ALIKES))
    for part in parts:
        if len(part) < 4:
            continue
        little = len(part) + 8
        if any(part in form and len(form) < little for form in (folded, folded[::-1], bare, bare[::-1])):
            return True
        if len(bare) < little:
            forms = (bare, bare[::-1], re.sub(r"\d+$", "", re.sub(r"[^\w]", "", folded)))
            if any(SequenceMatcher(None, part, form).ratio() >= NEAR for form in forms):
                return True
    return False


def _is_one_word(clear: str) -> bool:
    """A word or well-known password of any of the languages, whatever signs stand around it."""
    folded = clear.casefold()
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    forms = {folded, bare, folded.translate(_LOOK_ALIKES), bare.translate(_LOOK_ALIKES)}
    return any(form in ranked for ranked in _dictionaries().values() for form in forms if form)


def _looked_through(clear: str, parts: Sequence[str]) -> tuple[int, list[Mapping[str, Any]]]:
    """zxcvbn's score, and what it found: its own entry keeps the words in a global that threads share."""
    judged = clear[:JUDGED_CHARACTERS]
    own = {word: rank for rank, word in enumerate(parts, start=1)}
    found = matching.omnimatch(judged, {**_dictionaries(), "own": own})
    result = scoring.most_guessable_match_sequence(judged, found)
    return time_estimates.guesses_to_score(result["guesses"]), result["sequence"]


@cache
def _dictionaries() -> dict[str, dict[str, int]]:
    """zxcvbn's English ones, and those of the other languages, by how common a word is."""
    others = {
        f"words {language}": {word: rank for rank, word in enumerate(commonest_words(language), start=1)}
        for language in LANGUAGES
        if language != "en"
    }
    return {**matching.RANKED_DICTIONARIES, **others}


def _advice_about(matches: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """What makes it easy, worst first; zxcvbn has English sentences only."""
    told = [match for match in matches if match["pattern"] != "bruteforce"]
    length = sum(len(match["token"]) for match in matches)
    for match in sorted(told, key=lambda match: -len(match["token"])):
        yield from _advice_about_one(match, is_alone=length - len(match["token"]) <= FEW)
    yield _("Add another word or two that have nothing to do with the others.")


def _advice_about_one(match: Mapping[str, Any], *, is_alone: bool) -> Iterable[str]:
    token = str(match["token"])
    match match["pattern"]:
        case "dictionary":
            yield from _advice_about_word(match, is_alone=is_alone)
        case "spatial":
            yield _("Leave out keys that lie beside each other, such as qwerty or azerty.")
        case "repeat":
            yield _("Repeating something hardly helps.")
        case "sequence":
            yield _("Leave out what goes on by itself, such as abcd or 6543.")
        case "regex" | "date" if len(token) > 3:
            yield _("Leave out years and dates: all of them are tried.")


def _advice_about_word(match: Mapping[str, Any], *, is_alone: bool) -> Iterable[str]:
    token, dictionary = str(match["token"]), match["dictionary_name"]
    if len(token) < 3:
        return
    if dictionary == "own":
        yield _("Leave out your name, address, login and domain: these are tried first.")
    elif dictionary == "passwords" and match["rank"] < 10_000 and is_alone:
        yield _("Many people have this password, or one much like it: it is among the first that are tried.")
    elif dictionary in ("surnames", "male_names", "female_names") and is_alone:
        yield _("Leave out names: all of them are tried.")
    elif is_alone:
        yield _("One word is not enough: take three or four that have nothing in common.")
    if match.get("l33t"):
        yield _("Digits and signs in place of letters, such as 0 for o, hardly help: everybody does so.")
    if match.get("reversed"):
        yield _("A word written backwards is hardly harder to guess.")
    if token[0].isupper() and token[1:].islower() and is_alone:
        yield _("A capital at the beginning hardly helps.")
