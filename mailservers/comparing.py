"""Compares what mail servers hold with what they were last seen to hold: somebody may change it there.

What a push is on its way to is left alone. The server is asked without a lease, so that no
push ever waits for a check; a reading during which something was pushed is thrown away.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from audit.chain import Entry, record_all
from mailservers import breaker
from mailservers.aspects import Aspect, Drift, Seen, Watch, aspect_named, fingerprint, watched_aspects
from mailservers.drivers.base import (
    Driver,
    DriverError,
    Limits,
    NotThere,
    Refused,
    ServerAway,
    TryAgain,
    unexpected,
)
from mailservers.drivers.sieve_reading import UNREAD
from mailservers.each import NOT_OF_ONE, keep_each
from mailservers.foreign import can_hold, folded
from mailservers.models import Change, DriftCheck, Lease, Observation, Server, Slot, subject_field
from mailservers.servers import driver_for

if TYPE_CHECKING:
    from accounts.models import Domain, Mailbox
    from mailservers.aspects import Subject

log = structlog.get_logger(__name__)

# Longer than a task may run (tasks.HARD_LIMIT).
LEASE = timedelta(seconds=120)
# No new mailbox is asked for after so many seconds: others want the connections too.
ENOUGH = 10.0
GIVE_UP_AFTER = timedelta(hours=24)

WRITTEN = (
    *("fingerprint", "drifted_since", "differences", "held", "why_not", "keeping", "put_right"),
    "restoring",
    *("leave", "left", "left_at", "redirects", "unread_since", "unread"),
)
TOO_ODD = gettext_noop("It holds characters that the portal can't keep.")

Reading = TypeVar("Reading", Seen, Seen | DriverError)
Stamp = tuple[int | None, datetime | None, bool]
"""Of a subject's aspect: the newest change, when the last one was settled, whether the newest is live."""


@dataclass(slots=True)
class Found:
    """One subject of which the server holds something else than it was seen to hold."""

    subject: "Subject"
    aspect: str
    drift: Drift
    is_new: bool
    """No check has seen it before."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """What a subject should be and what it is; the mark is the fingerprint of the latter."""

    subject: "Subject"
    wanted: Any
    reading: Seen
    mark: str
    drift: Drift | None = None
    """Where the two differ, and it is not as it was before."""
    trouble: DriverError | None = None
    """Instead of all that: why it could not be read."""


@dataclass(slots=True)
class Tally:
    """How one go went."""

    reached: int
    """The last mailbox, or domain, that was looked at."""
    finished: bool = False
    """There are no more."""
    compared: int = 0
    found: list[Found] = field(default_factory=list)
    redirects: list[tuple["Subject", list[str], bool]] = field(default_factory=list)
    """Those that were not there before; False: there was no before (see Watch.alarm)."""
    unread: int = 0
    """Those that could not be read, which stops nobody else's turn."""
    error: DriverError | None = None
    """Why it stopped: for the server's sake, not for one mailbox's."""


def note_checks(
    server: Server, *, domain: "Domain | None" = None, mailbox: "Mailbox | None" = None, aspect: str = ""
) -> list[DriftCheck]:
    """One check for each aspect, or for this one, of a whole server or less; one under way already counts."""
    checks = []
    for each in watched_aspects():
        if each.name != (aspect or each.name) or (mailbox and subject_field(each.name) != "mailbox"):
            continue
        checks.append(_note_check(server, each, domain, mailbox))
    return checks


def _note_check(
    server: Server, aspect: Aspect, domain: "Domain | None", mailbox: "Mailbox | None"
) -> DriftCheck:
    what: dict[str, Any] = {"server": server, "aspect": aspect.name, "domain": domain, "mailbox": mailbox}
    same = DriftCheck.objects.unfinished().filter(**what)
    return same.select_related("server").first() or DriftCheck.objects.create(**what)


def check_some(number: int) -> bool:
    """The next piece of a check; whether there is more to do at once.

    A server that is away, paused or in maintenance is not asked: the check waits until it is back.
    """
    check = DriftCheck.objects.take(number, LEASE)
    if check is None:
        return False
    try:
        return _check_some(check)
    finally:
        DriftCheck.objects.filter(pk=number).update(held_until=None)


