"""Passwords: whether one is good enough, and the hash of it that a mail server can read.

The clear text stays in the web process: it is never kept, logged, or handed to a worker.
"""

import secrets
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.utils.translation import gettext as _
from passlib.hash import argon2, bcrypt, sha512_crypt
from zxcvbn import zxcvbn

SHORTEST, LONGEST_BYTES = 8, 1024
# zxcvbn counts from 0 to 4; 3 means "safely unguessable: moderate protection of a stolen hash".
GOOD_ENOUGH = 3
# zxcvbn's time grows with the square of the length, and what follows so many characters changes no verdict.
JUDGED_CHARACTERS = 72

# Dovecot's name for a scheme, and libpass's way of making it. 19 MiB and 2 rounds on one lane is the
# second of RFC 9106's kin that OWASP recommends: a third of the default's time on a mail server.
SCHEMES: dict[str, Any] = {
    "ARGON2ID": argon2.using(type="ID", memory_cost=19 * 1024, time_cost=2, parallelism=1),
    "BLF-CRYPT": bcrypt.using(rounds=12),
    "SHA512-CRYPT": sha512_crypt,
}
PREFERRED = "ARGON2ID"


def normalise(clear: str) -> str:
    """The same characters however a keyboard composed them (NFC, as RFC 8265 asks)."""
    return unicodedata.normalize("NFC", clear)


def problems_with(clear: str, *, words: Sequence[str]) -> list[str]:
    """Sentences that say why the password is not good enough and what helps; none when it is.

    `words` are those an attacker would try first: login, address, name, domain.
    """
    clear = normalise(clear)
    if len(clear) < SHORTEST:
        return [_("Use at least %(count)d characters.") % {"count": SHORTEST}]
    if len(clear.encode()) > LONGEST_BYTES:
        return [_("Use at most %(count)d bytes.") % {"count": LONGEST_BYTES}]
    if any(unicodedata.category(character) == "Cc" for character in clear):
        return [_("Leave out line breaks and other control characters.")]
    parts = _parts(words)
    folded = clear.casefold()
    for part in parts:
        if len(part) >= 4 and part in folded and len(folded) < len(part) + SHORTEST:
            return [_("Do not build it around your name, address or login: these are tried first.")]
    judged = zxcvbn(clear[:JUDGED_CHARACTERS], user_inputs=parts)
    if judged["score"] < GOOD_ENOUGH:
        return [_("Too easy to guess. A few words that have nothing in common do better.")]
    return []


def hash_password(clear: str, scheme: str = PREFERRED) -> str:
    """The password's hash as Dovecot reads it: ``{SCHEME}…``."""
    return f"{{{scheme}}}{SCHEMES[scheme].hash(normalise(clear))}"


def matches(clear: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash. Takes the same time when there is no hash at all."""
    scheme, _brace, bare = (password_hash or _nobodys_hash()).removeprefix("{").partition("}")
    maker = SCHEMES.get(scheme)
    if maker is None:
        return False
    try:
        right = bool(maker.verify(normalise(clear), bare))
    except ValueError:  # more than 72 bytes for bcrypt, or no hash at all behind the scheme
        return False
    return right and bool(password_hash)


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))


def _parts(words: Sequence[str]) -> list[str]:
    """The words and their pieces, folded, longest first."""
    pieces = {word.casefold() for word in words}
    for word in words:
        pieces.update(word.casefold().replace("@", " ").replace(".", " ").replace("-", " ").split())
    return sorted((piece for piece in pieces if piece), key=len, reverse=True)


def can_check(password_hash: str) -> bool:
    """Whether `matches` could ever say yes to this hash."""
    scheme, brace, bare = password_hash.removeprefix("{").partition("}")
    return bool(brace and bare) and scheme in SCHEMES
