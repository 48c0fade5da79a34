"""One-time links: only a hash of what makes them secret is kept."""

import hashlib


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
