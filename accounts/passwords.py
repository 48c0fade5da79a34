"""Passwords: whether one is good enough, and the hash of it that a mail server can read.

The clear text stays in the web process: it is never kept, logged, or handed to a worker.
"""

import secrets
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from passlib.hash import argon2, bcrypt, sha512_crypt

from accounts.hash_forms import BadHash, require_good_hash
from accounts.older_hashes import CHECKS, check_of
from accounts.places import HASHING
from mailservers.drivers.base import HASH_SCHEMES

LONGEST_BYTES = 1024
LONGEST_FOR_BCRYPT = 72

# Dovecot's name for a scheme, and libpass's way of making it. 19 MiB and 2 rounds on one lane is the
# second of RFC 9106's kin that OWASP recommends: a third of the default's time on a mail server.
SCHEMES: dict[str, Any] = {
    "ARGON2ID": argon2.using(type="ID", memory_cost=19 * 1024, time_cost=2, parallelism=1),
    "BLF-CRYPT": bcrypt.using(rounds=12),
    "SHA512-CRYPT": sha512_crypt,
}
PREFERRED = HASH_SCHEMES[0]
# What hashes begin with that can be looked at here; others only their mail server can.
READABLE = (*(f"{{{scheme}}}" for scheme in SCHEMES), *CHECKS)


def normalise(clear: str) -> str:
    """The same characters however a keyboard composed them (NFC, as RFC 8265 asks)."""
    return unicodedata.normalize("NFC", clear)


def hash_password(clear: str, scheme: str = PREFERRED) -> str:
    """The password's hash as Dovecot reads it: ``{SCHEME}…``. Few at once (places.py); raises Busy."""
    with HASHING.one():
        return f"{{{scheme}}}{SCHEMES[scheme].hash(normalise(clear))}"


def scheme_for(clear: str, schemes: Sequence[str]) -> str:
    """The best of a server's schemes that can hold this password; a server that names none reads all."""
    fit = [scheme for scheme in schemes or (PREFERRED,) if scheme != "BLF-CRYPT" or _fits_bcrypt(clear)]
    return fit[0] if fit else "SHA512-CRYPT"


def is_older(password_hash: str, scheme: str) -> bool:
    """Whether the hash is in a worse scheme than this one, or in one that the portal never makes."""
    present = scheme_of(password_hash)
    if present not in HASH_SCHEMES:
        return True
    return HASH_SCHEMES.index(present) > HASH_SCHEMES.index(scheme)


def scheme_of(password_hash: str) -> str:
    """Dovecot's name for it; empty when there is no hash."""
    return password_hash.removeprefix("{").partition("}")[0] if password_hash.startswith("{") else ""


def matches(clear: str, password_hash: str) -> bool:
    """Whether the password belongs to the hash. Takes the same time when there is no hash at all.

    Few at once (places.py); raises Busy.
    """
    scheme, _brace, bare = (password_hash or _nobodys_hash()).removeprefix("{").partition("}")
    if password_hash and not can_check(password_hash):
        return False
    maker = SCHEMES.get(scheme)
    try:
        with HASHING.one():
            if maker is None:
                return _matches_older(clear, password_hash)
            right = bool(maker.verify(normalise(clear), bare))
    except (ValueError, TypeError):  # more than 72 bytes for bcrypt, or no hash at all behind the scheme
        return False
    return right and bool(password_hash)


def _matches_older(clear: str, password_hash: str) -> bool:
    """Set elsewhere, perhaps as the keyboard composed it."""
    found = check_of(password_hash)
    if found is None or not clear:
        return False
    check, bare = found
    return any(check(form, bare) for form in dict.fromkeys([normalise(clear), clear]))


def _fits_bcrypt(clear: str) -> bool:
    return len(normalise(clear).encode()) <= LONGEST_FOR_BCRYPT


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))


def can_check(password_hash: str) -> bool:
    """Whether `matches` could ever say yes to this hash, with work that is bounded."""
    try:
        require_good_hash(password_hash)
    except BadHash:
        return False
    return True
