"""The second factor: authenticator apps, passkeys and recovery codes, as devices of django-otp.

Who must have one is asked for it right after signing in, and sees nothing before (middleware.py).
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from time import time
from urllib.parse import quote, urlencode

import structlog
from django.db import transaction
from django.db.models import Count, F, Q, Value
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle

from accounts import app_password_rule, notices, passkeys
from accounts.factor_changes import follow_factor_change
from accounts.models import AuthenticatorApp, Person
from accounts.sealed_keys import seal_key
from audit.chain import record
from mailservers.credentials import CredentialsLocked
from mailservers.one_line import require_one_line

log = structlog.get_logger(__name__)

# What authenticator apps show beside the user name.
ISSUER = "Mail portal"
STEP_SECONDS, DIGITS = 30, 6
RECOVERY_CODES = 10
RECOVERY_NAME = "recovery codes"
TOTP_CODE = re.compile(r"\d{6}")
RECOVERY_CODE = re.compile(r"[a-z2-7]{16}")


def is_mandatory_for(person: Person) -> bool:
    """Staff and webmasters: what they can do is worth stealing a password for."""
    return person.sees_everything or person.has_domains


@dataclass(frozen=True, slots=True)
class Factor:
    """What a page tells of a device."""

    persistent_id: str
    name: str
    last_used_at: datetime | None
    is_passkey: bool


def listed(person: Person) -> tuple[list[Factor], int]:
    """All that can be used, in one query, and how many recovery codes are left."""
    theirs = {"user": person, "confirmed": True}
    parts = [
        # What is told of the third kind is how many there are.
        kind.objects.filter(**theirs)
        .order_by()
        .annotate(place=Value(place), number=number)
        .values_list("place", "number", "name", "last_used_at")
        for place, (kind, number) in enumerate(
            (
                (AuthenticatorApp, F("pk")),
                (WebAuthnCredential, F("pk")),
                (StaticDevice, Count("token_set")),
            )
        )
    ]
    rows = list(parts[0].union(*parts[1:], all=True).order_by("place", "number"))
    factors = [
        Factor(_persistent_id(place, number), name, used_at, is_passkey=place == 1)
        for place, number, name, used_at in rows
        if place < 2
    ]
    return factors, sum(number for place, number, _name, _used_at in rows if place == 2)


def _persistent_id(place: int, number: int) -> str:
    """As django-otp makes it of a device."""
    kind = (AuthenticatorApp, WebAuthnCredential)[place]
    return str(kind(pk=number).persistent_id)


def has_device(person: Person) -> bool:
    """Whether the person has anything but recovery codes."""
    return bool(listed(person)[0])


def devices_of(person: Person) -> list[Device]:
    """Those that can be used, without recovery codes."""
    apps = AuthenticatorApp.objects.filter(user=person, confirmed=True).order_by("pk")
    return [*apps, *passkeys.passkeys_of(person)]


def kinds_of(person: Person) -> tuple[bool, bool]:
    """Whether the person has an authenticator app, and whether a passkey."""
    factors, _codes_left = listed(person)
    return any(not each.is_passkey for each in factors), any(each.is_passkey for each in factors)


@transaction.atomic
def device_for_code(person: Person, typed: str) -> Device | None:
    """The device whose code this is; it is used up. None: it is nobody's, or no longer."""
    code = _bare(typed)
    if TOTP_CODE.fullmatch(code):
        # Locked, so that of two at the same time one gets it.
        apps = AuthenticatorApp.objects.select_for_update().filter(user=person, confirmed=True)
        return next((app for app in apps if _is_code_of(app, code)), None)
    if RECOVERY_CODE.fullmatch(code):
        sheets = StaticDevice.objects.select_for_update().filter(user=person, confirmed=True)
        return next((sheet for sheet in sheets if sheet.verify_token(_kept_form(code))), None)
    return None


def _is_code_of(app: AuthenticatorApp, code: str) -> bool:
    """It is used up then. An app whose key can't be opened has none: its owner comes in another way."""
    try:
        return bool(app.verify_token(code))
    except CredentialsLocked:
        log.error("the key of an authenticator app cannot be opened", app=app.pk)
        return False


def new_app_key() -> bytes:
    """160 random bits, as RFC 4226 wants."""
    return secrets.token_bytes(20)


def keep_app(person: Person, key: bytes, *, name: str) -> AuthenticatorApp:
    """As one that can be used; the caller records the event."""
    app: AuthenticatorApp = AuthenticatorApp.objects.create(user=person, name=name[:64], key=seal_key(key))
    return app


