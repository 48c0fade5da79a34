"""Brings what the database wants to a mail server, reads it back, and notes how it went.

A worker takes one of the server's connection slots and a lease on some aspects of mailboxes, and pushes
their newest open changes one after the other. No transaction is open while the server is spoken to. The
wanted state is read after the lease is taken, so ten edits made while a server was down become one push
and an older state can't overtake a newer one.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_noop

from audit.chain import Entry, record_all
from audit.models import Event
from mailservers import breaker, push_times
from mailservers.aspects import Aspect, aspect_named, fingerprint
from mailservers.breaker import Gate
from mailservers.drivers.base import Driver, DriverError, Refused, ServerAway, TryAgain
from mailservers.models import (
    Change,
    DriftCheck,
    Holding,
    Lease,
    Observation,
    Server,
    Slot,
    any_part,
    subject_field,
)
from mailservers.servers import driver_for

if TYPE_CHECKING:
    from mailservers.aspects import Subject

log = structlog.get_logger(__name__)

# Longer than a task may run (tasks.HARD_LIMIT), so a lease only runs out under a worker that is gone.
LEASE = timedelta(seconds=120)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 15 * 60.0
GIVE_UP_AFTER = timedelta(hours=24)
# Enough to share the database's work among them, so few that somebody's single change never waits long.
AT_ONCE = 8
# In a query of what has a subject.
SUBJECT = Coalesce("alias_id", "mailbox_id")
# After so many seconds a worker lets go of what it has not begun: the server is slow just now.
ENOUGH = 20.0


class Unexpected(TryAgain):
    """A driver raised what no driver should: tells nothing about the server."""


@dataclass(frozen=True, slots=True)
class NextCall:
    """When the server's queue should be looked at again."""

    queue: str
    priority: int
    in_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt went: what was read back, or why not."""

    change: Change
    seen: str = ""
    """The fingerprint of the state that was read back; empty when it came to that."""
    error: DriverError | None = None
    seconds: float = 0.0
    look_again: bool = False
    """What was read back does not tell whether somebody made something there that stands against it."""


def push_some(server_id: int) -> NextCall | None:
    """Push some of what is due on a server; None when nothing more is to be done for now.

    Does nothing while as many workers as the server bears are at it: each looks again when it is done.
    """
    server = Server.objects.filter(pk=server_id).first()
    if server is None:
        return None
    gate = breaker.pass_gate(server)
    if gate is Gate.SHUT:
        return _when_it_opens(server)
    slot = Slot.objects.take(server, LEASE)
    if slot is None:
        return None
    try:
        outcomes = _push_batch(server, 1 if gate is Gate.PROBE else AT_ONCE)
    finally:
        Slot.objects.give_back(slot)
    return _next_call(server, outcomes)


def due_servers() -> list[tuple[int, str, int]]:
    """Servers with something due, what lost workers left behind included: id, queue, best priority."""
    best = Change.objects.due().values("server").annotate(best=models.Min("priority"))
    priorities = {row["server"]: row["best"] for row in best}
    servers = Server.objects.filter(pk__in=priorities)
    return [(server.pk, server.queue, priorities[server.pk]) for server in servers]


def pause_after(attempts: int) -> float:
    """Seconds until the next attempt: doubled each time, with jitter so that no crowd comes at once."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 20))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, keeps no secret


def _push_batch(server: Server, most: int) -> list[Outcome]:
    holding, changes = _claim(server, most)
    if not changes:
        # Cancelled, or settled by another worker, between the look at what is due and the lease.
        Lease.objects.give_back(holding)
        return []
    try:
        outcomes = _push_each(server, changes)
        _settle(server, changes, outcomes, holding)
    except BaseException:
        _leave(holding, changes)
        raise
    return outcomes


