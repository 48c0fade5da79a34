"""The rounds of the push bench; imported once Django is set up."""

import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import connection, connections
from django.utils import timezone

from accounts.models import Domain, Mailbox, Person
from audit.chain import record
from bench.figures import Figure, figure, percentile
from bench.stage import Stage
from mailservers import pushing
from mailservers.credentials import seal
from mailservers.drivers import open_driver
from mailservers.drivers.base import AccountState, ScriptState
from mailservers.models import Change, Server
from vacation.models import AutoReply
from vacation.rendering import AutoReplyContent, render_script
from vacation.services import save_auto_replies, save_auto_reply

CONNECTIONS = 4
DEADLINE = 600.0


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    many, rounds, singles = (200, 2, 10) if quick else (2000, 3, 40)
    operator = Person.objects.create(username="bench", is_operator=True)
    busy = fill(stage, "busy", many)
    idle = fill(stage, "idle", singles)
    found: list[Figure] = []
    with worker(stage, "busy"), worker(stage, "idle"):
        bare, whole = [], []
        for number in range(rounds):
            bare.append(bare_rate(stage, "busy", busy, f"bare {number}"))
            whole.append(whole_rate(busy, operator, f"round {number}"))
            print(f"round {number + 1}: bare {bare[-1]:.1f}/s, whole road {whole[-1]:.1f}/s", flush=True)
        ratios = [ours / theirs for ours, theirs in zip(whole, bare, strict=True)]
        found += [
            figure("bulk_ratio", ratios, "×"),
            figure("bulk_per_second", whole, "/s"),
            figure("bare_per_second", bare, "/s"),
        ]
        alone = [bare_seconds(stage, "idle", mailbox, f"alone {n}") for n, mailbox in enumerate(idle)]
        quiet = [seconds_to_live(mailbox, operator, "quiet") for mailbox in idle]
        found += [
            figure("single_ms", milliseconds(quiet), "ms"),
            figure("single_bare_ms", milliseconds(alone), "ms"),
            single_added(quiet, alone),
            figure("single_p95_ms", [percentile(milliseconds(quiet), 0.95)], "ms"),
        ]
        start_bulk(busy, operator, "behind")
        behind = [seconds_to_live(mailbox, operator, "behind") for mailbox in idle]
        left = Change.objects.open().filter(server__name="busy").count()
        print(f"while those were measured the other server still had {left} waiting", flush=True)
        found.append(figure("single_behind_other_server_ms", milliseconds(behind), "ms"))
        wait_until_settled("busy")
        start_bulk(busy, operator, "same")
        same = [seconds_to_live(mailbox, operator, "same") for mailbox in busy[:: max(1, many // 20)][:10]]
        found.append(figure("single_behind_bulk_on_same_server_ms", milliseconds(same), "ms"))
        wait_until_settled("busy")
    found.append(growth(200, 2_000 if quick else 20_000))
    return found


def fill(stage: Stage, name: str, count: int) -> list[Mailbox]:
    """A server's row, its domain, and mailboxes that exist on both sides."""
    dovecot = stage.servers[name]
    server = Server.objects.create(
        name=name,
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=seal(dovecot.credentials()),
        connections=CONNECTIONS,
    )
    domain = Domain.objects.create(name=f"{name}.test", server=server)
    mailboxes = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"m{n}@{name}.test", domain=domain, server=server, login=f"{name}{n:05}", quota_bytes=0
        )
        for n in range(count)
    )
    driver = open_driver("dovecot", dovecot.endpoints(), dovecot.credentials())
    for mailbox in mailboxes:
        driver.put_account(AccountState(mailbox.login, mailbox.address, "", 0, enabled=True))
    return mailboxes


@contextmanager
def worker(stage: Stage, name: str) -> Iterator[None]:
    process = stage.worker(name, CONNECTIONS)
    process.start(lambda: b"ready." in process.log.read_bytes() if process.log.exists() else False)
    try:
        yield
    finally:
        process.stop()


def bare_rate(stage: Stage, name: str, mailboxes: Sequence[Mailbox], text: str) -> float:
    """Scripts a second by the driver alone: no database, no queue, as many processes as connections."""
    parts = [
        [(mailbox.login, script_for(mailbox, text)) for mailbox in mailboxes[start::CONNECTIONS]]
        for start in range(CONNECTIONS)
    ]
    connections.close_all()
    dovecot = stage.servers[name]
    context = multiprocessing.get_context("fork")
    with context.Pool(CONNECTIONS) as pool:
        began = time.monotonic()
        pool.starmap(push_bare, [(dovecot.endpoints(), dovecot.credentials(), part) for part in parts], 1)
        return len(mailboxes) / (time.monotonic() - began)


def push_bare(
    endpoints: Mapping[str, object], credentials: Mapping[str, object], scripts: list[tuple[str, str]]
) -> None:
    driver = open_driver("dovecot", endpoints, credentials)
    for login, text in scripts:
        wanted = ScriptState(text, active=True)
        with driver.session(login):
            driver.put_script(login, wanted)
            held = driver.read_script(login)
        if held != wanted:
            raise AssertionError(f"{login} holds another script")


def bare_seconds(stage: Stage, name: str, mailbox: Mailbox, text: str) -> float:
    dovecot = stage.servers[name]
    began = time.monotonic()
    push_bare(dovecot.endpoints(), dovecot.credentials(), [(mailbox.login, script_for(mailbox, text))])
    return time.monotonic() - began


def whole_rate(mailboxes: Sequence[Mailbox], by: Person, text: str) -> float:
    """Changes a second from the service call until the last is live, read-back included."""
    began = time.monotonic()
    start_bulk(mailboxes, by, text)
    wait_until_settled("busy")
    took = time.monotonic() - began
    assert_live(mailboxes)
    return len(mailboxes) / took


def start_bulk(mailboxes: Sequence[Mailbox], by: Person, text: str) -> None:
    save_auto_replies([(mailbox, away(mailbox, text)) for mailbox in mailboxes], by=by)


def wait_until_settled(name: str) -> None:
    end = time.monotonic() + DEADLINE
    while Change.objects.open().filter(server__name=name).exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{Change.objects.open().count()} changes did not settle")
        time.sleep(0.02)


def assert_live(mailboxes: Sequence[Mailbox]) -> None:
    newest = Change.objects.newest_of_each([mailbox.pk for mailbox in mailboxes])
    states = {change.state for change in newest.values()}
    if states != {Change.State.LIVE} or len(newest) != len(mailboxes):
        raise AssertionError(f"not all live: {states}")


def seconds_to_live(mailbox: Mailbox, by: Person, text: str) -> float:
    seen = AutoReply.of(mailbox).version
    began = time.monotonic()
    change = save_auto_reply(away(mailbox, f"{text} {seen}"), seen_version=seen, by=by)
    while Change.objects.values_list("state", flat=True).get(pk=change.pk) in Change.OPEN:
        if time.monotonic() - began > DEADLINE:
            raise TimeoutError("a single change did not settle")
        time.sleep(0.002)
    took = time.monotonic() - began
    time.sleep(0.05)
    return took


def growth(few: int, lots: int) -> Figure:
    """The engine alone, on the memory driver: seconds for the same work before a short and a long queue."""
    ratios = []
    for attempt in range(3):
        short = seconds_for_200(f"short{attempt}", few)
        long = seconds_for_200(f"long{attempt}", lots)
        ratios.append(long / short)
    return figure("growth_20000_over_200", ratios, "×")


def seconds_for_200(name: str, waiting: int) -> float:
    server = Server.objects.create(name=name, kind="memory")
    domain = Domain.objects.create(name=f"{name}.test", server=server)
    mailboxes = Mailbox.objects.bulk_create(
        Mailbox(address=f"{n}@{name}.test", domain=domain, server=server, login=f"{n}", quota_bytes=0)
        for n in range(waiting)
    )
    first = record("mailbox.created", by=None, about=domain)
    events = type(first).objects.bulk_create(
        # Outside the chain: these rows only stand in for events, and the database is thrown away.
        [
            type(first)(
                number=first.number + 1_000_000 * (1 + server.pk) + n,
                lane=0,
                place=1_000_000 * server.pk + n,
                at=timezone.now(),
                verb="mailbox.created",
                subject_kind="accounts.mailbox",
                subject_id=mailbox.pk,
            )
            for n, mailbox in enumerate(mailboxes)
        ],
        batch_size=2000,
    )
    Change.objects.bulk_create(
        [
            Change(mailbox=mailbox, aspect="account", server=server, event=event)
            for mailbox, event in zip(mailboxes, events, strict=True)
        ],
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    began = time.monotonic()
    for _ in range(200 // pushing.AT_ONCE):
        pushing.push_some(server.pk)
    took = time.monotonic() - began
    Change.objects.filter(server=server).open().update(state=Change.State.CANCELLED)
    return took


def away(mailbox: Mailbox, text: str) -> AutoReply:
    return AutoReply(mailbox=mailbox, enabled=True, subject="Away", text=f"I am away. {text}")


def script_for(mailbox: Mailbox, text: str) -> str:
    return render_script(
        AutoReplyContent(
            address=mailbox.address,
            subject="Away",
            text=f"I am away. {text}",
            handle=f"portal-{mailbox.pk}-1",
        )
    )


def single_added(quiet: Sequence[float], alone: Sequence[float]) -> Figure:
    """What the road adds to the bare operation, mailbox by mailbox."""
    return figure("single_added_ms", milliseconds([q - a for q, a in zip(quiet, alone, strict=True)]), "ms")


def milliseconds(seconds: Sequence[float]) -> list[float]:
    return [1000 * one for one in seconds]
