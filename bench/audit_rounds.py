"""The rounds of the audit bench; imported once Django is set up."""

import multiprocessing
import secrets
import time
from collections.abc import Callable
from unittest import mock

from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Domain, Mailbox, Person
from audit import chain
from audit.chain import record
from audit.models import Event
from bench.figures import Figure, figure
from bench.stage import Stage
from mailservers.models import Server

SALT, HASH = "5a17" * 8, "4a54" * 16
TEXT = {"enabled": True, "subject": "Away", "text": "I am away until Monday. " * 10}


def measure(_stage: Stage, *, quick: bool) -> list[Figure]:
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
    return found


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
