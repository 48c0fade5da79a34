"""What operators have done about a server: read it, begin, stop. The work itself is the workers'."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Person
from adoption.adopting import adopt_domain, plan_domain
from adoption.models import Adoption
from audit.chain import record
from mailservers.drivers.base import DriverError, Inventory, Refused
from mailservers.models import Server
from mailservers.servers import driver_for

log = structlog.get_logger(__name__)

# A worker lets others in after so many seconds; what is left is a job of its own.
ENOUGH = 15.0
LEASE = timedelta(seconds=120)
REMEMBERED = 1000


class NotNow(Exception):
    """The adoption has moved on meanwhile."""


@transaction.atomic
def ask(
    server: Server,
    only_domain: str,
    *,
    returning: bool = False,
    by: Person | None,
    announce: Callable[[int], None],
) -> Adoption:
    """Have the server read; nothing is taken over yet."""
    adoption = Adoption.objects.create(
        server=server, only_domain=only_domain, returning=returning, asked_by=by
    )
    transaction.on_commit(lambda: announce(adoption.pk))
    return adoption


@transaction.atomic
def begin(adoption: Adoption, *, by: Person | None, announce: Callable[[int], None]) -> None:
    """Take over what the plan tells, or go on after a stop; raises NotNow."""
    startable = (Adoption.State.PLANNED, Adoption.State.STOPPED, Adoption.State.FAILED)
    moved = Adoption.objects.filter(pk=adoption.pk, state__in=startable).exclude(plan=[])
    if not moved.update(state=Adoption.State.RUNNING, reason="", reason_values={}, asked_by=by):
        raise NotNow
    record("adoption.begun", by=by, about=adoption.server)
    transaction.on_commit(lambda: announce(adoption.pk))


def stop(adoption: Adoption) -> None:
    """After the piece that is under way; raises NotNow."""
    running = Adoption.objects.filter(pk=adoption.pk, state=Adoption.State.RUNNING)
    if not running.update(state=Adoption.State.STOPPED):
        raise NotNow


def work(number: int) -> bool:
    """Do some of it; whether more is to be done. One worker at a time."""
    now = timezone.now()
    free = Adoption.objects.filter(Q(working_until=None) | Q(working_until__lt=now), pk=number)
    if not free.filter(state__in=Adoption.BUSY).update(working_until=now + LEASE):
        return False
    adoption = Adoption.objects.select_related("server", "asked_by").get(pk=number)
    try:
        _work(adoption)
    except DriverError as error:
        _end(adoption, Adoption.State.FAILED, error)
    except Exception as surprise:  # noqa: BLE001 - a driver may raise anything; its text may hold secrets
        log.error("adoption failed", adoption=number, error=type(surprise).__name__)
        kind = type(surprise).__name__
        _end(adoption, Adoption.State.FAILED, Refused(_UNEXPECTED, kind=kind))
    finally:
        Adoption.objects.filter(pk=number).update(working_until=None)
    adoption.refresh_from_db(fields=["state"])
    return adoption.is_busy


def left_behind() -> list[tuple[int, str]]:
    """Those that should be worked on, and nobody does: number, and the server's queue."""
    now = timezone.now()
    idle = Adoption.objects.filter(Q(working_until=None) | Q(working_until__lt=now), state__in=Adoption.BUSY)
    return [(adoption.pk, adoption.server.queue) for adoption in idle.select_related("server")]


def inventory_of(server: Server) -> Inventory:
    """Raises Refused for a kind that can't tell what it holds."""
    driver = driver_for(server)
    if not all(hasattr(driver, name) for name in ("domains", "mailboxes", "aliases")):
        raise Refused(
            gettext_noop("%(server)s is of a kind that cannot tell what it holds."), server=server.name
        )
    return driver  # type: ignore[return-value]


def _work(adoption: Adoption) -> None:
    inventory = inventory_of(adoption.server)
    if adoption.state == Adoption.State.READING:
        _read(adoption, inventory)
    else:
        _take_over(adoption, inventory)


def _read(adoption: Adoption, inventory: Inventory) -> None:
    names = sorted(name.lower() for name in inventory.domains())
    if adoption.only_domain:
        if adoption.only_domain not in names:
            raise Refused(
                gettext_noop("There is no domain %(domain)s on %(server)s."),
                domain=adoption.only_domain,
                server=adoption.server.name,
            )
        names = [adoption.only_domain]
    # What an earlier, slower go has read already stays.
    plan = adoption.plan
    began = monotonic()
    for name in names[len(plan) :]:
        plan.append(plan_domain(adoption.server, inventory, name).as_told())
        found = sum(domain["mailboxes"] for domain in plan)
        Adoption.objects.filter(pk=adoption.pk).update(plan=plan, mailboxes_found=found)
        if monotonic() - began > ENOUGH and len(plan) < len(names):
            return
    Adoption.objects.filter(pk=adoption.pk, state=Adoption.State.READING).update(
        state=Adoption.State.PLANNED, domains_left=names
    )


def _take_over(adoption: Adoption, inventory: Inventory) -> None:
    began = monotonic()
    limits = driver_for(adoption.server).limits
    while adoption.domains_left:
        name = adoption.domains_left[0]
        pieces = adopt_domain(
            adoption.server,
            inventory,
            name,
            limits=limits,
            by=adoption.asked_by,
            after=adoption.after,
            returning=adoption.returning,
        )
        for piece in pieces:
            adoption.mailboxes_seen += piece.seen
            adoption.mailboxes_adopted += piece.adopted
            adoption.aliases_adopted += piece.aliases
            adoption.passed_over = [*adoption.passed_over, *piece.passed_over][:REMEMBERED]
            adoption.after = piece.last
            if not _keep_cursor(adoption):
                return
            # Aliases have no cursor, so a domain's are always brought to their end.
            if piece.seen and monotonic() - began > ENOUGH:
                return
        adoption.domains_left, adoption.after = adoption.domains_left[1:], ""
        if not _keep_cursor(adoption):
            return
    _end(adoption, Adoption.State.DONE)


def _keep_cursor(adoption: Adoption) -> bool:
    """False: somebody has stopped it."""
    adoption.save(
        update_fields=[
            "mailboxes_seen",
            "mailboxes_adopted",
            "aliases_adopted",
            "passed_over",
            "after",
            "domains_left",
        ]
    )
    running = Adoption.objects.filter(pk=adoption.pk, state=Adoption.State.RUNNING)
    return bool(running.update(working_until=timezone.now() + LEASE))


def _end(adoption: Adoption, state: str, error: DriverError | None = None) -> None:
    Adoption.objects.filter(pk=adoption.pk, state__in=Adoption.BUSY).update(
        state=state,
        reason=error.reason if error else "",
        reason_values=error.values if error else {},
        finished_at=timezone.now(),
    )


_UNEXPECTED = gettext_noop("Something unexpected happened (%(kind)s). What was taken over so far stays.")
