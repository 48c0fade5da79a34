"""The rounds of the usage bench; imported once Django is set up."""

import time

from django.utils import timezone
from sqlalchemy import create_engine, insert

from accounts.models import Domain, Mailbox
from bench.figures import Figure, figure
from bench.push_rounds import worker
from bench.stage import Stage
from mailservers.credentials import seal
from mailservers.drivers.account_table import LOCKED, MAILBOX
from mailservers.models import Server, Usage
from quotas import tasks
from quotas.models import DomainReading

NAME = "usage"
CONNECTIONS = 4
QUOTA = 1024**3
# Some of the mailboxes are not empty.
WITH_MAIL = 100
DEADLINE = 900.0


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    sizes, rounds = ((1_000,), 2) if quick else ((1_000, 10_000), 3)
    dovecot = stage.servers[NAME]
    server = Server.objects.create(
        name=NAME,
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=seal(dovecot.credentials()),
        connections=CONNECTIONS,
    )
    domain = Domain.objects.create(name=f"{NAME}.test", server=server)
    found: list[Figure] = []
    filled = 0
    with worker(stage, NAME):
        for size in sizes:
            fill(stage, domain, range(filled, size))
            filled = size
            # Once before anything counts: Dovecot makes the mailboxes' folders at the first look.
            bare_seconds(stage)
            seconds_to_read(domain, size)
            bare, whole = [], []
            for _ in range(rounds):
                bare.append(bare_seconds(stage))
                whole.append(seconds_to_read(domain, size))
                print(f"{size} mailboxes: bare {bare[-1]:.2f} s, collected {whole[-1]:.2f} s", flush=True)
            rates = [60 * size / seconds for seconds in whole]
            ratios = [ours / theirs for ours, theirs in zip(whole, bare, strict=True)]
            found += [
                figure(f"per_minute_{size}", rates, "/min"),
                figure(f"over_bare_{size}", ratios, "×"),
                figure(f"bare_seconds_{size}", bare, "s"),
            ]
    # Of the largest.
    return [figure("per_minute", rates, "/min"), figure("over_bare", ratios, "×"), *found]


def fill(stage: Stage, domain: Domain, numbers: range) -> None:
    """Mailboxes on both sides, and mail in some of them."""
    Mailbox.objects.bulk_create(
        [
            Mailbox(
                address=f"m{n}@{domain.name}",
                domain=domain,
                server=domain.server,
                login=f"{NAME}{n:05}",
                quota_bytes=QUOTA,
            )
            for n in numbers
        ],
        batch_size=2_000,
    )
    dovecot = stage.servers[NAME]
    engine = create_engine(dovecot.sql_url)
    with engine.begin() as connection:
        connection.execute(
            insert(MAILBOX),
            [
                {
                    "login": f"{NAME}{n:05}",
                    "address": f"m{n}@{domain.name}",
                    "password": LOCKED,
                    "quota_bytes": QUOTA,
                    "active": 1,
                }
                for n in numbers
            ],
        )
    engine.dispose()
    for n in numbers[:: max(1, len(numbers) // WITH_MAIL)]:
        dovecot.deliver(
            f"m{n}@{domain.name}", b"From: a@b.test\r\nSubject: x\r\n\r\n" + b"x" * 2_000, "a@b.test"
        )


def bare_seconds(stage: Stage) -> float:
    """doveadm alone, for all mailboxes in one call."""
    began = time.monotonic()
    stage.servers[NAME].run_doveadm("-f", "tab", "quota", "get", "-A")
    return time.monotonic() - began


def seconds_to_read(domain: Domain, size: int) -> float:
    """From the beat's announcement until the last mailbox is written, folders and history included."""
    before = timezone.now()
    DomainReading.objects.filter(domain=domain).update(due_at=before)
    began = time.monotonic()
    tasks.plan_readings()
    while not DomainReading.objects.filter(domain=domain, finished_at__gt=before).exists():
        if time.monotonic() - began > DEADLINE:
            raise TimeoutError("the domain was not read in time")
        time.sleep(0.02)
    took = time.monotonic() - began
    read = Usage.objects.filter(read_at__gt=before).count()
    if read != size:
        raise AssertionError(f"{read} of {size} mailboxes were read")
    return took
