"""Authenticator apps for tests, and what they would show."""

import base64
import re

from django.test import Client
from django_otp.oath import totp

from accounts import second_factors
from accounts.models import AuthenticatorApp, Person


def add_app(person: Person, name: str = "phone") -> AuthenticatorApp:
    return second_factors.keep_app(person, second_factors.new_app_key(), name=name)


def code_of(app: AuthenticatorApp) -> str:
    """One that has not been used yet."""
    app.refresh_from_db()
    return f"{totp(app.bin_key, drift=1 if app.last_t >= 0 else 0):06}"


def key_shown(client: Client) -> bytes:
    """On the page that adds an authenticator app."""
    page = client.get("/account/authenticator/").content.decode()
    found = re.search(r"otpauth://totp/[^?]+\?secret=([A-Z2-7]+)", page)
    assert found, page
    return base64.b32decode(found[1])
