"""Signed statements about the chain: checkpoints, each day, and what archives hold."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.hashing import canonical, sha256
from audit.models import ChainHead, Event, Seal

FORMAT = "mail-portal-audit-1"


class NoAuditKey(Exception):
    """The setting PORTAL_AUDIT_KEY_FILE names no key, so nothing can be signed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A statement with its signature (hexadecimal) and which key it is for."""

    statement: dict[str, Any]
    key: str
    signature: str

    @property
    def name(self) -> str:
        return f"{self.statement.get('kind')} of {self.statement.get('made_at')}"

    def as_json(self) -> dict[str, Any]:
        return {"statement": self.statement, "key": self.key, "signature": self.signature}


def from_row(row: Seal) -> Sealed:
    return Sealed(row.statement, row.key, row.signature)


def from_file(path: Path) -> Sealed:
    """Raises ValueError for what is no seal."""
    try:
        found = json.loads(path.read_text())
        return Sealed(dict(found["statement"]), str(found["key"]), str(found["signature"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no seal of this portal.") from error


def kept_outside() -> Iterator[Sealed]:
    """The checkpoints in PORTAL_AUDIT_DIRECTORY, oldest first."""
    if settings.AUDIT_DIRECTORY:
        for path in sorted(Path(settings.AUDIT_DIRECTORY).glob("checkpoint-*.json")):
            yield from_file(path)


def private_key() -> Ed25519PrivateKey:
    """From the file that the setting names; raises NoAuditKey."""
    if not settings.AUDIT_KEY_FILE:
        raise NoAuditKey("PORTAL_AUDIT_KEY_FILE is not set. Make a key: manage.py make_audit_key FILE")
    try:
        key = serialization.load_pem_private_key(Path(settings.AUDIT_KEY_FILE).read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise NoAuditKey("PORTAL_AUDIT_KEY_FILE names no readable key in PEM.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoAuditKey("PORTAL_AUDIT_KEY_FILE names a key of another kind than Ed25519.")
    return key


def public_key_in(path: Path) -> Ed25519PublicKey:
    """From a PEM file; raises ValueError."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} holds no Ed25519 key.")
    return key


def key_name(key: Ed25519PublicKey) -> str:
    """SHA-256 of its 32 bytes."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256(raw)


def fits(sealed: Sealed, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(bytes.fromhex(sealed.signature), canonical(sealed.statement))
    except (InvalidSignature, ValueError):
        return False
    return True


@transaction.atomic
def make_checkpoint() -> Sealed:
    """Sign where the lanes end now; keep it here, and in a file and by mail as the settings say."""
    key = private_key()
    sealed = keep_seal("checkpoint", {"ends": ends_now()}, key)
    if settings.AUDIT_DIRECTORY:
        write_seal(sealed)
    return sealed


def ends_now() -> dict[str, dict[str, Any]]:
    # One statement, so one moment: a lane's end counts once its events are committed.
    heads = ChainHead.objects.filter(number__gt=0)
    return {str(head.lane): {"place": head.number, "hash": head.hash} for head in heads}


def keep_seal(kind: str, told: dict[str, Any], key: Ed25519PrivateKey) -> Sealed:
    """Sign a statement that follows the newest one, and keep it; in the caller's transaction."""
    newest = Seal.objects.select_for_update().order_by("-pk").first()
    now = timezone.now()
    statement = {
        "format": FORMAT,
        "kind": kind,
        "portal": settings.PUBLIC_URL,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "events": Event.objects.order_by("-number").values_list("number", flat=True).first() or 0,
        "previous": sha256(canonical(newest.statement)) if newest else "",
        **told,
    }
    sealed = Sealed(statement, key_name(key.public_key()), key.sign(canonical(statement)).hex())
    Seal.objects.create(
        kind=kind,
        made_at=now,
        statement=statement,
        key=sealed.key,
        signature=sealed.signature,
        mail_due_at=now if settings.AUDIT_MAIL else None,
    )
    return sealed


def file_name(sealed: Sealed) -> str:
    made = datetime.fromisoformat(sealed.statement["made_at"])
    return f"{sealed.statement['kind']}-{made:%Y%m%dT%H%M%SZ}-{sealed.signature[:8]}.json"


def write_seal(sealed: Sealed) -> Path:
    folder = Path(settings.AUDIT_DIRECTORY)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(sealed)
    path.write_text(as_text(sealed) + "\n")
    return path


def as_text(sealed: Sealed) -> str:
    return json.dumps(sealed.as_json(), indent=2, ensure_ascii=False)
