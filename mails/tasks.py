"""The worker's rounds for mail: the database knows what is due."""

from celery import shared_task

from mails import queue

SOFT_LIMIT, HARD_LIMIT = 75, 90


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def send_mails() -> int:
    """Hand what is due to the SMTP server."""
    return queue.send_due()


@shared_task
def forget_mails() -> None:
    """Take away old ones."""
    queue.forget_old()
