"""A server's credentials, sealed at rest with the operator's keys (MultiFernet)."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CredentialsLocked(Exception):
    """None of the keys in PORTAL_CREDENTIAL_KEYS opens them."""


def seal(credentials: Mapping[str, str]) -> str:
    """The credentials as a token that only the keys in the settings open."""
    return _keys().encrypt(json.dumps(dict(credentials)).encode()).decode()


def unseal(token: str) -> dict[str, str]:
    """The credentials in clear; raises CredentialsLocked. An empty token holds none."""
    if not token:
        return {}
    try:
        opened: dict[str, str] = json.loads(_keys().decrypt(token.encode()))
    except InvalidToken:
        raise CredentialsLocked from None
    return opened


def reseal(token: str) -> str:
    """The same credentials under the newest key; raises CredentialsLocked."""
    try:
        return _keys().rotate(token.encode()).decode()
    except InvalidToken:
        raise CredentialsLocked from None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
