"""What a hash has to look like, and what comparing a password with it may cost.

Hashes come from files and from mail servers too, and whoever writes one chooses its cost: a billion rounds, a
tebibyte of memory, at each try on an open page. Each kind is read before anything is computed.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils.translation import gettext_noop
from passlib.hash import (
    argon2,
    bcrypt,
    ldap_md5,
    ldap_salted_md5,
    ldap_salted_sha1,
    ldap_salted_sha256,
    ldap_salted_sha512,
    ldap_sha1,
    md5_crypt,
    sha256_crypt,
    sha512_crypt,
)

LONGEST = 500
# About a second of one core each; more than any mail server makes by itself.
MOST_ROUNDS = 999_999
MOST_BLOWFISH = 14
MOST_KIB, MOST_KIB_IN_ALL, MOST_LANES = 128 * 1024, 512 * 1024, 16
# What may be beyond these, told from its text alone: for queries. It may name one that is not.
MAYBE_TOO_COSTLY = (
    rf"rounds=[0-9]{{{len(str(MOST_ROUNDS)) + 1}}}"
    r"|^[{]PBKDF2[}][$]1[$][^$]*[$][0-9]{7}"
    r"|[$]2[aby][$](1[5-9]|[23])"
    r"|m=[0-9]{6}|[{]ARGON2.*t=[0-9]{2}|[{]ARGON2.*p=[0-9]{2}"
)


class BadHash(ValueError):
    """A sentence that says why it can't be used; the hash itself is told to nobody."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


UNKNOWN = gettext_noop("The portal can't read this hash. A password is not a hash.")
DAMAGED = gettext_noop(
    "The hash is cut short or damaged: nobody could sign in with it. Copy it again, as it is."
)
TOO_COSTLY = gettext_noop(
    "Comparing a password with this hash takes too much work. Make one of a lower cost, or leave it out and"
    " send a link."
)


def require_good_hash(password_hash: str) -> None:
    """Of a known scheme, well formed, and not too costly to compare; raises BadHash."""
    bare, read = _form_of(password_hash)
    if len(password_hash) > LONGEST:
        raise BadHash(DAMAGED)
    try:
        read(bare)
    except BadHash:
        raise
    except (ValueError, TypeError):
        raise BadHash(DAMAGED) from None


def _form_of(password_hash: str) -> tuple[str, Callable[[str], None]]:
    for beginning, read in _FORMS.items():
        if password_hash.startswith(beginning) and len(password_hash) > len(beginning):
            return password_hash.removeprefix(beginning), read
    raise BadHash(UNKNOWN)


def _at_most(value: int, most: int) -> None:
    if value > most:
        raise BadHash(TOO_COSTLY)


def _crypt(maker: Any, prefix: str, bare: str) -> None:
    """With rounds, or none at all."""
    # Read first: a library that knows a maximum of its own calls more than that damaged.
    if rounds := re.match(r"(?:\$\d\$)?rounds=(\d+)", bare):
        _at_most(int(rounds[1][:20]), MOST_ROUNDS)
    found = maker.from_string(prefix + bare)
    if found.checksum is None:
        raise ValueError
    _at_most(getattr(found, "rounds", 0), MOST_ROUNDS)


def _blowfish(prefix: str, bare: str) -> None:
    found = bcrypt.from_string(prefix + bare)
    if found.checksum is None:
        raise ValueError
    _at_most(found.rounds, MOST_BLOWFISH)


def _argon2(kind: str, bare: str) -> None:
    if parameters := re.match(r"\$argon2\w+(?:\$v=\d+)?\$m=(\d+),t=(\d+),p=(\d+)", bare):
        memory, passes, lanes = (int(each[:20]) for each in parameters.groups())
        _at_most(memory, MOST_KIB)
        _at_most(memory * passes, MOST_KIB_IN_ALL)
        _at_most(lanes, MOST_LANES)
    found = argon2.from_string(bare)
    # What can't be read is no hash either.
    if parameters is None or found.checksum is None or found.type.lower() != kind:
        raise ValueError


def _salted(maker: Any, prefix: str, bare: str) -> None:
    if maker.from_string(prefix + bare).checksum is None:
        raise ValueError


def _digest(size: int, bare: str) -> None:
    if len(b64decode(bare, validate=True)) != size:
        raise ValueError


def _hexadecimal(bare: str) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", bare):
        raise ValueError


def _pbkdf2(bare: str) -> None:
    """Dovecot's own form: ``$1$salt$rounds$hex``, HMAC-SHA-1."""
    parts = re.fullmatch(r"\$1\$[^$]*\$([1-9][0-9]*)\$[0-9A-Fa-f]{40}", bare)
    if parts is None:
        raise ValueError
    _at_most(int(parts[1][:20]), MOST_ROUNDS)


def _anything(_bare: str) -> None:
    """A password in clear."""


# How what follows each beginning is read; raises ValueError or BadHash.
_FORMS: dict[str, Callable[[str], None]] = {
    "{ARGON2ID}": partial(_argon2, "id"),
    "{BLF-CRYPT}": partial(_blowfish, ""),
    "{SHA512-CRYPT}": partial(_crypt, sha512_crypt, ""),
    "{CRYPT}$1$": partial(_crypt, md5_crypt, "$1$"),
    "{CRYPT}$2a$": partial(_blowfish, "$2a$"),
    "{CRYPT}$2b$": partial(_blowfish, "$2b$"),
    "{CRYPT}$2y$": partial(_blowfish, "$2y$"),
    "{CRYPT}$5$": partial(_crypt, sha256_crypt, "$5$"),
    "{CRYPT}$6$": partial(_crypt, sha512_crypt, "$6$"),
    "{MD5-CRYPT}": partial(_crypt, md5_crypt, ""),
    "{SHA256-CRYPT}": partial(_crypt, sha256_crypt, ""),
    "{ARGON2I}": partial(_argon2, "i"),
    "{SSHA}": partial(_salted, ldap_salted_sha1, "{SSHA}"),
    "{SSHA256}": partial(_salted, ldap_salted_sha256, "{SSHA256}"),
    "{SSHA512}": partial(_salted, ldap_salted_sha512, "{SSHA512}"),
    "{SMD5}": partial(_salted, ldap_salted_md5, "{SMD5}"),
    "{SHA}": partial(_salted, ldap_sha1, "{SHA}"),
    "{SHA1}": partial(_salted, ldap_sha1, "{SHA}"),
    "{SHA256}": partial(_digest, 32),
    "{SHA512}": partial(_digest, 64),
    "{LDAP-MD5}": partial(_salted, ldap_md5, "{MD5}"),
    "{PLAIN-MD5}": _hexadecimal,
    "{PBKDF2}": _pbkdf2,
    "{PLAIN}": _anything,
    "{CLEARTEXT}": _anything,
}
