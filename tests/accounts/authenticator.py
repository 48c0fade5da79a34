"""A security key in software: signs what a browser would have it sign (WebAuthn, ES256, no attestation)."""

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


class Authenticator:
    """With one key; `counter` is what it tells next."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.counter = 1
        self.flags = PRESENT | VERIFIED
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(32)

    def add(self, options: dict[str, Any]) -> str:
        """Answers ``navigator.credentials.create``."""
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self._id).to_bytes(2, "big") + self._id + cbor2.dumps(public)
        data = self._data(options["rp"]["id"], HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._answer(
            attestationObject=bytes_to_base64url(attestation),
            clientDataJSON=bytes_to_base64url(client),
            transports=["usb"],
        )

    def use(self, options: dict[str, Any]) -> str:
        """Answers ``navigator.credentials.get``."""
        data = self._data(options["rpId"])
        client = self._client("webauthn.get", options["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            authenticatorData=bytes_to_base64url(data),
            clientDataJSON=bytes_to_base64url(client),
            signature=bytes_to_base64url(signature),
            userHandle=None,
        )

    def _data(self, name: str, more: int = 0) -> bytes:
        data = hashlib.sha256(name.encode()).digest() + bytes([self.flags | more])
        data += self.counter.to_bytes(4, "big")
        self.counter += 1
        return data

    def _client(self, kind: str, challenge: str) -> bytes:
        assert base64url_to_bytes(challenge)
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: Any) -> str:
        name = bytes_to_base64url(self._id)
        whole = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps({**whole, "clientExtensionResults": {}})
