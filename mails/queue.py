"""Mails from the portal to people: written in the caller's transaction, and sent after it, each by itself."""

from collections.abc import Iterable
from datetime import timedelta

from django.core.mail import get_connection
from django.utils import timezone

from mails.delivery import Delivery, Outcome, deliver, next_try, one_line
from mails.models import Mail

# Handed to one connection; the next round takes the next ones.
AT_ONCE = 50
# Nobody else takes a mail for so long after one worker did.
HELD = timedelta(minutes=5)
KEPT = timedelta(days=30)


def post(
    addresses: Iterable[str],
    subject: str,
    text: str,
    *,
    domain: str = "",
    attachment: tuple[str, str] = ("", ""),
) -> list[Mail]:
    """Write a mail to each address; the next round sends it. `domain`: whose webmasters hear of a refusal."""
    name, content = attachment
    return Mail.objects.bulk_create(
        Mail(
            address=address,
            subject=one_line(subject),
            text=text,
            domain=domain,
            attachment_name=name,
            attachment=content,
        )
        for address in dict.fromkeys(addresses)
        if address
    )


def note_refused(address: str, subject: str, delivery: Delivery, *, domain: str = "") -> None:
    """A mail that another worker sent was refused for good: somebody is told, as of those in the queue."""
    now = timezone.now()
    Mail.objects.create(
        address=address,
        subject=one_line(subject),
        domain=domain,
        state=Mail.State.REFUSED,
        answer=delivery.answer,
        settled_at=now,
    )


def are_due() -> bool:
    return Mail.objects.filter(state=Mail.State.WAITING, next_attempt_at__lte=timezone.now()).exists()


def send_due() -> int:
    """Hand what is due to the SMTP server; how many it took. Once it is away the rest waits."""
    sent = 0
    due = Mail.objects.filter(state=Mail.State.WAITING, next_attempt_at__lte=timezone.now())
    connection = get_connection()
    try:
        for mail in due.order_by("pk")[:AT_ONCE]:
            mine = Mail.objects.filter(pk=mail.pk, next_attempt_at=mail.next_attempt_at)
            if not mine.update(next_attempt_at=timezone.now() + HELD):
                continue
            outcome = _send(mail, connection)
            sent += outcome == Outcome.SENT
            if outcome == Outcome.AWAY:
                break
    finally:
        connection.close()
    return sent


def forget_old() -> None:
    Mail.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


def forget_address(addresses: Iterable[str]) -> None:
    """Nothing written to them is kept; what was not sent is not sent."""
    Mail.objects.filter(address__in=list(addresses)).delete()


def _send(mail: Mail, connection: object) -> Outcome:
    attachment = (mail.attachment_name, mail.attachment) if mail.attachment_name else None
    delivery = deliver(mail.address, mail.subject, mail.text, attachment=attachment, connection=connection)
    now = timezone.now()
    mine = Mail.objects.filter(pk=mail.pk)
    if delivery.is_over:
        mine.update(state=delivery.outcome.value, answer=delivery.answer, settled_at=now)
    elif again := next_try(mail.created_at):
        mine.update(attempts=mail.attempts + 1, next_attempt_at=again)
    else:
        mine.update(state=Mail.State.REFUSED, settled_at=now)
    return delivery.outcome