def waiting_checks() -> Iterator[DriftCheck]:
    """Those that nobody is at, on servers that can be asked; those too old to be of use are given up."""
    too_old = DriftCheck.objects.unfinished().filter(requested_at__lte=timezone.now() - GIVE_UP_AFTER)
    too_old.update(finished_at=timezone.now(), reason=gettext_noop("It took longer than a day."))
    now = timezone.now()
    for check in DriftCheck.objects.unfinished().select_related("server").order_by("pk"):
        held = check.held_until is not None and now < check.held_until <= now + LEASE
        if not held and not why_not_now(check.server):
            yield check


def compare(
    server: Server,
    aspect: Aspect,
    mailboxes: "models.QuerySet[Mailbox]",
    *,
    after: int = 0,
    connections: int = 1,
    note: bool = True,
) -> Tally:
    """Look at the next mailboxes after this one (its id), and note what is different unless told not to."""
    watch = aspect.watch
    assert watch is not None, f"{aspect.name} is not watched"  # noqa: S101 - a mistake in the program
    assert watch.read is not None, f"{aspect.name} is read by domains"  # noqa: S101 - as above
    numbers = list(
        mailboxes.filter(server=server, deleted_at=None, pk__gt=after)
        .order_by("pk")
        .values_list("pk", flat=True)[: watch.at_once]
    )
    tally = Tally(numbers[-1] if numbers else after, finished=len(numbers) < watch.at_once)
    stamps = _stamps(aspect, numbers)
    # Read after the stamps: what is saved from here on has a newer change.
    asked = list(
        mailboxes.select_related("domain", "server", *aspect.joins)
        .prefetch_related(*aspect.gathers)
        .filter(pk__in=stamps)
        .order_by("pk")
    )
    readings = _read(server, watch.read, asked, connections, tally) if asked else {}
    unread = [mailbox.pk for mailbox in asked if mailbox.login not in readings]
    if unread:
        tally.finished = False
        tally.reached = max([after, *(number for number in numbers if number < unread[0])])
    # What takes time is done before the transaction: others wait for it.
    pairs: list[_Pair] = []
    known = _known(aspect, [mailbox.pk for mailbox in asked])
    began = monotonic()
    for mailbox in asked:
        if mailbox.pk > tally.reached:
            break
        if pairs and monotonic() - began > ENOUGH:
            # The rest has its turn in the next go, whatever took so long here.
            tally.finished = False
            tally.reached = max([after, *(number for number in numbers if number < mailbox.pk)])
            break
        pair = _prepared(
            aspect, mailbox, readings[mailbox.login], driver_for(server).limits, known.get(mailbox.pk)
        )
        pairs += [pair] if pair is not None else []
    _judge_each(aspect, pairs, stamps, tally, note=note)
    _log(server, aspect, tally)
    return tally


def compare_domains(
    server: Server,
    aspect: Aspect,
    domains: "models.QuerySet[Domain]",
    *,
    after: int = 0,
    note: bool = True,
) -> Tally:
    """The same for what a server tells of a whole domain at once, what nobody here knows of included."""
    watch = aspect.watch
    assert watch is not None, f"{aspect.name} is not watched"  # noqa: S101 - as above
    rows = domains.filter(server=server, pk__gt=after).order_by("pk")[: watch.at_once]
    some, began = list(rows), monotonic()
    tally = Tally(after, finished=len(some) < watch.at_once)
    for domain in some:
        if monotonic() - began > ENOUGH:
            tally.finished = False
            break
        try:
            _compare_domain(server, aspect, watch, domain, tally, note=note)
        except NOT_OF_ONE:
            raise
        except Exception as surprise:
            tally.unread += 1
            log.exception(
                "domain not compared", server=server.name, domain=domain.pk, kind=type(surprise).__name__
            )
        if tally.error is not None:
            tally.finished = False
            break
        tally.reached = domain.pk
    _log(server, aspect, tally)
    return tally


