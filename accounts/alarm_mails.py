"""Tells webmasters by mail of redirects that were made outside the portal."""

from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Alias, Domain, Mailbox, Person, RedirectAlarm

log = structlog.get_logger(__name__)

# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)
# Nobody can be written to: there may be an address tomorrow.
NOBODY = timedelta(days=1)


def mail_alarms() -> int:
    """Tell the webmasters of what they were not told yet: one mail for each domain; how many went out."""
    now = timezone.now()
    due = RedirectAlarm.objects.filter(mail_due_at__lte=now).values_list("pk", flat=True)[:500]
    # Each is one worker's: whoever moves its time on.
    mine = [
        number
        for number in list(due)
        if RedirectAlarm.objects.filter(pk=number, mail_due_at__lte=now).update(mail_due_at=now + SENDING)
    ]
    by_domain: dict[int, list[RedirectAlarm]] = {}
    alarms_due = RedirectAlarm.objects.filter(pk__in=mine)
    for alarm in alarms_due.select_related("mailbox__domain", "alias__domain"):
        by_domain.setdefault(alarm.subject.domain_id, []).append(alarm)
    return sum(_mail_domain(alarms[0].subject.domain, alarms) for alarms in by_domain.values())


def _mail_domain(domain: Domain, alarms: list[RedirectAlarm]) -> int:
    mine = RedirectAlarm.objects.filter(pk__in=[alarm.pk for alarm in alarms])
    readers = _addresses(domain.webmasters.all()) or _addresses(Person.objects.filter(is_operator=True))
    if not readers:
        log.warning("nobody to tell of a redirect", domain=domain.pk, alarms=len(alarms))
        mine.update(mail_due_at=timezone.now() + NOBODY)
        return 0
    with translation.override(domain.language):
        subject = _("Mail of %(domain)s is sent on to other addresses") % {"domain": domain.name}
        text = render_to_string(
            "accounts/redirect_mail.txt",
            {
                "domain": domain,
                "rows": [(alarm, _link(alarm.subject)) for alarm in alarms],
            },
        )
    try:
        for reader in readers:
            EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [reader]).send()
    except OSError as trouble:  # SMTP's errors are such; due again when this worker's time is over
        log.warning("mail server away", domain=domain.pk, error=type(trouble).__name__)
        return 0
    mine.update(mailed_at=timezone.now(), mail_due_at=None)
    return len(readers)


def _link(subject: Mailbox | Alias) -> str:
    page = "aliases:edit-alias" if isinstance(subject, Alias) else "accounts:show-mailbox"
    return f"{settings.PUBLIC_URL}{reverse(page, args=[subject.address])}"


def _addresses(people: Iterable[Person]) -> list[str]:
    return sorted({person.email for person in people if person.email and person.is_active})
