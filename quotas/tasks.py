"""The workers' jobs: reading what mailboxes hold. The database knows what is due."""

from celery import shared_task
from django.utils import timezone

from mails.queue import are_due
from mails.tasks import send_mails
from mailservers import usage
from quotas import reading

SOFT_LIMIT, HARD_LIMIT = 75, 90
# Below everything that people wait for; the numbers are those of Change.Priority.
READING_PRIORITY = 9
PLAN_EVERY = 60.0
# Somebody looks at a page for so many seconds; later the answer is of no use.
PATIENCE = 60


@shared_task
def plan_readings() -> int:
    """Announce each domain whose reading is due to its server's workers."""
    due = reading.due_domains()
    for domain_id, queue in due:
        read_domain.apply_async((domain_id,), queue=queue, priority=READING_PRIORITY, expires=PLAN_EVERY)
    return len(due)


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def read_domain(domain_id: int) -> None:
    """Read some of a domain's mailboxes; what is left is a job of its own, behind what people wait for."""
    queue = reading.read_some(domain_id)
    if queue:
        read_domain.apply_async((domain_id,), queue=queue, priority=READING_PRIORITY, expires=PLAN_EVERY)
    if are_due():
        send_mails.delay()


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def refresh_usage(mailbox_id: int) -> None:
    """Read one mailbox for somebody who looks at its page."""
    again_on = reading.answer(mailbox_id)
    if again_on:
        refresh_usage.apply_async((mailbox_id,), queue=again_on, priority=0, countdown=1, expires=PATIENCE)
    if are_due():
        send_mails.delay()


@shared_task
def forget() -> None:
    """Take away old days."""
    usage.forget_old_days(timezone.localdate())
