"""The chain of events. Rows are only ever added: the database itself refuses anything else."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.hashing import group_digest

# So many appends can go on at the same time: each extends one of the lanes.
LANES = 32


class Event(models.Model):
    """Who did what to what, when, from where, with which outcome: one link of the chain."""

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        DELAYED = "delayed", _("to be tried again")
        FAILED = "failed", _("failed")

    number = models.BigIntegerField(unique=True, help_text=_("Counts up. A number may be left out."))
    lane = models.SmallIntegerField(default=1)
    place = models.BigIntegerField(help_text=_("In its lane: counts up by one, without gaps."))
    at = models.DateTimeField()
    # No constraint in the database: a person may be erased, an event may not be touched.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="events"
    )
    by_name = models.CharField(max_length=320)
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    on_behalf_of_name = models.CharField(max_length=320, blank=True)
    source_address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    verb = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.DONE)
    subject_kind = models.CharField(
        max_length=60, help_text=_("The kind of thing it was done to: app.model.")
    )
    subject_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=320, help_text=_("Its name at that time."))
    domain = models.CharField(max_length=255, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # Empty once the group was erased; then its digest, which only the salt could tie to a name, is kept.
    who_salt = models.CharField(max_length=32, blank=True)
    what_salt = models.CharField(max_length=32, blank=True)
    who_digest = models.CharField(max_length=64, blank=True)
    what_digest = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["lane", "place"], name="one_event_for_each_place"),)
        # One for each thing that the search asks for, each in the order of its pages.
        indexes = (
            models.Index(fields=["subject_kind", "subject_id", "-number"], name="audit_event_subject"),
            models.Index(fields=["domain", "-number"], name="audit_event_domain"),
            models.Index(fields=["subject", "-number"], name="audit_event_named"),
            models.Index(fields=["by_name", "-number"], name="audit_event_person"),
            models.Index(fields=["source_address", "-number"], name="audit_event_source"),
            models.Index(fields=["verb", "-number"], name="audit_event_verb"),
            models.Index(
                fields=["outcome", "-number"], name="audit_event_trouble", condition=~models.Q(outcome="done")
            ),
            models.Index(fields=["request_id"], name="audit_event_request"),
            models.Index(fields=["at", "number"], name="audit_event_at"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.verb} {self.subject}"

    def who(self) -> dict[str, Any]:
        """The personal fields about who did it."""
        return {
            "by_name": self.by_name,
            "on_behalf_of_name": self.on_behalf_of_name,
            "source_address": self.source_address,
        }

    def what(self) -> dict[str, Any]:
        """The personal fields about what it was done to."""
        return {"subject": self.subject, "before": self.before, "after": self.after}

    def link(self) -> dict[str, Any]:
        """What the hash is made over: everything but the hash, the row's key and the personal fields."""
        return {
            "lane": self.lane,
            "place": self.place,
            "number": self.number,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "by": self.by_id,
            "on_behalf_of": self.on_behalf_of_id,
            "request_id": self.request_id,
            "verb": self.verb,
            "outcome": self.outcome,
            "subject_kind": self.subject_kind,
            "subject_id": self.subject_id,
            "domain": self.domain,
            "who": self.who_digest or group_digest(self.who_salt, self.who()),
            "what": self.what_digest or group_digest(self.what_salt, self.what()),
            "previous_hash": self.previous_hash,
        }


class ChainHead(models.Model):
    """The end of a lane: one row, locked while an event is appended to it."""

    lane = models.SmallIntegerField(unique=True, default=1)
    number = models.BigIntegerField(default=0, help_text=_("The place of its last event."))
    hash = models.CharField(max_length=64, blank=True)
    # Events up to here were archived.
    archived_place = models.BigIntegerField(default=0)
    archived_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("lane",)

    def __str__(self) -> str:
        return f"{self.lane}: {self.number}"


class Seal(models.Model):
    """A signed statement: where the lanes ended at that time, or what an archive holds."""

    kind = models.CharField(max_length=12, help_text=_("checkpoint or archive"))
    made_at = models.DateTimeField(db_index=True)
    statement = models.JSONField()
    key = models.CharField(max_length=64, help_text=_("Which public key it was signed for."))
    signature = models.CharField(max_length=128)
    mail_due_at = models.DateTimeField(
        null=True, db_index=True, help_text=_("When it is to be sent to whoever keeps it elsewhere.")
    )

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.made_at:%Y-%m-%d %H:%M}"


class Verification(models.Model):
    """What came of looking through the chain: each night by the portal, and by `verify_audit`."""

    at = models.DateTimeField(db_index=True)
    is_of_all = models.BooleanField(help_text=_("All events, and not only those since a checkpoint."))
    events = models.BigIntegerField(help_text=_("How many were looked at."))
    problems = models.JSONField(default=list, help_text=_("A sentence for each; none: it is whole."))
    mail_due_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {len(self.problems)}"
