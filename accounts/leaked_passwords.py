"""Whether a password is known from a leak, asked so that whoever is asked can't tell which it was.

Only the first 5 of the 40 hexadecimal digits of its SHA-1 leave the portal; the answer names all leaked ones
that begin so, and is padded (k-anonymity, as Have I Been Pwned's range interface). Off without an address.
"""

import hashlib

import httpx
import structlog
from django.conf import settings

from accounts.passwords import normalise

log = structlog.get_logger(__name__)
SECONDS = 2.0
# A padded answer has about a thousand lines of some forty characters.
LONGEST_ANSWER = 500_000


class CannotTell(Exception):
    """The list could not be asked just now."""


def is_leaked(clear: str) -> bool:
    """False where nobody is to be asked; raises CannotTell, after two seconds at the latest."""
    if not settings.LEAKED_PASSWORDS_URL:
        return False
    digest = hashlib.sha1(normalise(clear).encode(), usedforsecurity=False).hexdigest().upper()
    try:
        lines = _ask(digest[:5])
    except (httpx.HTTPError, UnicodeError) as trouble:
        log.warning("list of leaked passwords away", error=type(trouble).__name__)
        raise CannotTell from None
    # Padding has a count of 0.
    return any(
        suffix.strip().upper() == digest[5:] and count.strip() not in ("", "0")
        for suffix, _colon, count in (line.partition(":") for line in lines)
    )


def _ask(beginning: str) -> list[str]:
    headers = {"Add-Padding": "true", "User-Agent": "mail-portal"}
    url = f"{settings.LEAKED_PASSWORDS_URL}/{beginning}"
    with httpx.stream("GET", url, headers=headers, timeout=SECONDS, follow_redirects=False) as answer:
        answer.raise_for_status()
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError("no list")
        heap = b""
        for part in answer.iter_bytes():
            heap += part
            if len(heap) > LONGEST_ANSWER:
                raise httpx.HTTPError("too long")
    return heap.decode("ascii").splitlines()