def _compare_domain(
    server: Server, aspect: Aspect, watch: Watch, domain: "Domain", tally: Tally, *, note: bool
) -> None:
    model: Any = Observation._meta.get_field(subject_field(aspect.name)).related_model
    mine = model.objects.joined(*aspect.joins).filter(domain=domain)
    stamps = _stamps(aspect, list(mine.values_list("pk", flat=True)))
    subjects = list(mine.filter(pk__in=stamps))
    read_domain = watch.read_domain
    readings = _ask(server, tally, lambda driver: read_domain(driver, domain)) if read_domain else {}
    if isinstance(tally.error, Refused):
        # Of this domain alone, or of all: then the next ones say the same. The push tells people why.
        tally.error = None
        return
    if tally.error is not None:
        return
    limits = driver_for(server).limits
    before = _known(aspect, [subject.pk for subject in subjects])
    pairs = [
        _prepared(
            aspect,
            each,
            readings.get(each.name_there) or Seen(None, redirects=()),
            limits,
            before.get(each.pk),
        )
        for each in subjects
    ]
    known = set(mine.filter(address__in=readings).values_list("address", flat=True))
    with transaction.atomic():
        unknown = {name: reading.state for name, reading in readings.items() if name not in known}
        seen_before = False
        if note and watch.note_unknown is not None:
            found, seen_before = watch.note_unknown(domain, unknown)
            stamps |= {each.pk: (None, None, False) for each in found}
            pairs += [_prepared(aspect, each, readings[each.name_there], limits, None) for each in found]
        judged = [pair for pair in pairs if pair is not None]
        _judge_each(aspect, judged, stamps, tally, note=note, seen_before=seen_before)


def compare_some(
    server: Server,
    aspect: Aspect,
    *,
    domain: "Domain | None" = None,
    mailbox: "Mailbox | None" = None,
    after: int = 0,
    connections: int = 1,
    note: bool = True,
) -> Tally:
    """The next piece of a comparison, of all that is on the server or less."""
    if aspect.watch is not None and aspect.watch.read_domain is not None:
        domain_model: Any = DriftCheck._meta.get_field("domain").related_model
        domains = domain_model.objects.all()
        domains = domains if domain is None else domains.filter(pk=domain.pk)
        return compare_domains(server, aspect, domains, after=after, note=note)
    mailbox_model: Any = DriftCheck._meta.get_field("mailbox").related_model
    mailboxes = mailbox_model.objects.all()
    mailboxes = mailboxes if domain is None else mailboxes.filter(domain=domain)
    mailboxes = mailboxes if mailbox is None else mailboxes.filter(pk=mailbox.pk)
    return compare(server, aspect, mailboxes, after=after, connections=connections, note=note)


def _log(server: Server, aspect: Aspect, tally: Tally) -> None:
    for found in tally.found:
        key = {subject_field(aspect.name): found.subject.pk}
        log.info("drifted", aspect=aspect.name, server=server.name, **key)


@contextmanager
def connections_to(server: Server) -> Iterator[int]:
    """How many connections the block may use: 0 when there is none to spare.

    One is left for people's changes, where there is more than one.
    """
    most = max(1, server.connections - 1)
    tokens: list[str] = []
    try:
        while len(tokens) < most and (token := Slot.objects.take(server, LEASE)) is not None:
            tokens.append(token)
        yield len(tokens)
    finally:
        for token in tokens:
            Slot.objects.give_back(token)


def why_not_now(server: Server) -> str:
    """Why the server should not be asked just now, in the reader's language; "" when it may."""
    if server.paused_at:
        return gettext("An operator has paused it.")
    if server.is_in_maintenance:
        return gettext("It is in maintenance.")
    return gettext("It is away.") if server.is_away else ""


def _check_some(check: DriftCheck) -> bool:
    server, aspect = check.server, aspect_named(check.aspect)
    if why_not_now(server):
        return False
    with connections_to(server) as connections:
        if not connections:
            return False
        tally = compare_some(
            server,
            aspect,
            domain=check.domain,
            mailbox=check.mailbox,
            after=check.reached,
            connections=connections,
        )
    check.reached = tally.reached
    check.compared += tally.compared
    check.drifted += len(tally.found)
    check.unread += tally.unread
    check.reason, check.reason_values = (tally.error.reason, tally.error.values) if tally.error else ("", {})
    check.finished_at = timezone.now() if tally.finished else None
    check.save(
        update_fields=["reached", "compared", "drifted", "unread", "reason", "reason_values", "finished_at"]
    )
    return not tally.finished and tally.error is None


