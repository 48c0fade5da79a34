"""What the settings of the audit lack, told by every manage.py command: `manage.py check`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from audit import seals


@register
def audit_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    return [Warning(words, hint=hint, id=f"audit.{number}") for number, words, hint in _lacks()]


def _lacks() -> list[tuple[str, str, str]]:
    """Number, sentence and way out of each."""
    found = []
    if settings.AUDIT_KEY_FILE:
        try:
            seals.private_key()
        except seals.NoAuditKey as error:
            hint = (
                "The process with the clock (celery beat's worker) must be able to read it; others need not."
            )
            found.append(("W001", str(error), hint))
    elif settings.AUDIT_DIRECTORY or settings.AUDIT_MAIL or settings.AUDIT_KEEP_DAYS:
        words = "The audit has no key, so no checkpoint is signed, kept or mailed, and nothing is archived."
        found.append(("W002", words, "manage.py make_audit_key FILE, then PORTAL_AUDIT_KEY_FILE=FILE."))
    if settings.AUDIT_KEEP_DAYS and not settings.AUDIT_ARCHIVE_DIRECTORY:
        words = (
            "PORTAL_AUDIT_KEEP_DAYS is set, but PORTAL_AUDIT_ARCHIVE_DIRECTORY is not: nothing is archived."
        )
        found.append(("W003", words, "Name a directory, or archive with manage.py archive_audit."))
    for number, name, folder in (
        ("W004", "PORTAL_AUDIT_DIRECTORY", settings.AUDIT_DIRECTORY),
        ("W005", "PORTAL_AUDIT_ARCHIVE_DIRECTORY", settings.AUDIT_ARCHIVE_DIRECTORY),
    ):
        if folder and not _can_be_written(Path(folder)):
            hint = "Make it, and let the user that runs the portal's own worker write there."
            found.append((number, f"{name} names no directory that can be written.", hint))
    if settings.AUDIT_MAIL and not settings.EMAIL_HOST:
        words = "PORTAL_AUDIT_MAIL is set, but PORTAL_SMTP_HOST is not: no checkpoint is mailed."
        found.append(("W006", words, "Name the server that takes the portal's mail."))
    return found


def _can_be_written(folder: Path) -> bool:
    """Or made, below one that can."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK)
