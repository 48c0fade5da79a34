"""Mails from the portal to people: written in the caller's transaction, and sent after it."""

import smtplib
from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils import timezone

from quotas.models import Notice

log = structlog.get_logger(__name__)

# Handed to one connection; the next task takes the next ones.
AT_ONCE = 50
# Nobody else takes a notice for so long after one worker did.
HELD = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=2)
LONGEST_PAUSE = timedelta(hours=1)
KEPT = timedelta(days=30)


def post(addresses: Iterable[str], subject: str, text: str) -> list[Notice]:
    """Write a notice for each address; the next `send_due` takes it."""
    return Notice.objects.bulk_create(
        [Notice(address=address, subject=subject[:400], text=text) for address in addresses]
    )


def are_due() -> bool:
    return Notice.objects.filter(state=Notice.State.WAITING, next_attempt_at__lte=timezone.now()).exists()


def send_due() -> int:
    """Hand what is due to the SMTP server; how many it took."""
    sent = 0
    due = Notice.objects.filter(state=Notice.State.WAITING, next_attempt_at__lte=timezone.now())
    connection = get_connection()
    try:
        for notice in due.order_by("pk")[:AT_ONCE]:
            mine = Notice.objects.filter(pk=notice.pk, next_attempt_at=notice.next_attempt_at)
            if mine.update(next_attempt_at=timezone.now() + HELD):
                sent += _send(notice, connection)
    finally:
        connection.close()
    return sent


def forget_old() -> None:
    Notice.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


def _send(notice: Notice, connection: object) -> bool:
    mail = EmailMessage(
        notice.subject,
        notice.text,
        settings.DEFAULT_FROM_EMAIL,
        [notice.address],
        # RFC 3834: no auto-reply answers it, and none of ours either.
        headers={"Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refusal:
        codes = [code for code, _text in refusal.recipients.values()]
        _settle(notice, Notice.State.REFUSED) if min(codes, default=0) >= 500 else _put_off(notice)
    except (smtplib.SMTPException, OSError) as trouble:
        log.warning("notice not sent", notice=notice.pk, error=type(trouble).__name__)
        _put_off(notice)
    else:
        _settle(notice, Notice.State.SENT)
        return True
    return False


def _settle(notice: Notice, state: str) -> None:
    Notice.objects.filter(pk=notice.pk).update(state=state, settled_at=timezone.now())


def _put_off(notice: Notice) -> None:
    """Longer each time; after two days it says nothing new any more."""
    if timezone.now() - notice.created_at > GIVE_UP_AFTER:
        _settle(notice, Notice.State.REFUSED)
        return
    pause = min(LONGEST_PAUSE, timedelta(minutes=1) * 2 ** min(notice.attempts, 10))
    Notice.objects.filter(pk=notice.pk).update(
        attempts=notice.attempts + 1, next_attempt_at=timezone.now() + pause
    )
