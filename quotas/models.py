"""Requests for more room, the emptying of trash, warnings, and when each domain is read next."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain, Mailbox, Person
from mailservers.models import say
from mailservers.ranges import SizeColumn


class DomainReading(models.Model):
    """When a domain's mailboxes are asked next what they hold, and how far that came."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="reading", primary_key=True)
    # Whoever moves it on does the reading; one that dies leaves it due again.
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    cursor = models.CharField(
        max_length=200, blank=True, help_text=_("The login behind which to go on; empty: from the start.")
    )
    finished_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    reason_values = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.domain_id} {self.due_at}"

    @property
    def reason_text(self) -> str:
        """Why the last try came to nothing, in the reader's language."""
        return say(self.reason, self.reason_values)


class QuotaRequest(models.Model):
    """Somebody asks for more room."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="quota_requests")
    asked_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    wanted_bytes = SizeColumn()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    given_bytes = SizeColumn(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["mailbox"], condition=Q(state="waiting"), name="one_waiting_quota_request"
            ),
        )

    def __str__(self) -> str:
        return f"{self.mailbox} {self.state}"


class TrashEmptying(models.Model):
    """The last wish to empty a mailbox's trash: all that was put there before this second (Unix time)."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="trash_emptying", primary_key=True)
    saved_before = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.saved_before}"


class QuotaWarning(models.Model):
    """A mailbox rose above one of its domain's thresholds; ended when it is below again."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="quota_warnings")
    threshold = models.PositiveSmallIntegerField()
    crossed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["mailbox", "threshold"],
                condition=Q(ended_at__isnull=True),
                name="one_open_quota_warning",
            ),
        )

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.threshold}"
