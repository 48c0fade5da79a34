"""Passwords: whether one is good enough, and the hash of it that a mail server can read.

The clear text stays in the web process: it is never kept, logged, or handed to a worker.
"""

import secrets
import unicodedata
from functools import cache
from typing import Any

from passlib.hash import argon2, bcrypt, sha512_crypt

LONGEST_BYTES = 1024

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


def can_check(password_hash: str) -> bool:
    """Whether `matches` could ever say yes to this hash."""
    scheme, brace, bare = password_hash.removeprefix("{").partition("}")
    return bool(brace and bare) and scheme in SCHEMES
