"""Auto-replies and forwarding: what happens to a mailbox's mail, and what a domain allows of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain, Mailbox, Person
from mailservers.models import say, say_each
from mailservers.moments import MomentField, PeriodsField, read_moment
from mailservers.one_line import OneLine, SubjectLine
from mailservers.ranges import LongText

LATER = ("outside_text", "periods", "weekdays", "zone", "addresses", "left_out", "groups")


class AutoReply(models.Model):
    """The one auto-reply of a mailbox; kept, with its text, while it is off."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="auto_reply")
    enabled = models.BooleanField(_("Answer automatically"), default=False)
    subject = SubjectLine(_("Subject"), max_length=250, blank=True)
    text = LongText(_("Text"), blank=True)
    starts = MomentField(_("From"), null=True, blank=True)
    ends = MomentField(_("Until"), null=True, blank=True)
    outside_text = LongText(_("Text for people outside the domain"), blank=True)
    # Beside the first, from `starts` until `ends`: pairs of moments in ISO 8601.
    periods = PeriodsField(default=list, blank=True)
    # 1 (Monday) to 7, in the zone; none: every day.
    weekdays = models.JSONField(default=list, blank=True)
    zone = models.CharField(max_length=64, blank=True)
    # Beside the mailbox's own and its aliases: mail sent on from elsewhere, say.
    addresses = models.JSONField(default=list, blank=True)
    # Aliases of its own that are not answered, and groups that are: see answered.py.
    left_out = models.JSONField(default=list, blank=True)
    groups = models.JSONField(default=list, blank=True)
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
        moments = {name: read_moment(told[name]) for name in ("starts", "ends")}
        kept = {name: told[name] for name in ("enabled", "subject", "text", "days")}
        # Events from before there were such know nothing of them.
        later = {name: told[name] for name in LATER if name in told}
        return cls(mailbox=mailbox, **kept, **later, **moments)

    def further(self) -> list[tuple[datetime, datetime]]:
        """The periods beside that from `starts` until `ends`."""
        pairs = [tuple(map(read_moment, each)) for each in self.periods or () if isinstance(each, list)]
        return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] and pair[1]]

    def windows(self) -> list[tuple[datetime | None, datetime | None]]:
        """All periods in which it answers, in their order; starts <= now < ends."""
        return sorted(
            [(self.starts, self.ends), *self.further()],
            key=lambda window: window[0] or datetime.min.replace(tzinfo=UTC),
        )

    def window_at(self, now: datetime) -> tuple[datetime | None, datetime | None] | None:
        """The period that goes on, else the next one, else None: all are over."""
        return next((window for window in self.windows() if window[1] is None or window[1] > now), None)

    def weekday_of(self, moment: datetime) -> int:
        """1 (Monday) to 7, in the zone of whoever set it."""
        return moment.astimezone(ZoneInfo(self.zone or settings.TIME_ZONE)).isoweekday()

    @property
    def is_over(self) -> bool:
        return self.window_at(timezone.now()) is None

    def as_told(self) -> dict[str, Any]:
        """What an audit event keeps of it."""
        return {
            "enabled": self.enabled,
            "subject": self.subject,
            "text": self.text,
            "starts": self.starts.isoformat() if self.starts else None,
            "ends": self.ends.isoformat() if self.ends else None,
            "days": self.days,
            "outside_text": self.outside_text,
            "periods": self.periods,
            "weekdays": self.weekdays,
            "zone": self.zone,
            "addresses": self.addresses,
            "left_out": self.left_out,
            "groups": self.groups,
        }


class Outside(models.TextChoices):
    """Where a domain's mail may be sent on to; within the domain it always may."""

    ALLOWED = "allowed", _("anywhere")
    APPROVAL = "approval", _("anywhere, once a webmaster has approved it")
    LISTED = "listed", _("only to the domains and addresses in the list below")
    INSIDE = "inside", _("only to addresses of this domain")


class SelfService(models.TextChoices):
    """Who changes a setting of a mailbox."""

    SELF = "self", _("its user")
    APPROVAL = "approval", _("its user, once a webmaster has approved it")
    WEBMASTER = "webmaster", _("only the domain's webmasters")


