"""The workers' jobs that are about auto-replies and forwarding."""

from celery import shared_task

from vacation import confirmation_mails, proving


@shared_task(soft_time_limit=100, time_limit=120)
def mail_confirmations() -> None:
    """Ask the targets of forwardings whether they want the mail; what could not be sent is tried again."""
    confirmation_mails.mail_confirmations()


@shared_task(soft_time_limit=100, time_limit=120)
def prove(number: int) -> None:
    """Send a test mail and look what comes of it."""
    proving.run(number)
