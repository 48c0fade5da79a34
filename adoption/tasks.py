"""The workers' jobs: reading a server, and taking over some of what it holds, behind everything else."""

from celery import shared_task

from adoption import services
from adoption.models import Adoption

SOFT_LIMIT, HARD_LIMIT = 75, 90
LAST = 9


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def adopt(number: int) -> None:
    """Some of it; what is left is a job of its own."""
    if services.work(number):
        announce(number)


@shared_task
def go_on() -> None:
    """Whatever a lost worker or broker left behind."""
    for number, queue in services.left_behind():
        adopt.apply_async((number,), queue=queue, priority=LAST)


def announce(number: int) -> None:
    """Without a broker nothing is lost: `go_on` finds it."""
    queue = Adoption.objects.select_related("server").get(pk=number).server.queue
    try:
        adopt.apply_async((number,), queue=queue, priority=LAST)
    except adopt.OperationalError:
        services.log.warning("broker away", adoption=number)