def _stamps(aspect: Aspect, subjects: Sequence[int]) -> dict[int, Stamp]:
    """By the subjects' ids; those with a push on its way are left out."""
    key = subject_field(aspect.name)
    these: dict[str, Any] = {"aspect": aspect.name, f"{key}__in": subjects}
    of_those = Change.objects.filter(**these).order_by()
    on_their_way = set(of_those.open().values_list(key, flat=True))
    on_their_way.update(Lease.objects.running().filter(**these).values_list(key, flat=True))
    rows = of_those.values(key).annotate(
        newest=models.Max("pk"),
        newest_live=models.Max("pk", filter=models.Q(state=Change.State.LIVE)),
        settled=models.Max("settled_at"),
    )
    known = {row[key]: (row["newest"], row["settled"], row["newest"] == row["newest_live"]) for row in rows}
    return {
        number: known.get(number, (None, None, False)) for number in subjects if number not in on_their_way
    }


def _read(
    server: Server,
    read: Callable[[Driver, Sequence[str], int, float], Mapping[str, Seen | DriverError]],
    asked: "list[Mailbox]",
    connections: int,
    tally: Tally,
) -> Mapping[str, Seen | DriverError]:
    """By login."""
    logins = [mailbox.login for mailbox in asked]
    return _ask(server, tally, lambda driver: read(driver, logins, connections, ENOUGH))


def _ask(
    server: Server, tally: Tally, read: Callable[[Driver], Mapping[str, Reading]]
) -> Mapping[str, Reading]:
    """A server that is away is told to the breaker, and the readings end there."""
    readings: Mapping[str, Reading]
    try:
        readings = read(driver_for(server))
    except DriverError as error:
        tally.error, readings = error, {}
    except SoftTimeLimitExceeded:
        raise
    except Exception as surprise:  # noqa: BLE001 - a driver may raise anything; its text may hold secrets
        tally.error, readings = _unexpected(server, surprise), {}
    away = [error for error in (tally.error, *readings.values()) if isinstance(error, ServerAway)]
    if away:
        tally.error = away[0]
        breaker.note_away(server, away[0])
    return {name: reading for name, reading in readings.items() if not isinstance(reading, ServerAway)}


def _unexpected(server: Server, surprise: Exception) -> TryAgain:
    return TryAgain(
        gettext_noop("Something unexpected happened while speaking to %(server)s (%(kind)s)."),
        server=server.name,
        kind=type(surprise).__name__,
    )


def _known(aspect: Aspect, numbers: Sequence[int]) -> dict[int, Observation]:
    key = subject_field(aspect.name)
    rows = Observation.objects.filter(("aspect", aspect.name), (f"{key}__in", numbers))
    return {row.subject_id: row for row in rows}


def _prepared(
    aspect: Aspect, subject: "Subject", reading: Seen | DriverError, limits: Limits, row: Observation | None
) -> "_Pair | None":
    """None when the server can't hold what is wanted: the push tells the person why.

    Nothing that a server holds, or that a reader makes of it, keeps others from their turn.
    """
    if isinstance(reading, NotThere):
        return None
    if isinstance(reading, DriverError):
        return _Pair(subject, None, Seen(None), "", trouble=reading)
    try:
        wanted = aspect.fit(aspect.desired(subject), limits)
    except (DriverError, ValueError):
        return None
    try:
        own = replace(reading, state=aspect.own(wanted, reading.state))
        pair = _Pair(subject, wanted, own, fingerprint(own.state))
        if own.state == wanted or (row is not None and pair.mark in (row.fingerprint, fingerprint(wanted))):
            return pair
        watch = aspect.watch
        assert watch is not None  # noqa: S101 - see compare
        return replace(pair, drift=_holdable(watch.explain(subject, wanted, own.state)))
    except NOT_OF_ONE:
        raise
    except Exception as surprise:  # noqa: BLE001 - a reader of what anybody wrote
        return _Pair(subject, wanted, Seen(None), "", trouble=unexpected(surprise))