@transaction.atomic
def _claim(server: Server, most: int) -> tuple[Holding, list[Change]]:
    """Leases, and the newest open change of each part under them; older ones give way to it."""
    due = Change.objects.due().filter(server=server).order_by("priority", "pk")
    holding = Lease.objects.take(due.values_list(SUBJECT, "aspect")[:most], LEASE)
    if not holding.parts:
        return holding, []
    rows = (
        Change.objects.filter(any_part(holding.parts))
        .open()
        .annotate(
            request_id=models.F("event__request_id"),
            address=Coalesce("mailbox__address", "alias__address"),
            domain_name=Coalesce("mailbox__domain__name", "alias__domain__name"),
        )
        .select_for_update(of=("self",))
        .order_by("priority", "pk")
    )
    newest: dict[tuple[int, str], Change] = {}
    for change in rows:
        part = (change.subject_id, change.aspect)
        if part not in newest or newest[part].pk < change.pk:
            newest[part] = change
    claimed = list(newest.values())
    given_way = [change.pk for change in rows if change not in claimed]
    if given_way:
        Change.objects.filter(pk__in=given_way).update(
            state=Change.State.SUPERSEDED, settled_at=timezone.now()
        )
    Change.objects.filter(pk__in=[change.pk for change in claimed]).update(
        state=Change.State.PUSHING, attempts=models.F("attempts") + 1
    )
    for change in claimed:
        change.attempts += 1
    return holding, claimed


def _push_each(server: Server, changes: list[Change]) -> list[Outcome]:
    """One attempt each, until the server turns out to be away or the time is used up."""
    subjects = subjects_of(changes)
    began = monotonic()
    outcomes: list[Outcome] = []
    for change in changes:
        if outcomes and (isinstance(outcomes[-1].error, ServerAway) or monotonic() - began > ENOUGH):
            break
        outcomes.append(_attempt(server, change, subjects[subject_field(change.aspect), change.subject_id]))
    return outcomes


def subjects_of(changes: list[Change]) -> "dict[tuple[str, int], Subject]":
    """As the database wants them now, by the foreign key's name and id, with what their aspects read."""
    found: dict[tuple[str, int], Subject] = {}
    for key in ("mailbox", "alias"):
        some = [change for change in changes if subject_field(change.aspect) == key]
        if not some:
            continue
        joined = sorted({name for change in some for name in aspect_named(change.aspect).joins})
        gathered = sorted({name for change in some for name in aspect_named(change.aspect).gathers})
        model: Any = Change._meta.get_field(key).related_model
        wanted = model.objects.joined(*joined).prefetch_related(*gathered)
        found |= {(key, n): row for n, row in wanted.in_bulk([each.subject_id for each in some]).items()}
    return found


def _attempt(server: Server, change: Change, subject: "Subject") -> Outcome:
    began = monotonic()
    seen, look_again, error = "", False, None
    try:
        seen, look_again = _write_and_read_back(
            driver_for(server), aspect_named(change.aspect), subject, server
        )
    except DriverError as known:
        error = known
    except Exception as surprise:  # noqa: BLE001 - a driver may raise anything; its text may hold secrets
        error = Unexpected(
            gettext_noop("Something unexpected happened while speaking to %(server)s (%(kind)s)."),
            server=server.name,
            kind=type(surprise).__name__,
        )
    outcome = Outcome(change, seen, error, monotonic() - began, look_again)
    log.info(
        "pushed",
        change=change.pk,
        # The web request that asked for it, so that its log lines and these are found together.
        request_id=getattr(change, "request_id", ""),
        **{subject_field(change.aspect): change.subject_id},
        aspect=change.aspect,
        server=server.name,
        attempt=change.attempts,
        error=type(error).__name__ if error else "",
        seconds=round(outcome.seconds, 3),
    )
    return outcome


def _write_and_read_back(
    driver: Driver, aspect: Aspect, subject: "Subject", server: Server
) -> tuple[str, bool]:
    """The fingerprint of what the server then holds, and whether it should be looked at once more.

    Refused when that is not what was wanted.
    """
    wanted, name = aspect.fit(aspect.desired(subject), driver.limits), subject.name_there
    with driver.session(name):
        aspect.put(driver, name, wanted)
        if aspect.read_back is not None:
            held = aspect.read_back(driver, name, wanted)
        else:
            held = aspect.own(wanted, aspect.read(driver, name))
    if held != wanted:
        raise Refused(
            gettext_noop("%(server)s took the change but now holds something else: %(differences)s"),
            server=server.name,
            differences="; ".join(aspect.differences(wanted, held)),
        )
    if aspect.noted is not None:
        aspect.noted(subject, wanted, held)
    watch = aspect.watch
    return fingerprint(held), watch is not None and watch.after_push is not None and watch.after_push(held)


