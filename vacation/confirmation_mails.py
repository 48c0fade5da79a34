"""Asks a forwarding's targets, by a mail with a link, whether they want the mail."""

from datetime import timedelta

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import refused_mails
from accounts.codes import hash_of, new_code
from accounts.languages import writing_to
from accounts.link_codes import link_with
from accounts.mailed_links import AskedOften, count_link
from mails.delivery import Outcome, deliver
from vacation.dmarc import is_strict
from vacation.models import ForwardingTarget

# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)
AT_ONCE = 50
# Then an address that was asked as often as it may be in a day is asked.
PUT_OFF = timedelta(days=1)


def mail_confirmations() -> int:
    """One mail for each target that is due; how many went out."""
    now = timezone.now()
    due = ForwardingTarget.objects.filter(mail_due_at__lte=now, listed=True, confirmed_at=None)
    sent = 0
    for target in due.select_related("forwarding__mailbox__domain", "forwarding__mailbox__owner").order_by(
        "mail_due_at"
    )[:AT_ONCE]:
        # Each is one worker's: whoever moves its time on.
        mine = ForwardingTarget.objects.filter(pk=target.pk, mail_due_at=target.mail_due_at)
        if not mine.update(mail_due_at=now + SENDING):
            continue
        if target.mailed_at is None and not _may_be_asked(target.address):
            ForwardingTarget.objects.filter(pk=target.pk).update(mail_due_at=now + PUT_OFF)
            continue
        outcome = _mail(target)
        sent += outcome == Outcome.SENT
        if outcome == Outcome.AWAY:
            break
    return sent


@transaction.atomic
def _may_be_asked(address: str) -> bool:
    """Of however many mailboxes: nobody is pestered."""
    try:
        count_link(address)
    except AskedOften:
        return False
    return True


def _mail(target: ForwardingTarget) -> Outcome:
    mailbox, now = target.forwarding.mailbox, timezone.now()
    token = new_code()
    # Before the mail leaves: its reader may be quick.
    ForwardingTarget.objects.filter(pk=target.pk).update(
        token_hash=hash_of(token), mailed_at=target.mailed_at or now
    )
    with writing_to(mailbox):
        subject = _("May mail for %(address)s be sent on to you?") % {"address": mailbox.address}
        link = link_with("vacation:answer-forwarding", token)
        text = render_to_string(
            "vacation/confirmation_mail.txt", {"mailbox": mailbox, "target": target, "link": link}
        )
    delivery = deliver(target.address, subject, text)
    again = refused_mails.due_again(
        delivery, since=target.mailed_at or now, about=mailbox, address=target.address, subject=subject
    )
    ForwardingTarget.objects.filter(pk=target.pk).update(mail_due_at=again)
    if delivery.outcome == Outcome.SENT:
        is_strict_there = is_strict(target.address.rpartition("@")[2])
        ForwardingTarget.objects.filter(pk=target.pk).update(is_strict=is_strict_there)
    return delivery.outcome