class DomainRules(models.Model):
    """What a domain's people may set of their auto-replies and forwarding by themselves."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="mail_rules", primary_key=True)
    outside = models.CharField(
        _("Mail may be forwarded"), max_length=10, choices=Outside, default=Outside.ALLOWED
    )
    auto_reply = models.CharField(
        _("A mailbox's auto-reply is changed by"),
        max_length=10,
        choices=SelfService,
        default=SelfService.SELF,
    )
    forwarding = models.CharField(
        _("A mailbox's forwarding is changed by"),
        max_length=10,
        choices=SelfService,
        default=SelfService.SELF,
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

    @property
    def leaves_all_to_users(self) -> bool:
        return self.auto_reply == self.forwarding == SelfService.SELF and self.outside != Outside.APPROVAL

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
    ends = MomentField(_("Until"), null=True, blank=True)
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
            ends=read_moment(until),
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
    gone_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when it takes no mail any more: nothing is sent there.")
    )
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


class OwnScripts(models.Model):
    """What a mailbox's own scripts do beside the portal's, and what the portal had switched off in them."""

    mailbox = models.OneToOneField(Mailbox, models.CASCADE, related_name="own_scripts")
    rules = models.JSONField(
        default=list,
        help_text=_("Each: script, name, before, after, whole, at, is_off, is_due: the server must hear it."),
    )

    run_first = models.BooleanField(
        default=True, help_text=_("They run before the auto-reply and the forwarding.")
    )
    # As they were when the server was last looked at.
    active = models.CharField(
        max_length=512, blank=True, help_text=_("The one that runs beside the portal's, by its name.")
    )
    notes = models.JSONField(default=list, help_text=_("What of it stands against what is set here."))
    redirects = models.JSONField(default=list, help_text=_("To where they send mail on."))

    class Meta:
        verbose_name_plural = "own scripts"

    def __str__(self) -> str:
        return f"{self.mailbox_id}"

    @classmethod
    def of(cls, mailbox: Mailbox) -> "OwnScripts":
        """As it was joined; else one that is not yet saved."""
        found: OwnScripts | None = getattr(mailbox, "own_scripts", None)
        return found or cls(mailbox_id=mailbox.pk)

    @property
    def notes_told(self) -> list[str]:
        """In the reader's language."""
        return say_each(self.notes)


class SettingRequest(models.Model):
    """A mailbox's user wants a setting that a webmaster has to approve."""

    class Setting(models.TextChoices):
        AUTO_REPLY = "auto_reply", _("Auto-reply")
        FORWARDING = "forwarding", _("Forwarding")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")
        REPLACED = "replaced", _("replaced by something newer")

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="setting_requests")
    setting = models.CharField(max_length=12, choices=Setting)
    before = models.JSONField()
    wanted = models.JSONField(help_text=_("As the setting's as_told has it."))
    asked_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = OneLine(_("Reason"), max_length=500, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["mailbox", "setting"],
                condition=Q(state="waiting"),
                name="one_waiting_request",
            ),
        )

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.setting} {self.state}"

    # As an audit event has them: the page that tells differences takes both.
    verb = ""

    @property
    def after(self) -> dict[str, Any]:
        wanted: dict[str, Any] = self.wanted
        return wanted


class ReplyTemplate(models.Model):
    """A text that a domain's people may begin their auto-reply with. {name}, {until} … are filled in."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="reply_templates")
    title = OneLine(_("Name of the template"), max_length=80)
    language = models.CharField(_("Language"), max_length=5, choices=settings.LANGUAGES)
    subject = SubjectLine(_("Subject"), max_length=250, blank=True)
    text = models.TextField(_("Text"), max_length=5000)

    class Meta:
        ordering = ("title",)
        constraints = (models.UniqueConstraint(fields=["domain", "title"], name="one_template_title_once"),)

    def __str__(self) -> str:
        return str(self.title)


class Proof(models.Model):
    """A real mail sent through the real path to see whether an auto-reply or a forwarding works."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="proofs")
    about = models.CharField(max_length=12, choices=SettingRequest.Setting)
    asked_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    steps = models.JSONField(default=list, help_text=_("Each: outcome, sentence, values, and maybe a text."))

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.about}"

    @property
    def steps_told(self) -> list[dict[str, str]]:
        """In the reader's language."""
        return [
            {
                "outcome": step["outcome"],
                "words": say(step["sentence"], step["values"]),
                "text": step.get("text", ""),
            }
            for step in self.steps
        ]