@transaction.atomic
def _settle(server: Server, claimed: list[Change], outcomes: list[Outcome], holding: Holding) -> None:
    """Note every outcome, let go of what was claimed but not begun, and give the leases back."""
    now = timezone.now()
    lost = _let_go(holding)
    claimed = [change for change in claimed if (change.subject_id, change.aspect) not in lost]
    outcomes = [each for each in outcomes if (each.change.subject_id, each.change.aspect) not in lost]
    for outcome in outcomes:
        _mark(outcome, now)
    tried = {outcome.change.pk for outcome in outcomes}
    let_go = [change for change in claimed if change.pk not in tried]
    for change in let_go:
        change.state, change.attempts = Change.State.WAITING, change.attempts - 1
    live = [change for change in claimed if change.state == Change.State.LIVE]
    # The same for all of them: a statement that tells row by row took a third of the worker's time.
    Change.objects.filter(pk__in=[change.pk for change in live]).update(
        state=Change.State.LIVE, settled_at=now, reason="", reason_values={}
    )
    if others := [change for change in claimed if change.state != Change.State.LIVE]:
        Change.objects.bulk_update(
            others, ["state", "attempts", "next_attempt_at", "settled_at", "reason", "reason_values"]
        )
    _record_outcomes(server, outcomes)
    _look_after(outcomes)
    _observe([outcome for outcome in outcomes if outcome.error is None and _can_drift(outcome)], now)
    away = next((o.error for o in outcomes if isinstance(o.error, ServerAway)), None)
    if away is not None:
        breaker.note_away(server, away)
    elif any(not isinstance(outcome.error, Unexpected) for outcome in outcomes):
        breaker.note_reached(server)
    push_times.count(server, live, now)


@transaction.atomic
def _leave(holding: Holding, claimed: list[Change]) -> None:
    """Let go of everything in the middle of it: what was claimed waits again, for whoever comes next."""
    lost = _let_go(holding)
    kept = [change.pk for change in claimed if (change.subject_id, change.aspect) not in lost]
    being_pushed = Change.objects.filter(pk__in=kept, state=Change.State.PUSHING)
    being_pushed.update(state=Change.State.WAITING, next_attempt_at=timezone.now())


@transaction.atomic
def _let_go(holding: Holding) -> set[tuple[int, str]]:
    """Give the leases back; returns the parts that another worker took over meanwhile, which go once more.

    Whoever was frozen for minutes, or has a clock that jumps, wakes up and writes what was wanted then,
    over something newer maybe. So the newest is pushed again, by whoever comes next.
    """
    kept = Lease.objects.filter(token=holding.token).select_for_update().order_by("pk")
    lost = holding.parts - set(kept.parts())
    if lost:
        of_those = Change.objects.filter(any_part(lost)).exclude(state=Change.State.CANCELLED)
        newest = of_those.order_by().values("mailbox", "alias", "aspect").annotate(newest=models.Max("pk"))
        Change.objects.filter(
            pk__in=newest.values("newest"), state__in=(Change.State.LIVE, Change.State.PUSHING)
        ).update(state=Change.State.WAITING, next_attempt_at=timezone.now(), settled_at=None)
        # Whoever holds them now learns in the same way that the last word is not spoken.
        Lease.objects.filter(any_part(lost)).delete()
        log.warning("leases lost", parts=sorted(lost))
    Lease.objects.give_back(holding)
    return lost


def _mark(outcome: Outcome, now: Any) -> None:
    change, error = outcome.change, outcome.error
    change.settled_at = now
    change.reason, change.reason_values = (error.reason, error.values) if error else ("", {})
    if error is None:
        change.state = Change.State.LIVE
    elif isinstance(error, TryAgain) and now - change.requested_at < GIVE_UP_AFTER:
        change.state, change.settled_at = Change.State.WAITING, None
        # A server away is the breaker's business: when it is back, nobody should wait out a long pause.
        pause = pause_after(1 if isinstance(error, ServerAway) else change.attempts)
        change.next_attempt_at = now + timedelta(seconds=pause)
    else:
        change.state = Change.State.FAILED


