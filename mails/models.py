"""What the portal has to write to people."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Mail(models.Model):
    """A mail from the portal to one address, until the SMTP server has taken it or refused it for good."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused")

    address = models.CharField(max_length=320)
    subject = models.CharField(max_length=400)
    text = models.TextField(blank=True)
    attachment_name = models.CharField(max_length=100, blank=True)
    attachment = models.TextField(blank=True)
    # Whose webmasters are told when it is refused; "" for the operators.
    domain = models.CharField(max_length=253, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    answer = models.CharField(max_length=200, blank=True, help_text=_("What the mail server said."))
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    settled_at = models.DateTimeField(null=True)
    # When somebody was told that it was refused.
    told_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["next_attempt_at"], name="mail_due", condition=Q(state="waiting")),
            models.Index(fields=["id"], name="mail_refused", condition=Q(state="refused", told_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"
