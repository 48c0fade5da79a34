"""Tells webmasters by mail of redirects that were made outside the portal."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.led_here import GONE
from accounts.mail_readers import webmasters_to_tell
from accounts.models import Alias, Domain, Mailbox, RedirectAlarm
from mails import queue

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


@transaction.atomic
def _mail_domain(domain: Domain, alarms: list[RedirectAlarm]) -> int:
    mine = RedirectAlarm.objects.filter(pk__in=[alarm.pk for alarm in alarms])
    readers = webmasters_to_tell(domain)
    if not readers:
        log.warning("nobody to tell of a redirect", domain=domain.pk, alarms=len(alarms))
        mine.update(mail_due_at=timezone.now() + NOBODY)
        return 0
    told = [(alarm, _link(alarm.subject)) for alarm in alarms]
    gone = [each for each in told if each[0].kind == GONE]
    rows = [each for each in told if each not in gone]
    for reader in readers:
        with writing_to(reader):
            words = (
                _("Mail of %(domain)s is sent on to other addresses")
                if rows
                else _("Mail of %(domain)s goes to addresses that take no mail any more")
            )
            context = {"domain": domain, "gone": gone, "rows": rows}
            text = render_to_string("accounts/redirect_mail.txt", context)
        queue.post([reader.email], words % {"domain": domain.name}, text, domain=domain.name)
    mine.update(mailed_at=timezone.now(), mail_due_at=None)
    return len(readers)


def _link(subject: Mailbox | Alias) -> str:
    page = "aliases:edit-alias" if isinstance(subject, Alias) else "accounts:show-mailbox"
    return f"{settings.PUBLIC_URL}{reverse(page, args=[subject.address])}"
