"""Codes that make a link or a cookie secret: only their hash is kept."""

import hashlib
import secrets


def new_code() -> str:
    """256 random bits, in letters that need no escaping in a link.

    Never with a line at its end: programs that find links in texts leave that out.
    """
    while not (code := secrets.token_urlsafe(32))[-1].isalnum():
        continue
    return code


def hash_of(code: str) -> str:
    """SHA-256, in hexadecimal digits: so much chance needs no slow hash."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
