"""The life of a plan: made, carried out, stopped, undone, thrown away. The work itself is the workers'."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Domain, Mailbox, Person
from accounts.one_time_links import CHOOSE_PASSWORD, make_link
from audit.chain import Entry, record_all
from batches import carrying_out
from batches.leads import notes_about
from batches.models import Batch, Row
from mailservers.one_line import as_one_line

log = structlog.get_logger(__name__)

State = Batch.State
# Rows in one transaction: so many that it is quick, so few that nobody waits long for the domain's lock.
AT_ONCE = 100
# A worker lets others in after so many seconds; what is left is a job of its own.
ENOUGH = 15.0
LEASE = timedelta(seconds=120)
# What stood in the files is personal; the audit keeps what was done.
KEPT = timedelta(days=90)

Announce = Callable[[int], None]


class NotNow(Exception):
    """The batch has moved on meanwhile."""


@transaction.atomic
def keep_plan(
    domain: Domain,
    rows: Sequence[Row],
    *,
    by: Person,
    source: str,
    title: str,
    notes: Sequence[tuple[str, dict[str, Any]]] = (),
    columns: Sequence[str] = (),
    sends_links: bool = False,
) -> Batch:
    """Keep what was planned; nothing happens to any mailbox yet."""
    batch = Batch.objects.create(
        domain=domain,
        source=source,
        title=as_one_line(title),
        notes=[list(note) for note in (*notes, *notes_about(rows, by))],
        columns=list(columns),
        sends_links=sends_links,
        made_by=by,
    )
    for row in rows:
        row.batch = batch
    Row.objects.bulk_create(rows, batch_size=1000)
    _record("batch.planned", batch, by)
    return batch


@transaction.atomic
def begin(batch: Batch, *, by: Person, announce: Announce) -> None:
    """Carry out what is planned, or go on after a stop; raises NotNow."""
    startable = Batch.objects.filter(pk=batch.pk, state__in=(State.PLANNED, State.STOPPED))
    _move(startable, State.RUNNING, begun_by=by, begun_at=timezone.now())
    _record("batch.begun", batch, by)
    transaction.on_commit(lambda: announce(batch.pk))


@transaction.atomic
def stop(batch: Batch, *, by: Person) -> None:
    """After the piece that is under way; raises NotNow."""
    # A worker holds the row while it does a piece, so afterwards nothing more happens.
    state = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk).state
    if state not in Batch.BUSY:
        raise NotNow
    stopped = State.STOPPED if state == State.RUNNING else State.UNDO_STOPPED
    _move(Batch.objects.filter(pk=batch.pk, state=state), stopped)
    _record("batch.stopped", batch, by)


@transaction.atomic
def undo(batch: Batch, *, by: Person, announce: Announce) -> None:
    """Put back what was done, as far as nobody changed it since; or go on with that. Raises NotNow."""
    undoable = (State.STOPPED, State.DONE, State.UNDO_STOPPED)
    _move(Batch.objects.filter(pk=batch.pk, state__in=undoable), State.UNDOING, undone_by=by)
    _record("batch.undo_begun", batch, by)
    transaction.on_commit(lambda: announce(batch.pk))


@transaction.atomic
def throw_away(batch: Batch, *, by: Person) -> None:
    """A plan that nobody wants carried out; raises NotNow when that was begun."""
    planned = Batch.objects.select_for_update(no_key=True).filter(pk=batch.pk, state=State.PLANNED).first()
    if planned is None:
        raise NotNow
    _record("batch.thrown_away", planned, by)
    planned.delete()


@transaction.atomic
def make_letters(batch: Batch, mailboxes: Sequence[Mailbox], *, by: Person) -> list[str]:
    """For each mailbox the address of a link on which its user chooses a password, to be shown once."""
    record_all(
        [
            Entry(verb="mailbox.password_link_made", about=mailbox, domain=batch.domain.name)
            for mailbox in mailboxes
        ],
        by=by,
    )
    return [make_link(CHOOSE_PASSWORD, mailbox, by=by) for mailbox in mailboxes]


def forget_old() -> int:
    """Those so old that what stood in them need not be kept; how many."""
    old = Batch.objects.filter(made_at__lt=timezone.now() - KEPT).exclude(state__in=Batch.BUSY)
    return sum(batch.delete()[0] > 0 for batch in old)


def work(number: int) -> bool:
    """Do some of it; whether more is to be done. One worker at a time."""
    now = timezone.now()
    free = Batch.objects.filter(Q(working_until=None) | Q(working_until__lt=now), pk=number)
    if not free.filter(state__in=Batch.BUSY).update(working_until=now + LEASE):
        return False
    began = monotonic()
    try:
        while _work_some(number):
            if monotonic() - began > ENOUGH:
                break
    except Exception as surprise:  # noqa: BLE001 - told to people by its kind; its text may hold what was typed
        log.error("batch failed", batch=number, error=type(surprise).__name__)
        _stop_by_itself(number, _UNEXPECTED, kind=type(surprise).__name__)
    finally:
        Batch.objects.filter(pk=number).update(working_until=None)
    return Batch.objects.filter(pk=number, state__in=Batch.BUSY).exists()


def left_behind() -> list[int]:
    """Those that should be worked on, and nobody does."""
    now = timezone.now()
    idle = Batch.objects.filter(Q(working_until=None) | Q(working_until__lt=now), state__in=Batch.BUSY)
    return list(idle.values_list("pk", flat=True))


@transaction.atomic
def _work_some(number: int) -> bool:
    """One piece; False when there is nothing more to do, or somebody stopped it."""
    # Whoever comes second, with a lease that ran out, finds those rows done.
    batch = Batch.objects.select_for_update(no_key=True).get(pk=number)
    if not batch.is_busy:
        return False
    batch.working_until = timezone.now() + LEASE
    batch.save(update_fields=["working_until"])
    forwards = batch.state == State.RUNNING
    by = batch.begun_by if forwards else batch.undone_by
    if by is None or not _may(by, batch):
        _stop_by_itself(number, _NOT_ANY_MORE)
        return False
    rows = list((batch.rows.to_do() if forwards else batch.rows.to_undo())[:AT_ONCE])
    if rows:
        (carrying_out.carry_out if forwards else carrying_out.undo)(batch, rows, by=by)
    if not rows:
        done = State.DONE if forwards else State.UNDONE
        _move(Batch.objects.filter(pk=number), done, finished_at=timezone.now())
    return bool(rows)


def _may(person: Person, batch: Batch) -> bool:
    """Still: rights may have been taken away since they pressed the button."""
    domains = Domain.objects.administered_by(person)
    return person.is_active and domains.filter(pk=batch.domain_id).exists()


def _stop_by_itself(number: int, sentence: str, **values: str) -> None:
    why = {"reason": sentence, "reason_values": values}
    Batch.objects.filter(pk=number, state=State.RUNNING).update(state=State.STOPPED, **why)
    Batch.objects.filter(pk=number, state=State.UNDOING).update(state=State.UNDO_STOPPED, **why)


_NOT_ANY_MORE = gettext_noop("Who began this may not change the domain any more. Somebody else can go on.")
_UNEXPECTED = gettext_noop(
    "Something unexpected happened (%(kind)s). What was done so far stays, and it can go on from there."
)


def _move(batches: Any, state: str, **fields: Any) -> None:
    """Raises NotNow when there is none."""
    if not batches.update(state=state, reason="", reason_values={}, **fields):
        raise NotNow


def _record(verb: str, batch: Batch, by: Person) -> None:
    tally = Batch.objects.get(pk=batch.pk).tally
    counts = {
        "rows_new": tally.new,
        "rows_changed": tally.changed,
        "rows_deleted": tally.deleted,
        "rows_links": tally.links,
        "rows_unchanged": tally.unchanged,
        "rows_refused": tally.refused,
    }
    after = {"batch": batch.pk} | {name: count for name, count in counts.items() if count}
    record_all([Entry(verb=verb, about=batch, domain=batch.domain.name, after=after)], by=by)