def _holdable(drift: Drift) -> Drift:
    """What the database could not keep to the letter can't be kept, or switched off, either."""
    told = replace(
        drift,
        differences=folded(drift.differences),
        keeping=folded(drift.keeping),
        restoring=folded(drift.restoring),
    )
    if not can_hold(drift.held):
        told = replace(told, held=None, why_not=TOO_ODD)
    return told if can_hold(drift.put_right) else replace(told, put_right=None)


def _judge_each(
    aspect: Aspect,
    pairs: "Sequence[_Pair]",
    stamps: Mapping[int, Stamp],
    tally: Tally,
    *,
    note: bool,
    seen_before: bool = False,
) -> None:
    """All in one transaction; where that fails, each by itself, and whichever it was is noted as unread."""

    def judge(some: "Sequence[_Pair]") -> None:
        part = Tally(tally.reached)
        _judge(aspect, some, stamps, part, note=note, seen_before=seen_before)
        tally.compared += part.compared
        tally.unread += part.unread
        tally.found += part.found
        tally.redirects += part.redirects

    def note_unread(pair: "_Pair", surprise: Exception) -> None:
        if pair.trouble is None:
            keep_each([replace(pair, trouble=unexpected(surprise), drift=None)], judge)

    keep_each(pairs, judge, note_unread)


def _judge(
    aspect: Aspect,
    pairs: "Sequence[_Pair]",
    stamps: Mapping[int, Stamp],
    tally: Tally,
    *,
    note: bool,
    seen_before: bool = False,
) -> None:
    """Compare, and write down what came out, in the caller's transaction."""
    key = subject_field(aspect.name)
    numbers = [pair.subject.pk for pair in pairs]
    rows = Observation.objects.filter(("aspect", aspect.name), (f"{key}__in", numbers))
    # Locked first: a push that settles meanwhile either comes before, and its change shows, or waits.
    known = {row.subject_id: row for row in (rows.select_for_update() if note else rows)}
    stamps_now = _stamps(aspect, numbers)
    observed = Observation.objects.filter((f"{key}__in", numbers), change__isnull=False)
    made_here = set(observed.values_list(key, flat=True))
    same: list[int] = []
    changed: list[Observation] = []
    # What was read before a push is older than what the push has noted.
    pairs = [pair for pair in pairs if stamps_now.get(pair.subject.pk) == stamps[pair.subject.pk]]
    for pair in pairs:
        subject = pair.subject
        stamp = stamps[subject.pk]
        tally.compared += 1
        row = known.get(subject.pk)
        before = _values(row) if row else None
        is_first = row is None or row.unread_since is None
        if pair.trouble is None:
            judged = _judge_one(aspect, pair, row, stamp)
        else:
            judged = _unread(aspect, pair, row), None
        if judged is None:
            continue
        row, found = judged
        if found is not None:
            tally.found.append(found)
        tally.unread += pair.trouble is not None
        if (redirects := _redirects(aspect, pair, row, is_first=is_first)) is not None:
            known_before = row.redirects is not None or subject.pk in made_here or seen_before
            if added := [target for target in redirects if target not in (row.redirects or [])]:
                tally.redirects.append((subject, added, known_before))
            row.redirects = redirects
        if _values(row) == before:
            same.append(subject.pk)
        else:
            changed.append(row)
    if note:
        _write(aspect, same, changed, tally)
        if aspect.watch is not None and aspect.watch.noted is not None:
            aspect.watch.noted([(pair.subject, pair.reading.state) for pair in pairs if pair.trouble is None])


def _redirects(aspect: Aspect, pair: "_Pair", row: Observation, *, is_first: bool) -> list[str] | None:
    """Where mail is sent on to, as far as anybody knows; None where there is no such thing."""
    if pair.trouble is None:
        return None if pair.reading.redirects is None else folded(list(pair.reading.redirects))
    # A server may be slow once; what can never be read, or not twice in a row, is told.
    if (
        aspect.watch is None
        or aspect.watch.alarm is None
        or (is_first and isinstance(pair.trouble, TryAgain))
    ):
        return None
    return [*(target for target in row.redirects or [] if target != UNREAD), UNREAD]


