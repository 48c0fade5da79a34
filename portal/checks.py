"""What goes over a network in clear: told by `manage.py check --deploy`."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

VERIFIED = "verify-full"


@register(Tags.security, deploy=True)
def nothing_in_clear(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    return [Warning(words, hint=hint, id=f"portal.{number}") for number, words, hint in _in_clear()]


def _in_clear() -> list[tuple[str, str, str]]:
    """Number, sentence and way out of each."""
    found = []
    broker = urlsplit(settings.CELERY_BROKER_URL)
    if broker.scheme == "redis" and not _is_here(broker.hostname or ""):
        words = "Jobs and the password of Redis go to another host in clear."
        found.append(("W001", words, "PORTAL_BROKER_URL=rediss://…, or a tunnel."))
    database = settings.DATABASES["default"]
    is_verified = database.get("OPTIONS", {}).get("sslmode") == VERIFIED
    if database["ENGINE"].endswith("postgresql") and not is_verified and not _is_here(database["HOST"]):
        words = "Nobody verifies that the database on another host is yours, or that nobody reads along."
        found.append(("W002", words, f"PORTAL_DATABASE_URL=postgresql://…?sslmode={VERIFIED}, or a tunnel."))
    if settings.EMAIL_HOST and settings.SMTP_TLS == "none" and not _is_here(settings.EMAIL_HOST):
        words = "The portal's mails, with links to new passwords, go to another host in clear."
        found.append(("W003", words, "PORTAL_SMTP_TLS=starttls or tls."))
    return found


def _is_here(host: str) -> bool:
    """This machine: by a socket, by name or by number."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