def _look_after(outcomes: list[Outcome]) -> None:
    """What somebody made on the server may be why it said no to a person, or do the same: a look tells."""
    for outcome in outcomes:
        change, watch = outcome.change, aspect_named(outcome.change.aspect).watch
        is_refused = isinstance(outcome.error, Refused) and watch is not None and watch.after_refusal
        if change.priority == Change.Priority.PERSON and (is_refused or outcome.look_again):
            DriftCheck.objects.unfinished().get_or_create(
                server_id=change.server_id, aspect=change.aspect, mailbox_id=change.mailbox_id
            )


VERBS = {
    Change.State.LIVE: ("change.live", Event.Outcome.DONE),
    Change.State.WAITING: ("change.delayed", Event.Outcome.DELAYED),
    Change.State.FAILED: ("change.failed", Event.Outcome.FAILED),
}


def _record_outcomes(server: Server, outcomes: list[Outcome]) -> None:
    """An event for each attempt: which change, how it went, and what the server said."""
    entries = []
    for outcome in outcomes:
        change: Any = outcome.change
        verb, result = VERBS[change.state]
        entries.append(
            Entry(
                verb=verb,
                about=change,
                name=change.address,
                domain=change.domain_name,
                request_id=change.request_id or "",
                outcome=result,
                after={
                    "aspect": change.aspect,
                    "server": server.name,
                    "attempt": change.attempts,
                    "seconds": round(outcome.seconds, 3),
                    "read_back": outcome.seen[:12],
                    "reason": change.reason,
                    "reason_values": change.reason_values,
                },
            )
        )
    record_all(entries, by=None)


def _can_drift(outcome: Outcome) -> bool:
    return aspect_named(outcome.change.aspect).read_back is None


def _observe(outcomes: Iterable[Outcome], now: Any) -> None:
    by_key: dict[str, list[Observation]] = {}
    for outcome in outcomes:
        change = outcome.change
        observation = Observation(
            mailbox_id=change.mailbox_id,
            alias_id=change.alias_id,
            aspect=change.aspect,
            fingerprint=outcome.seen,
            seen_at=now,
            change=change,
        )
        by_key.setdefault(subject_field(change.aspect), []).append(observation)
    for key, observations in by_key.items():
        Observation.objects.bulk_create(
            observations,
            update_conflicts=True,
            unique_fields=[key, "aspect"],
            update_fields=[
                *("fingerprint", "seen_at", "change"),
                # A push makes right whatever somebody changed there.
                *("drifted_since", "differences", "held", "why_not", "keeping", "put_right"),
                "restoring",
            ],
        )


def _next_call(server: Server, outcomes: list[Outcome]) -> NextCall | None:
    """At once if more is due, else when the first of these wants another try."""
    waiting = (
        Change.objects.due().filter(server=server).order_by("priority").values_list("priority", flat=True)
    )
    more = waiting.first()
    server.refresh_from_db(fields=["probe_at"])
    if more is not None and server.probe_at is None:
        return NextCall(server.queue, more, 0.0)
    if server.probe_at is not None:
        return _when_it_opens(server)
    again = [o.change for o in outcomes if o.change.state == Change.State.WAITING]
    if not again:
        return None
    first = min(change.next_attempt_at for change in again)
    seconds = max(0.1, (first - timezone.now()).total_seconds())
    return NextCall(server.queue, min(change.priority for change in again), seconds)


def _when_it_opens(server: Server) -> NextCall | None:
    """A look at the time of the next probe, if something waits for it."""
    if server.probe_at is None or not Change.objects.filter(server=server).open().exists():
        return None
    seconds = max(0.1, (server.probe_at - timezone.now()).total_seconds() + 0.1)
    return NextCall(server.queue, Change.Priority.PERSON, seconds)
