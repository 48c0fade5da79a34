"""Asks a forwarding's targets, by a mail with a link, whether they want the mail."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.codes import hash_of, new_code
from vacation.dmarc import is_strict
from vacation.models import ForwardingTarget

log = structlog.get_logger(__name__)

# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)
AT_ONCE = 50


def mail_confirmations() -> int:
    """One mail for each target that is due; how many went out."""
    now = timezone.now()
    due = ForwardingTarget.objects.filter(mail_due_at__lte=now, listed=True, confirmed_at=None)
    sent = 0
    for target in due.select_related("forwarding__mailbox__domain").order_by("mail_due_at")[:AT_ONCE]:
        # Each is one worker's: whoever moves its time on.
        mine = ForwardingTarget.objects.filter(pk=target.pk, mail_due_at=target.mail_due_at)
        if mine.update(mail_due_at=now + SENDING):
            sent += _mail(target)
    return sent


def _mail(target: ForwardingTarget) -> bool:
    mailbox = target.forwarding.mailbox
    token = new_code()
    # Before the mail leaves: its reader may be quick.
    ForwardingTarget.objects.filter(pk=target.pk).update(token_hash=hash_of(token), mailed_at=timezone.now())
    with translation.override(mailbox.language or mailbox.domain.language):
        subject = _("May mail for %(address)s be sent on to you?") % {"address": mailbox.address}
        link = f"{settings.PUBLIC_URL}{reverse('vacation:answer-forwarding', args=[token])}"
        text = render_to_string(
            "vacation/confirmation_mail.txt", {"mailbox": mailbox, "target": target, "link": link}
        )
    mail = EmailMessage(
        subject,
        text,
        settings.DEFAULT_FROM_EMAIL,
        [target.address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except OSError as trouble:  # SMTP's errors are such; due again when this worker's time is over
        log.warning("confirmation not sent", target=target.pk, error=type(trouble).__name__)
        return False
    ForwardingTarget.objects.filter(pk=target.pk).update(
        mail_due_at=None, is_strict=is_strict(target.address.rpartition("@")[2])
    )
    return True
