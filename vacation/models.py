"""Auto-replies and forwarding: what happens to a mailbox's mail, and what a domain allows of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain, Mailbox


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


class Outside(models.TextChoices):
    """Where a domain's mail may be sent on to; within the domain it always may."""

    ALLOWED = "allowed", _("anywhere")
    APPROVAL = "approval", _("anywhere, once a webmaster has approved it")
    LISTED = "listed", _("only to the domains and addresses in the list below")
    INSIDE = "inside", _("only to addresses of this domain")


class DomainRules(models.Model):
    """What a domain's people may set of their auto-replies and forwarding by themselves."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="mail_rules", primary_key=True)
    outside = models.CharField(
        _("Mail may be forwarded"), max_length=10, choices=Outside, default=Outside.ALLOWED
    )
    allow_list = models.JSONField(default=list, blank=True, help_text=_("Domains, and whole addresses."))

    class Meta:
        verbose_name_plural = "rules of domains"

    def __str__(self) -> str:
        return f"{self.domain_id}"

    @classmethod
    def of(cls, domain: Domain) -> "DomainRules":
        """The domain's rules, or the usual ones."""
        found: DomainRules | None = getattr(domain, "mail_rules", None)
        return found or cls(domain=domain)

    def permits(self, address: str) -> bool:
        """Whether mail may go on to this address at all; somebody may have to approve it before."""
        name = address.rpartition("@")[2]
        if name == self.domain.name or self.outside in (Outside.ALLOWED, Outside.APPROVAL):
            return True
        return self.outside == Outside.LISTED and (name in self.allow_list or address in self.allow_list)


class Forwarding(models.Model):
    """Where a mailbox's mail goes as well, or instead; kept, with its targets, while it is off."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="forwarding")
    enabled = models.BooleanField(_("Forward mail"), default=False)
    keep_copy = models.BooleanField(_("Keep a copy here"), default=True)
    ends = models.DateTimeField(_("Until"), null=True, blank=True)
    only_while_away = models.BooleanField(_("Only while the auto-reply answers"), default=False)
    version = models.PositiveIntegerField(default=0, help_text=_("Counts saves, so that two editors notice."))

    def __str__(self) -> str:
        return f"{self.mailbox}"

    @classmethod
    def of(cls, mailbox: Mailbox) -> "Forwarding":
        """The mailbox's forwarding, or a new one that is off and not yet saved."""
        return cls.objects.filter(mailbox=mailbox).first() or cls(mailbox=mailbox)

    @property
    def is_over(self) -> bool:
        return self.ends is not None and self.ends <= timezone.now()

    def addresses(self) -> list[str]:
        """All that it should go to, confirmed or not."""
        return [target.address for target in self.listed_targets()]

    def listed_targets(self) -> "Sequence[ForwardingTarget]":
        return list(self.targets.filter(listed=True)) if self.pk else []

    def as_told(self, addresses: Sequence[str] | None = None) -> dict[str, Any]:
        """What an audit event keeps of it; the words are others than an auto-reply's."""
        return {
            "forward": self.enabled,
            "targets": list(self.addresses() if addresses is None else addresses),
            "keep_copy": self.keep_copy,
            "forward_until": self.ends.isoformat() if self.ends else None,
            "only_while_away": self.only_while_away,
        }

    @classmethod
    def from_told(cls, mailbox: Mailbox, told: dict[str, Any]) -> "Forwarding":
        """What `as_told` gave, not yet saved; its targets are in `told["targets"]`."""
        until = told["forward_until"]
        return cls(
            mailbox=mailbox,
            enabled=told["forward"],
            keep_copy=told["keep_copy"],
            ends=datetime.fromisoformat(until) if until else None,
            only_while_away=told["only_while_away"],
        )


class ForwardingTarget(models.Model):
    """An address that a mailbox's mail should go to. Nothing goes there before it is confirmed.

    One that was taken off stays, so that its answer counts when it comes back.
    """

    forwarding = models.ForeignKey(Forwarding, models.CASCADE, related_name="targets")
    address = models.CharField(max_length=320, db_index=True, help_text=_("In lower case."))
    listed = models.BooleanField(default=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    declined_at = models.DateTimeField(null=True, blank=True)
    # The link that is mailed there; only a hash of it is kept.
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    is_strict = models.BooleanField(
        default=False, help_text=_("Its domain's DMARC policy may refuse forwarded mail.")
    )

    class Meta:
        ordering = ("address",)
        constraints = (
            models.UniqueConstraint(fields=["forwarding", "address"], name="one_forwarding_target_once"),
        )
        indexes = (
            models.Index(
                fields=["mail_due_at"], name="confirmation_due", condition=Q(mail_due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def answer(self) -> str:
        """One of confirmed, declined, waiting."""
        if self.confirmed_at:
            return "confirmed"
        return "declined" if self.declined_at else "waiting"
