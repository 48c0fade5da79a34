"""Schemes that mail servers were set up with once, read so that people who come from there can sign in.

The portal makes none of them: at the next sign-in the password is hashed anew (`renewing.py`). Of what is not
here, such as yescrypt, the mail server itself is asked (decision 013).
"""

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Callable
from typing import Any

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

Check = Callable[[str, str], bool]


def _by(maker: Any, prefix: str = "") -> Check:
    return lambda clear, bare: bool(maker.verify(clear, prefix + bare))


def _is_plain(clear: str, bare: str) -> bool:
    return hmac.compare_digest(clear.encode(), bare.encode())


def _by_digest(name: str) -> Check:
    def check(clear: str, bare: str) -> bool:
        digest = hashlib.new(name, clear.encode(), usedforsecurity=False).digest()
        return hmac.compare_digest(digest, b64decode(bare, validate=True))

    return check


def _is_plain_md5(clear: str, bare: str) -> bool:
    digest = hashlib.md5(clear.encode(), usedforsecurity=False).hexdigest()
    return hmac.compare_digest(digest, bare.lower())


def _by_pbkdf2(clear: str, bare: str) -> bool:
    """Dovecot's own form: ``$1$salt$rounds$hex``, HMAC-SHA-1."""
    _empty, one, salt, rounds, digest = bare.split("$")
    if one != "1":
        return False
    made = hashlib.pbkdf2_hmac("sha1", clear.encode(), salt.encode(), int(rounds))
    return hmac.compare_digest(made.hex(), digest.lower())


# By what a hash begins with, in Dovecot's spelling. CRYPT is whatever crypt(3) makes; it tells which itself.
CHECKS: dict[str, Check] = {
    "{CRYPT}$1$": _by(md5_crypt, "$1$"),
    "{CRYPT}$2a$": _by(bcrypt, "$2a$"),
    "{CRYPT}$2b$": _by(bcrypt, "$2b$"),
    "{CRYPT}$2y$": _by(bcrypt, "$2y$"),
    "{CRYPT}$5$": _by(sha256_crypt, "$5$"),
    "{CRYPT}$6$": _by(sha512_crypt, "$6$"),
    "{MD5-CRYPT}": _by(md5_crypt),
    "{SHA256-CRYPT}": _by(sha256_crypt),
    "{ARGON2I}": _by(argon2),
    "{SSHA}": _by(ldap_salted_sha1, "{SSHA}"),
    "{SSHA256}": _by(ldap_salted_sha256, "{SSHA256}"),
    "{SSHA512}": _by(ldap_salted_sha512, "{SSHA512}"),
    "{SMD5}": _by(ldap_salted_md5, "{SMD5}"),
    "{SHA}": _by(ldap_sha1, "{SHA}"),
    "{SHA1}": _by(ldap_sha1, "{SHA}"),
    "{SHA256}": _by_digest("sha256"),
    "{SHA512}": _by_digest("sha512"),
    "{LDAP-MD5}": _by(ldap_md5, "{MD5}"),
    "{PLAIN-MD5}": _is_plain_md5,
    "{PBKDF2}": _by_pbkdf2,
    "{PLAIN}": _is_plain,
    "{CLEARTEXT}": _is_plain,
}


def check_of(password_hash: str) -> tuple[Check, str] | None:
    """How such a hash is looked at, and what of it; None: nobody here can read it."""
    for beginning, check in CHECKS.items():
        if password_hash.startswith(beginning) and len(password_hash) > len(beginning):
            return check, password_hash.removeprefix(beginning)
    return None
