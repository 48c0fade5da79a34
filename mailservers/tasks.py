"""The workers' jobs. A job names a mailbox and an aspect, never a value."""

from celery import shared_task

from mailservers import pushing

# A driver keeps to its own limits (30 s in all); these catch one that does not. The lease outlives them.
SOFT_LIMIT, HARD_LIMIT = 60, 75
SWEEP_EVERY = 60.0


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def push(mailbox_id: int, aspect: str) -> None:
    """Bring one aspect of a mailbox to its server, read it back, and note the outcome."""
    retry_in = pushing.push(mailbox_id, aspect)
    # Longer waits are left to the sweep: a broker is no calendar.
    if retry_in is not None and retry_in < SWEEP_EVERY:
        push.apply_async((mailbox_id, aspect), countdown=retry_in)


@shared_task
def sweep() -> int:
    """Announce again whatever is due: the broker may have been away or lost its memory."""
    due = pushing.due()
    for mailbox_id, aspect in due:
        push.delay(mailbox_id, aspect)
    return len(due)
