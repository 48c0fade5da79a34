"""Mail servers, what is on its way to them, and what they were last seen to hold.

A mailbox is known here only as a foreign key named as text: what it should look like on its
server is told by the apps above (see aspects.py).
"""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.models import Event


class Server(models.Model):
    """A mail server, how the workers reach it, and what its users are told of it."""

    name = models.SlugField(unique=True)
    kind = models.CharField(max_length=30, help_text=_("Which driver speaks to it."))
    endpoints = models.JSONField(default=dict, blank=True, help_text=_("Where the driver finds it."))
    sealed_credentials = models.TextField(blank=True, editable=False)
    imap_host = models.CharField(max_length=255, blank=True)
    imap_port = models.PositiveIntegerField(default=993)
    pop3_host = models.CharField(max_length=255, blank=True)
    pop3_port = models.PositiveIntegerField(default=995)
    smtp_host = models.CharField(max_length=255, blank=True)
    smtp_port = models.PositiveIntegerField(default=465)
    webmail_url = models.URLField(blank=True)
    largest_message_bytes = models.PositiveBigIntegerField(default=12 * 1024 * 1024)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_values = models.JSONField(default=dict, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ChangeQuerySet(models.QuerySet["Change"]):
    def of(self, mailbox_id: int, aspect: str) -> "ChangeQuerySet":
        return self.filter(mailbox_id=mailbox_id, aspect=aspect)

    def open(self) -> "ChangeQuerySet":
        """Neither live nor given up."""
        return self.filter(state__in=Change.OPEN)

    def newest_first(self) -> "ChangeQuerySet":
        return self.order_by("-pk")

    def newest_of_each(self, mailbox_ids: Iterable[int]) -> "dict[int, Change]":
        """By mailbox id, the newest change of each that has one."""
        newest = self.filter(mailbox__in=mailbox_ids).values("mailbox").annotate(newest=models.Max("pk"))
        changes = Change.objects.filter(pk__in=newest.values("newest"))
        return {change.mailbox_id: change for change in changes.select_related("mailbox__server")}


class Change(models.Model):
    """One wish that an aspect of a mailbox be brought to its server. Its id is the version: newest wins."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        PUSHING = "pushing", _("being sent")
        LIVE = "live", _("live")
        FAILED = "failed", _("failed")
        SUPERSEDED = "superseded", _("replaced by a newer change")
        CANCELLED = "cancelled", _("cancelled")

    OPEN = (State.WAITING, State.PUSHING)

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, related_name="changes")
    aspect = models.CharField(max_length=30)
    event = models.OneToOneField(Event, models.PROTECT, related_name="change")
    requested_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    # A sentence with places and what fills them, apart, so that it is shown in the reader's language.
    reason = models.TextField(blank=True)
    reason_values = models.JSONField(default=dict, blank=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it went live or was given up.")
    )

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["mailbox", "aspect", "-id"], name="change_of_mailbox"),
            models.Index(
                fields=["next_attempt_at"], name="change_due", condition=Q(state__in=["waiting", "pushing"])
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.aspect} {self.state}"

    @property
    def is_settled(self) -> bool:
        return self.state not in self.OPEN

    @property
    def reason_text(self) -> str:
        """The reason in the reader's language; "" when there is none."""
        return say(self.reason, self.reason_values)


class Observation(models.Model):
    """What a server was last seen to hold for an aspect of a mailbox."""

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, related_name="observations")
    aspect = models.CharField(max_length=30)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of the state that was read back."))
    seen_at = models.DateTimeField()
    change = models.ForeignKey(Change, models.SET_NULL, null=True, related_name="+")
    drifted_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["mailbox", "aspect"], name="one_observation_for_each_aspect"),
        )

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.aspect}"


class LeaseQuerySet(models.QuerySet["Lease"]):
    def take(self, mailbox_id: int, aspect: str, length: timedelta) -> str | None:
        """A token if the lease was free or had run out, else None. One statement decides who gets it."""
        token, now = secrets.token_hex(16), timezone.now()
        wanted = {"token": token, "expires_at": now + length}
        here = self.filter(mailbox_id=mailbox_id, aspect=aspect)
        if here.filter(expires_at__lte=now).update(**wanted):
            return token
        self.bulk_create([Lease(mailbox_id=mailbox_id, aspect=aspect, **wanted)], ignore_conflicts=True)
        return token if here.filter(token=token).exists() else None

    def give_back(self, mailbox_id: int, aspect: str, token: str) -> None:
        """Quiet if somebody else holds it by now."""
        self.filter(mailbox_id=mailbox_id, aspect=aspect, token=token).delete()

    def running(self) -> "LeaseQuerySet":
        return self.filter(expires_at__gt=timezone.now())


class Lease(models.Model):
    """The right to push an aspect of a mailbox, held by one worker at a time and for a while only."""

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, related_name="leases")
    aspect = models.CharField(max_length=30)
    token = models.CharField(max_length=32)
    expires_at = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["mailbox", "aspect"], name="one_lease_for_each_aspect"),
        )

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.aspect} until {self.expires_at}"


def say(reason: str, values: dict[str, Any]) -> str:
    """A driver's reason, translated, with its values filled in."""
    if not reason:
        return ""
    return gettext(reason) % values if values else gettext(reason)
