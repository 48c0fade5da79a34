"""Auto-replies: what a mailbox answers while its user is away."""

from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Mailbox


class AutoReply(models.Model):
    """The one auto-reply of a mailbox; kept, with its text, while it is off."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="auto_reply")
    enabled = models.BooleanField(_("Answer automatically"), default=False)
    subject = models.CharField(_("Subject"), max_length=250, blank=True)
    text = models.TextField(_("Text"), blank=True)
    starts = models.DateTimeField(_("From"), null=True, blank=True)
    ends = models.DateTimeField(_("Until"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(
        _("Days between two replies to one sender"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    absence = models.PositiveIntegerField(
        default=0, help_text=_("Counts absences: in a new one everybody is answered once more.")
    )
    version = models.PositiveIntegerField(default=0, help_text=_("Counts saves, so that two editors notice."))

    class Meta:
        verbose_name_plural = "auto-replies"

    def __str__(self) -> str:
        return f"{self.mailbox}"

    @classmethod
    def of(cls, mailbox: Mailbox) -> "AutoReply":
        """The mailbox's auto-reply, or a new one that is off and not yet saved."""
        return cls.objects.filter(mailbox=mailbox).first() or cls(mailbox=mailbox)

    @classmethod
    def from_told(cls, mailbox: Mailbox, told: dict[str, Any]) -> "AutoReply":
        """What `as_told` gave, as an auto-reply that is not yet saved."""
        moments = {
            name: datetime.fromisoformat(told[name]) if told[name] else None for name in ("starts", "ends")
        }
        kept = {name: told[name] for name in ("enabled", "subject", "text", "days")}
        return cls(mailbox=mailbox, **kept, **moments)

    @property
    def is_over(self) -> bool:
        return self.ends is not None and self.ends <= timezone.now()

    def as_told(self) -> dict[str, Any]:
        """What an audit event keeps of it."""
        return {
            "enabled": self.enabled,
            "subject": self.subject,
            "text": self.text,
            "starts": self.starts.isoformat() if self.starts else None,
            "ends": self.ends.isoformat() if self.ends else None,
            "days": self.days,
        }
