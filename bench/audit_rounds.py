"""The rounds of the audit bench; imported once Django is set up."""

import multiprocessing
import secrets
import time
from collections.abc import Callable, Mapping
from statistics import median
from unittest import mock

import httpx
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import Domain, Mailbox, Person
from audit import chain
from audit.chain import Entry, record, record_all
from audit.models import Event
from audit.verifying import problems
from bench.figures import Figure, figure
from bench.stage import Stage
from bench.website import BARE, WARM_UP, get, serving
from mailservers.models import Server

SALT, HASH = "5a17" * 8, "4a54" * 16
# Rows outside of the chain that only stand in for events: the database is thrown away.
FILL = """
INSERT INTO audit_event (number, lane, place, at, by_name, on_behalf_of_name, source_address, request_id,
    verb, outcome, subject_kind, subject_id, subject, domain, after, who_salt, what_salt,
    who_digest, what_digest,
    previous_hash, hash)
SELECT 1000000 + n, -1, n, timestamptz '2025-01-01' + n * interval '30 seconds', 'p' || mod(n, 5000), '',
    '192.0.2.' || mod(n, 250), md5(n::text),
    (ARRAY['person.signed_in', 'auto_reply.changed', 'change.live'])[1 + mod(n, 3)],
    CASE WHEN mod(n, 1000) = 0 THEN 'failed' ELSE 'done' END, 'accounts.mailbox', mod(n, 100000),
    'm' || mod(n, 10000) || '@d' || mod(n, 100) || '.test', 'd' || mod(n, 100) || '.test',
    '{"subject": "Away"}',
    md5('a'), md5('b'), '', '', repeat('0', 64), repeat('1', 64)
FROM generate_series(1, %s) AS n
"""
SEARCHES = {
    "all": "/audit/",
    "address": "/audit/?subject=m77@d7.test",
    "person": "/audit/?by_name=p7",
    "domain_and_verb": "/audit/?domain=d7.test&verb=person.signed_in",
    "verb_and_days": "/audit/?verb=auto_reply.changed&since=2025-03-01&until=2025-03-07",
    "source": "/audit/?source_address=192.0.2.7",
    "failed": "/audit/?outcome=failed",
    "days": "/audit/?since=2025-03-01&until=2025-03-02",
}
READINGS = 40
# Every third of them asked a mail server for something.
FILL_CHANGES = """
INSERT INTO mailservers_change (mailbox_id, aspect, server_id, priority, event_id, requested_at, state,
    attempts, next_attempt_at, reason, reason_values, settled_at)
SELECT %s, 'script', %s, 0, id, at, 'live', 1, at, '', '{}', at FROM audit_event
WHERE lane = -1 AND verb = 'auto_reply.changed'
"""
TEXT = {"enabled": True, "subject": "Away", "text": "I am away until Monday. " * 10}


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    each, rounds = (200, 2) if quick else (800, 5)
    server = Server.objects.create(name="bench", kind="memory")
    domain = Domain.objects.create(name="bench.test", server=server)
    mailbox = Mailbox.objects.create(
        address="m@bench.test", domain=domain, server=server, login="m", quota_bytes=0
    )
    person = Person.objects.create(username="bench", is_operator=True)
    found: list[Figure] = []
    for writers in (1, 4, 16):
        plain, lanes, single = [], [], []
        for number in range(rounds):
            part = max(25, each // writers * 2)
            plain.append(rate(append_plain, mailbox, person, writers, part))
            lanes.append(rate(append_chained, mailbox, person, writers, part))
            single.append(rate(append_in_one_lane, mailbox, person, writers, part))
            print(
                f"{writers} writers, round {number + 1}: plain {plain[-1]:.0f}/s,"
                f" chained {lanes[-1]:.0f}/s, all in one lane {single[-1]:.0f}/s",
                flush=True,
            )
        ratios = [ours / theirs for ours, theirs in zip(lanes, plain, strict=True)]
        ones = [ours / theirs for ours, theirs in zip(single, plain, strict=True)]
        found += [
            figure(f"append_ratio_{writers}", ratios, "×"),
            figure(f"append_per_second_{writers}", lanes, "/s"),
            figure(f"one_lane_ratio_{writers}", ones, "×"),
        ]
    found.append(figure("verify_per_second", [verified_rate(mailbox, person, each * 10)], "/s"))
    found += search_figures(stage, mailbox, 100_000 if quick else 1_000_000)
    return found


def verified_rate(mailbox: Mailbox, by: Person, more: int) -> float:
    """Events a second that verify_audit gets through, on one core."""
    for _ in range(more // 500):
        record_all([Entry(verb="auto_reply.changed", about=mailbox, after=TEXT)] * 500, by=by)
    count = Event.objects.filter(lane__gt=0).count()
    began = time.monotonic()
    wrong = [problem for problem in problems() if "lane 0" not in problem]
    took = time.monotonic() - began
    if wrong:
        raise AssertionError(wrong[0])
    print(f"verified {count} events in {took:.1f} s", flush=True)
    return count / took


def search_figures(stage: Stage, mailbox: Mailbox, events: int) -> list[Figure]:
    """The first page of several searches among so many events, beside a bare view of the same web process."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, [events])
        cursor.execute(FILL_CHANGES, [mailbox.pk, mailbox.server_id])
        cursor.execute("VACUUM ANALYZE audit_event, mailservers_change")
    # Operators are not asked why they look for somebody; what they look for is recorded the first time.
    helper = Person.objects.create(username="helper", is_operator=True)
    found: list[Figure] = []
    with serving(stage) as website, website.signed_in(helper) as client:
        readings = side_by_side(client, {"bare": BARE, **SEARCHES})
    bare = median(readings["bare"])
    for name, taken in readings.items():
        found.append(figure(f"search_{name}_ms", taken, "ms"))
        if name != "bare":
            found.append(figure(f"search_{name}_over_bare", [each / bare for each in taken], "×"))
    worst = max((taken for name, taken in readings.items() if name != "bare"), key=median)
    found.append(figure("search_over_bare", [each / bare for each in worst], "×"))
    return found


def side_by_side(client: httpx.Client, paths: Mapping[str, str]) -> dict[str, list[float]]:
    """Milliseconds for each of the pages, in turn, so that other work on the machine meets all alike."""
    readings: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(WARM_UP + READINGS):
        for name, path in paths.items():
            began = time.perf_counter()
            get(client, path)
            if number >= WARM_UP:
                readings[name].append(1000 * (time.perf_counter() - began))
    return readings


def rate(
    append: Callable[[int, int, int], None], mailbox: Mailbox, by: Person, writers: int, each: int
) -> float:
    """Events a second by so many processes, each event in a transaction of its own."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    with context.Pool(writers) as pool:
        # Every process has a connection before the clock starts.
        pool.starmap(append, [(mailbox.pk, by.pk, 3)] * writers, 1)
        began = time.monotonic()
        pool.starmap(append, [(mailbox.pk, by.pk, each)] * writers, 1)
        return writers * each / (time.monotonic() - began)


def append_chained(mailbox_id: int, person_id: int, count: int) -> None:
    mailbox, by = Mailbox(pk=mailbox_id, address="m@bench.test"), Person(pk=person_id, username="bench")
    for _ in range(count):
        with transaction.atomic():
            record("auto_reply.changed", by=by, about=mailbox, domain="bench.test", before=TEXT, after=TEXT)


def append_in_one_lane(mailbox_id: int, person_id: int, count: int) -> None:
    """What the lanes are for: everybody waits for everybody."""
    with mock.patch.object(chain, "TAKE_FREE", f"{chain._HEAD} WHERE lane = 1 FOR UPDATE"):
        append_chained(mailbox_id, person_id, count)


def append_plain(mailbox_id: int, person_id: int, count: int) -> None:
    """The same rows in the same table, linked to nothing."""
    for _ in range(count):
        with transaction.atomic():
            # A number of their own, far away from the chain's.
            number = secrets.randbits(61) | 1 << 61
            Event(
                number=number,
                lane=0,
                place=number,
                at=timezone.now(),
                by_id=person_id,
                by_name="bench",
                verb="auto_reply.changed",
                subject_kind="accounts.mailbox",
                subject_id=mailbox_id,
                subject="m@bench.test",
                domain="bench.test",
                before=TEXT,
                after=TEXT,
                who_salt=SALT,
                what_salt=SALT,
                previous_hash=HASH,
                hash=HASH,
            ).save(force_insert=True)