def _unread(aspect: Aspect, pair: "_Pair", row: Observation | None) -> Observation:
    """All that is known stays as it was."""
    assert pair.trouble is not None  # noqa: S101 - see _judge_one
    now = timezone.now()
    if row is None:
        mark = fingerprint(pair.wanted) if pair.wanted is not None else ""
        key = {subject_field(aspect.name): pair.subject}
        row = Observation(aspect=aspect.name, fingerprint=mark, seen_at=now, unread_since=now, **key)
    elif row.unread_since is None:
        row.unread_since = now
    row.unread = [pair.trouble.reason, folded(pair.trouble.values)]
    return row


def _judge_one(
    aspect: Aspect, pair: "_Pair", row: Observation | None, stamp: Stamp
) -> tuple[Observation, Found | None] | None:
    """The observation as it is now; None when there is nothing to compare with."""
    subject, wanted, held, mark = pair.subject, pair.wanted, pair.reading.state, pair.mark
    newest, _settled, is_live = stamp
    if row is not None:
        row.unread_since, row.unread = None, []
        as_it_was = mark in (row.fingerprint, fingerprint(wanted))
    else:
        key = {subject_field(aspect.name): subject}
        row = Observation(aspect=aspect.name, fingerprint=mark, seen_at=timezone.now(), **key)
        as_it_was = held == wanted
        # Nothing of it was ever read back; where a push failed, its badge tells that already.
        if newest is not None and not is_live and not pair.reading.in_the_way:
            return (row, None) if pair.reading.redirects else None
    if as_it_was and row.left and mark != fingerprint(wanted):
        # What somebody left there is still so.
        return row, None
    if as_it_was:
        row.fingerprint = mark
        row.forget_drift()
        return row, None
    drift = pair.drift
    if drift is None:
        # What was known has changed since the look before this transaction: the next one tells.
        return None
    row.differences = [[sentence, values] for sentence, values in drift.differences]
    row.held, row.why_not, row.put_right = drift.held, drift.why_not, drift.put_right
    row.keeping = [[sentence, values] for sentence, values in drift.keeping]
    row.restoring = [[sentence, dict(values)] for sentence, values in drift.restoring]
    row.leave = drift.leave
    if drift.leave and drift.leave == row.left:
        row.fingerprint = mark
        return row, None
    if row.left:
        # What was left is no measure any more, should it come back.
        row.fingerprint = fingerprint(wanted)
    found = Found(subject, aspect.name, drift, is_new=row.drifted_since is None)
    row.drifted_since, row.left, row.left_at = row.drifted_since or timezone.now(), "", None
    if row.pk is None:
        # Never what anybody wanted: it stays different until it is kept or made right.
        row.fingerprint = fingerprint(wanted)
    return row, found


def _values(row: Observation) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in WRITTEN)


def _write(aspect: Aspect, same: list[int], changed: list[Observation], tally: Tally) -> None:
    now = timezone.now()
    of_those = Observation.objects.filter(
        ("aspect", aspect.name), (f"{subject_field(aspect.name)}__in", same)
    )
    of_those.update(seen_at=now)
    for row in changed:
        row.seen_at = now
    Observation.objects.bulk_create([row for row in changed if row.pk is None], ignore_conflicts=True)
    Observation.objects.bulk_update(
        [row for row in changed if row.pk is not None], ["seen_at", *WRITTEN], batch_size=200
    )
    entries = [
        Entry(
            verb=f"{subject_field(aspect.name)}.drifted",
            about=found.subject,
            domain=found.subject.domain.name,
            after={
                "on_the_server": " ".join(sentence % values for sentence, values in found.drift.differences)
            },
        )
        for found in tally.found
        if found.is_new
    ]
    if entries:
        record_all(entries, by=None)
    alarm = aspect.watch.alarm if aspect.watch else None
    for known_before in (True, False):
        some = [(subject, targets) for subject, targets, known in tally.redirects if known == known_before]
        if alarm is not None and some:
            alarm(some, known_before)
