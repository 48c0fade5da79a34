"""Keys of authenticator apps, sealed at rest with the operator's keys: who has the database alone has none.

AES-GCM under keys derived from PORTAL_CREDENTIAL_KEYS, as django-otp's column holds 80 characters: a Fernet
token, as servers' credentials are kept in, would take 120.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from mailservers.credentials import CredentialsLocked

NONCE_BYTES = 12
# Tells them from a key in clear, which is hexadecimal digits.
SEALED = "~"


def seal_key(key: bytes) -> str:
    """The key as text that only the keys in the settings open."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + _ciphers()[0].encrypt(nonce, key, None)
    return SEALED + base64.urlsafe_b64encode(sealed).decode()


def open_key(sealed: str) -> bytes:
    """The key in clear; raises CredentialsLocked."""
    try:
        raw = base64.urlsafe_b64decode(sealed.removeprefix(SEALED))
    except ValueError:
        raise CredentialsLocked from None
    for cipher in _ciphers():
        try:
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            continue
    raise CredentialsLocked


def _ciphers() -> list[AESGCM]:
    """Of the newest of the operator's keys first."""
    return [AESGCM(_derived(key)) for key in settings.CREDENTIAL_KEYS]


def _derived(key: str) -> bytes:
    hkdf = HKDF(SHA256(), length=32, salt=None, info=b"accounts.sealed_keys")
    return hkdf.derive(base64.urlsafe_b64decode(key))
