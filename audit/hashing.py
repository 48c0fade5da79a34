"""The chain's format: what is hashed, and how. docs/audit-format.md tells it to outsiders.

An event belongs to a lane and follows the event before it there. Its hash covers everything but the two
groups of personal fields, who and what: of those it covers a salted hash only. So a group can be erased,
salt and all, and the chain still verifies.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def canonical(value: object) -> bytes:
    """JSON with sorted keys, without blanks, in UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def new_salt() -> str:
    """128 bits, so that nobody finds a short name again by trying all names."""
    return secrets.token_hex(16)


def group_digest(salt: str, group: Json) -> str:
    """What stands in the chain for a group of personal fields."""
    return sha256(salt.encode() + canonical(group))


def event_hash(link: Json) -> str:
    return sha256(canonical(link))
