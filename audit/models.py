"""The chain of events. Rows are only ever added: the database itself refuses anything else."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """Who did what to what, when, from where: one link of the chain."""

    number = models.BigIntegerField(unique=True, help_text=_("Counts up by one, without gaps."))
    at = models.DateTimeField()
    # No constraint in the database: a person may be erased, an event may not be touched.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="events"
    )
    by_name = models.CharField(max_length=320)
    source_address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    verb = models.CharField(max_length=60)
    subject_kind = models.CharField(
        max_length=60, help_text=_("The kind of thing it was done to: app.model.")
    )
    subject_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=320, help_text=_("Its name at that time."))
    domain = models.CharField(max_length=255, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        indexes = (
            models.Index(fields=["subject_kind", "subject_id", "-number"], name="audit_event_subject"),
            models.Index(fields=["domain", "-number"], name="audit_event_domain"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.verb} {self.subject}"

    def link(self) -> dict[str, Any]:
        """What the hash is made over: everything but the hash itself and the row's key."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "by": self.by_id,
            "by_name": self.by_name,
            "source_address": self.source_address,
            "request_id": self.request_id,
            "verb": self.verb,
            "subject_kind": self.subject_kind,
            "subject_id": self.subject_id,
            "subject": self.subject,
            "domain": self.domain,
            "before": self.before,
            "after": self.after,
            "previous_hash": self.previous_hash,
        }


class ChainHead(models.Model):
    """The end of the chain: one row, locked while an event is appended."""

    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.number}"
