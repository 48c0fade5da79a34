"""The workers' jobs: carrying out, or undoing, some of a batch, behind everything else."""

import structlog
from celery import shared_task

from batches import services

log = structlog.get_logger(__name__)

SOFT_LIMIT, HARD_LIMIT = 75, 90
# The last step of Redis's priorities.
LAST = 9


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def carry_out(number: int) -> None:
    """Some of it; what is left is a job of its own."""
    if services.work(number):
        announce(number)


@shared_task
def go_on() -> None:
    """Whatever a lost worker or broker left behind."""
    for number in services.left_behind():
        carry_out.apply_async((number,), priority=LAST)


@shared_task
def forget_old() -> int:
    return services.forget_old()


def announce(number: int) -> None:
    """Without a broker nothing is lost: `go_on` finds it."""
    try:
        carry_out.apply_async((number,), priority=LAST)
    except carry_out.OperationalError:
        log.warning("broker away", batch=number)
