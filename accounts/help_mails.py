"""Tells a mailbox by mail that support staff may change its settings for a while."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import SupportGrant

log = structlog.get_logger(__name__)
# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)


def mail_grants() -> int:
    """Write to those who were not written to yet; how many mails went out."""
    now, sent = timezone.now(), 0
    due = SupportGrant.objects.filter(mail_due_at__lte=now)
    for grant in due.select_related("mailbox__domain", "helper", "granted_by")[:100]:
        mine = SupportGrant.objects.filter(pk=grant.pk, mail_due_at=grant.mail_due_at)
        if not mine.update(mail_due_at=now + SENDING):
            continue
        with translation.override(grant.mailbox.language or grant.mailbox.domain.language):
            subject = _("Support may change the settings of your mailbox for a while")
            text = render_to_string("accounts/help_mail.txt", {"grant": grant})
        try:
            EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [grant.mailbox.address]).send()
        except OSError as trouble:  # SMTP's errors are such; due again when this worker's time is over
            log.warning("mail server away", grant=grant.pk, error=type(trouble).__name__)
            continue
        SupportGrant.objects.filter(pk=grant.pk).update(mail_due_at=None)
        sent += 1
    return sent
