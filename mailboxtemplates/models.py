"""What new mailboxes of a domain begin with."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain, Person
from mailservers.one_line import OneLine
from mailservers.ranges import SizeColumn
from vacation.models import ReplyTemplate


class AddressStyle(models.TextChoices):
    """How an address is made of a person's name: see addresses.py."""

    FIRST_LAST = "first.last", _("first name, dot, last name: anna.jansen")
    F_LAST = "f.last", _("initial, dot, last name: a.jansen")
    LAST_FIRST = "last.first", _("last name, dot, first name: jansen.anna")
    FIRSTLAST = "firstlast", _("first and last name: annajansen")
    FLAST = "flast", _("initial and last name: ajansen")
    FIRST = "first", _("first name: anna")


class MailboxTemplateQuerySet(models.QuerySet["MailboxTemplate"]):
    def administered_by(self, person: Person) -> "MailboxTemplateQuerySet":
        """Those a person changes and deletes."""
        return self.filter(domain__in=Domain.objects.administered_by(person))

    def of(self, domain: Domain) -> list["MailboxTemplate"]:
        """The domain's, each with its auto-reply, the one that is chosen by itself first."""
        mine = self.filter(domain=domain).select_related("reply")
        return sorted(mine, key=lambda template: (not template.is_default, template.title.casefold()))


class MailboxTemplate(models.Model):
    """What mailboxes of one kind begin with; those that were made with it do not change with it."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="mailbox_templates")
    title = OneLine(_("Name of the template"), max_length=80)
    quota_bytes = SizeColumn(
        _("Room for mail"),
        null=True,
        blank=True,
        help_text=_("None: as much as the domain gives by default."),
    )
    address_style = models.CharField(
        _("Address"), max_length=12, choices=AddressStyle, blank=True, help_text=_("Empty: typed each time.")
    )
    language = models.CharField(_("Language of mails to its user"), max_length=5, blank=True)
    reply = models.ForeignKey(
        ReplyTemplate,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("Auto-reply"),
    )
    reply_on = models.BooleanField(_("The auto-reply answers from the first day"), default=False)
    note = OneLine(_("Note"), max_length=300, blank=True)
    is_default = models.BooleanField(_("Begin with it unless another one is chosen"), default=False)
    version = models.PositiveIntegerField(default=0, help_text=_("Counts saves, so that two editors notice."))

    objects = MailboxTemplateQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["domain", "title"], name="one_mailbox_template_title_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(is_default=True), name="one_default_mailbox_template"
            ),
        )

    def __str__(self) -> str:
        return str(self.title)

    @property
    def room_bytes(self) -> int:
        """What a mailbox gets now."""
        return int(self.domain.default_quota_bytes if self.quota_bytes is None else self.quota_bytes)

    @property
    def language_name(self) -> str:
        """ "" for the domain's."""
        return dict(settings.LANGUAGES).get(self.language, "")

    def as_told(self) -> dict[str, Any]:
        """What an audit event keeps of it."""
        return {
            "title": self.title,
            # Without one it is the domain's, which is no limit either.
            **({} if self.quota_bytes is None else {"quota_bytes": self.quota_bytes}),
            "address_style": self.address_style,
            "language": self.language,
            "begins_with_reply": self.reply.title if self.reply else "",
            "reply_on": self.reply_on,
            "note": self.note,
            "is_default": self.is_default,
        }