def link_for_app(person: Person, key: bytes) -> str:
    """What the QR code says; authenticator apps know this form (otpauth://)."""
    label = quote(f"{ISSUER}:{person.username}")
    parameters = {
        "secret": _base32(key),
        "issuer": ISSUER,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def key_in_words(key: bytes) -> str:
    """The key for whom no camera can read it, in groups of four."""
    text = _base32(key)
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _base32(key: bytes) -> str:
    return base64.b32encode(key).decode().rstrip("=")


@transaction.atomic
def add_app(
    person: Person, key: bytes, code: str, *, name: str, keep: str | None = None
) -> AuthenticatorApp | None:
    """The app with this key if that is its code, from now on a second factor; other sessions end.

    Raises ValidationError for a name of several lines.
    """
    require_one_line(name)
    totp = TOTP(key, STEP_SECONDS, 0, DIGITS, 0)
    totp.time = time()
    bare = _bare(code)
    if not TOTP_CODE.fullmatch(bare) or not totp.verify(int(bare), tolerance=1):
        return None
    app = keep_app(person, key, name=name)
    # The code is used up.
    app.last_t, app.drift = totp.t(), totp.drift
    app.save(update_fields=["last_t", "drift"])
    record("person.second_factor_added", by=person, about=person, after={"name": app.name})
    notices.tell(person, "second-factor", by=person, detail=app.name)
    app_password_rule.follow_factor_added(person)
    follow_factor_change(person, keep=keep)
    return app


@transaction.atomic
def remove_device(person: Person, device: Device, *, keep: str | None = None) -> None:
    """With the last one the recovery codes go too: alone they would open as much. Other sessions end."""
    record("person.second_factor_removed", by=person, about=person, before={"name": device.name})
    notices.tell(person, "factor-removed", by=person, detail=device.name)
    device.delete()
    if not has_device(person):
        StaticDevice.objects.filter(user=person).delete()
        app_password_rule.follow_factor_removed(person)
    follow_factor_change(person, keep=keep)


@transaction.atomic
def remove_all(person: Person, *, by: Person) -> None:
    """The person lost them, or somebody else has them."""
    forget_all(person)
    record("person.second_factor_reset", by=by, about=person)
    notices.tell(person, "factor-removed", by=by)


def forget_all(person: Person) -> None:
    """Without an event of its own: who is erased, say."""
    for kind in (AuthenticatorApp, StaticDevice, WebAuthnCredential, WebAuthnUserHandle):
        kind.objects.filter(user=person).delete()
    app_password_rule.follow_factor_removed(person)
    follow_factor_change(person, keep=None)


@transaction.atomic
def remove_added_since(person: Person, moment: datetime, name: str) -> None:
    """Those that a thief may have added: from then on, or of that name."""
    for kind in (AuthenticatorApp, WebAuthnCredential):
        kind.objects.filter(Q(created_at__gte=moment) | Q(name=name), user=person).delete()
    StaticDevice.objects.filter(user=person, created_at__gte=moment).delete()
    if not has_device(person):
        app_password_rule.follow_factor_removed(person)
    follow_factor_change(person, keep=None)
    record("person.second_factor_removed", by=None, about=person, before={"name": name})


@transaction.atomic
def make_recovery_codes(person: Person, *, keep: str | None = None) -> list[str]:
    """New ones, told this once; those before are over, and other sessions end. 80 random bits each."""
    replaced = StaticDevice.objects.filter(user=person).delete()[0]
    sheet = StaticDevice.objects.create(user=person, name=RECOVERY_NAME)
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _each in range(RECOVERY_CODES)]
    for code in codes:
        sheet.token_set.create(token=_kept_form(code))
    record("person.recovery_codes_made", by=person, about=person)
    # The first ones come with a second factor, which is told already.
    if replaced:
        notices.tell(person, "recovery-codes", by=person)
    follow_factor_change(person, keep=keep)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def recovery_codes_left(person: Person) -> int:
    return listed(person)[1]


def _bare(typed: str) -> str:
    """As people may type it: with blanks, dashes, capitals."""
    return re.sub(r"[\s-]", "", typed).lower()


def _kept_form(code: str) -> str:
    """What the table holds of a recovery code: as many bits of its SHA-256 as django-otp has room for."""
    return base64.b32encode(hashlib.sha256(code.encode()).digest()).decode()[:16]
