"""The rounds of the drift bench; imported once Django is set up."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, insert

from accounts.models import Domain, Mailbox
from bench.figures import Figure, figure
from bench.stage import Stage
from mailservers import comparing
from mailservers.aspects import aspect_named
from mailservers.credentials import seal
from mailservers.drivers.account_table import LOCKED, MAILBOX
from mailservers.models import Server

NAME = "drift"
CONNECTIONS = 4
QUOTA = 1024**3


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    count = 1_000 if quick else 10_000
    server = fill(stage, count)
    found: list[Figure] = []
    for aspect in ("account", "script"):
        with connections_counted(stage.servers[NAME].ports["sieve"]) as counted:
            took = seconds_to_compare(server, aspect, count)
        print(f"{count} × {aspect}: {took:.1f} s, {max(counted)} connections at most", flush=True)
        found += [
            figure(f"{aspect}s_per_second", [count / took], "/s"),
            figure(f"{aspect}s_most_connections", [max(counted)], ""),
        ]
    return found


def fill(stage: Stage, count: int) -> Server:
    """Mailboxes on both sides, as they are after the portal has taken a server over."""
    dovecot = stage.servers[NAME]
    server = Server.objects.create(
        name=NAME,
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=seal(dovecot.credentials()),
        connections=CONNECTIONS,
    )
    domain = Domain.objects.create(name=f"{NAME}.test", server=server)
    names = [(f"{NAME}{n:05}", f"m{n}@{domain.name}") for n in range(count)]
    Mailbox.objects.bulk_create(
        [
            Mailbox(address=address, domain=domain, server=server, login=login, quota_bytes=QUOTA)
            for login, address in names
        ],
        batch_size=2_000,
    )
    engine = create_engine(dovecot.sql_url)
    with engine.begin() as connection:
        row = {"password": LOCKED, "quota_bytes": QUOTA, "active": 1}
        connection.execute(
            insert(MAILBOX), [row | {"login": login, "address": address} for login, address in names]
        )
    engine.dispose()
    return server


def seconds_to_compare(server: Server, aspect: str, count: int) -> float:
    """As `manage.py check_drift` does it."""
    compared, after, finished = 0, 0, False
    began = time.monotonic()
    while not finished:
        with comparing.connections_to(server) as connections:
            tally = comparing.compare(
                server, aspect_named(aspect), Mailbox.objects.all(), after=after, connections=connections
            )
        after, finished, compared = tally.reached, tally.finished, compared + tally.compared
        if tally.error is not None or tally.found:
            raise AssertionError(f"{tally.error or tally.found[0]}")
    if compared != count:
        raise AssertionError(f"{compared} of {count} were compared")
    return time.monotonic() - began


@contextmanager
def connections_counted(port: int) -> Iterator[list[int]]:
    """How many connections there are to the port, looked at all the time."""
    counted, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            counted.append(established_to(port))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        done.set()
        thread.join()


def established_to(port: int) -> int:
    """From the kernel's list: addresses are hexadecimal, 01 is the state."""
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(remote.endswith(f":{port:04X}") and state == "01" for _local, remote, state in rows)
