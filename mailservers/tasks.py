"""The workers' jobs. A job names a server, never a value: the database knows what is due."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import celeryd_after_setup
from django.db.models import Q
from django.utils import timezone

from mailservers import checking, comparing, pushing, sealed_passwords
from mailservers.breaker import OPENS_AFTER
from mailservers.drivers.base import ServerAway
from mailservers.models import Change, DriftCheck, Server

# A driver keeps to its own limits; these catch one that does not. Leases outlive them.
SOFT_LIMIT, HARD_LIMIT = 75, 90
# Longer waits are left to the sweep: a broker is no calendar.
SWEEP_EVERY = 60.0
# The last step of Redis's priorities: behind all that is pushed.
LAST = 9
# Finished checks tell operators how the last nights went.
KEPT = timedelta(days=30)
CHECK_EVERY, LOOK_AGAIN_AFTER = 290.0, 5.0
# The schedule of check_servers; a check that no worker took by then is asked for anew.
LOOK_EVERY = 60.0


@celeryd_after_setup.connect
def listen_to_every_server(instance: Any, **_: Any) -> None:
    """A worker started without -Q serves all servers; one with -Q server.NAME that one alone."""
    queues = instance.app.amqp.queues
    if set(queues.consume_from) == {instance.app.conf.task_default_queue}:
        for server in Server.objects.all():
            queues.select_add(server.queue)


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def check_server(server_id: int) -> None:
    """See whether a server can be reached; one that is back gets at once what waits for it."""
    server = Server.objects.filter(pk=server_id).first()
    if server is None:
        return
    error = checking.check(server)
    if isinstance(error, ServerAway) and server.failures_in_a_row + 1 < OPENS_AFTER:
        # Once may be chance; a server for which nothing waits has nobody else who looks.
        check_server.apply_async((server_id,), queue=server.queue, priority=0, countdown=LOOK_AGAIN_AFTER)
    elif error is None and server.is_away:
        push.apply_async((server_id,), queue=server.queue, priority=Change.Priority.PERSON)


@shared_task
def check_servers() -> int:
    """Ask for a check of each server that was not checked for a while, and of those that are away."""
    long_ago = timezone.now() - timedelta(seconds=CHECK_EVERY)
    its_time = Q(checked_at=None) | Q(checked_at__lt=long_ago) | Q(probe_at__isnull=False)
    servers = list(Server.objects.filter(its_time))
    for server in servers:
        check_server.apply_async((server.pk,), queue=server.queue, priority=0, expires=LOOK_EVERY)
    return len(servers)


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def push(server_id: int) -> None:
    """Bring some of what is due to one server, read it back, and note the outcome."""
    wish = pushing.push_some(server_id)
    if wish is not None and wish.in_seconds < SWEEP_EVERY:
        push.apply_async((server_id,), queue=wish.queue, priority=wish.priority, countdown=wish.in_seconds)
    for check in DriftCheck.objects.of_refusals(server_id):
        announce_check(check)


@shared_task
def erase_expired_passwords() -> int:
    """Passwords no server took in time are forgotten; their people are asked for another."""
    return sealed_passwords.erase_expired()


@shared_task
def sweep() -> int:
    """Announce again whatever is due: the broker may have been away or lost its memory."""
    wishes = pushing.due_servers()
    for server_id, queue, priority in wishes:
        push.apply_async((server_id,), queue=queue, priority=priority)
    for check in comparing.waiting_checks():
        announce_check(check)
    return len(wishes)


@shared_task(soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def check_drift(number: int) -> None:
    """The next piece of a check. What came in meanwhile for the same server goes first."""
    more = comparing.check_some(number)
    check = DriftCheck.objects.select_related("server").filter(pk=number).first()
    if check is None:
        return
    # Those who came while the check had the connections went away again.
    due = Change.objects.due().filter(server=check.server).order_by("priority").first()
    if due is not None:
        push.apply_async((check.server_id,), queue=check.server.queue, priority=due.priority)
    if more:
        announce_check(check)


@shared_task
def check_all_drift() -> None:
    """Nightly: have every server compared with what it was last seen to hold."""
    DriftCheck.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()
    for server in Server.objects.all():
        for check in comparing.note_checks(server):
            announce_check(check)


def announce_check(check: DriftCheck) -> None:
    """Behind everything that is pushed; one mailbox that somebody asks about in front of bulk jobs."""
    priority = Change.Priority.PERSON + 3 if check.mailbox_id else LAST
    check_drift.apply_async((check.pk,), queue=check.server.queue, priority=priority)
