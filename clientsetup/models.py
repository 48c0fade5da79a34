"""One-time links that show a mailbox's set-up to whoever holds them."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.codes import hash_of
from accounts.models import Mailbox, Person

LINK_LIFETIME = timedelta(hours=72)


class SetupLinkQuerySet(models.QuerySet["SetupLink"]):
    def usable(self) -> "SetupLinkQuerySet":
        """Neither used nor too old, and the mailbox and its password are still those it was made for."""
        return self.filter(
            used_at=None,
            expires_at__gt=timezone.now(),
            mailbox__deleted_at=None,
            mailbox__enabled=True,
        ).filter(
            models.Q(password_changed_at=models.F("mailbox__password_changed_at"))
            | models.Q(password_changed_at=None, mailbox__password_changed_at=None)
        )

    def with_code(self, code: str) -> "SetupLinkQuerySet":
        return self.filter(code_hash=hash_of(code))


class SetupLink(models.Model):
    """Opens the set-up once, without a sign-in; it shows names of servers, and no password."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="setup_links")
    code_hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    password_changed_at = models.DateTimeField(null=True)

    objects = SetupLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.mailbox_id} until {self.expires_at}"

    @staticmethod
    def expiry() -> datetime:
        return timezone.now() + LINK_LIFETIME
