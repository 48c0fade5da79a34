"""What else stands about a mailbox's setting: asked in one go, since mostly there is nothing."""

from django.db.models import Exists, OuterRef, Q

from accounts.models import MailboxQuerySet
from mailservers.models import Observation
from vacation.models import Proof, ReplyTemplate, SettingRequest


def with_what_stands(mailboxes: MailboxQuerySet, setting: str) -> MailboxQuerySet:
    """Each tells (`Mailbox.told`) whether there is a request, a proof, a drift or a template to read."""
    mine = {"mailbox": OuterRef("pk")}
    return mailboxes.annotate(
        has_request=Exists(
            SettingRequest.objects.filter(**mine, setting=setting, state=SettingRequest.State.WAITING)
        ),
        has_proof=Exists(Proof.objects.filter(**mine, about=setting)),
        has_drift=Exists(
            Observation.objects.filter(
                Q(drifted_since__isnull=False) | Q(left_at__isnull=False), **mine, aspect="script"
            )
        ),
        has_templates=Exists(ReplyTemplate.objects.filter(domain=OuterRef("domain"))),
    )
