"""The world of the fault tests: real workers, broker and database, and a server that gets into trouble."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

from accounts.aspects import desired_account
from accounts.models import Domain, Mailbox, Person
from bench.stage import Stage
from fleet.processes import ChildProcess
from mailservers import tasks
from mailservers.credentials import seal
from mailservers.drivers.base import AccountState
from mailservers.models import Change, Lease, Server, Slot
from mailservers.servers import driver_for
from tests.faults.proxy import BadWay
from vacation.aspects import script
from vacation.models import AutoReply
from vacation.services import save_auto_replies

SETTLES_WITHIN = 60.0
# A thousand mailboxes, on a machine that does other things as well.
LONG_SETTLES_WITHIN, LONG_TEST_WITHIN = 400.0, 1200


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LONG_TEST_WITHIN))


@pytest.fixture(autouse=True)
def put_off() -> None:
    """Tasks go to the real workers here."""


@pytest.fixture(autouse=True, scope="session")
def _the_stages_database(django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


class Trouble:
    """A server in trouble, what is on its way to it, and its workers."""

    def __init__(self, stage: Stage, count: int, settles_within: float = SETTLES_WITHIN) -> None:
        self.stage = stage
        self.settles_within = settles_within
        self.dovecot = stage.servers["shaky"]
        self.way = BadWay(self.dovecot.ports["sieve"])
        number = Server.objects.count()
        name = f"shaky{number}"
        self.server = Server.objects.create(
            name=name,
            kind="dovecot",
            endpoints=self.dovecot.endpoints()
            | {"sieve_port": self.way.port, "connect_seconds": 2, "read_seconds": 2, "total_seconds": 4},
            sealed_credentials=seal(self.dovecot.credentials()),
        )
        domain = Domain.objects.create(name=f"{name}.test", server=self.server)
        self.by = Person.objects.create(username=f"operator of {name}", is_operator=True)
        self.mailboxes = Mailbox.objects.bulk_create(
            Mailbox(
                address=f"m{n}@{name}.test",
                domain=domain,
                server=self.server,
                login=f"{name}x{n:04}",
                quota_bytes=0,
            )
            for n in range(count)
        )
        driver = driver_for(self.server)
        for mailbox in self.mailboxes:
            wanted = desired_account(mailbox)
            assert isinstance(wanted, AccountState)
            driver.put_account(wanted)
        self.workers: list[ChildProcess] = []
        self._leaving = ExitStack()
        self._leaving.callback(self.way.close)

    def start_worker(self, *options: str, **env: str) -> ChildProcess:
        number = len(self.workers)
        worker = self.stage.worker(self.server.name, 2, number=number, options=options, env=env)
        self._leaving.callback(worker.kill)
        self.workers.append(worker)
        worker.start(lambda: worker.log.exists() and b"ready." in worker.log.read_bytes())
        return worker

    def save_all(self, text: str) -> None:
        """Everybody's auto-reply changes, and the workers are told."""
        wanted = [
            (mailbox, AutoReply(mailbox=mailbox, enabled=True, subject="Away", text=f"{text} {mailbox.pk}"))
            for mailbox in self.mailboxes
        ]
        save_auto_replies(wanted, by=self.by)

    def open(self) -> int:
        return Change.objects.open().filter(server=self.server).count()

    def wait_until(self, true: Callable[[], bool], within: float | None = None) -> None:
        end = time.monotonic() + (within or self.settles_within)
        while not true():
            assert time.monotonic() < end, self.report()
            time.sleep(0.05)

    def wait_until_settled(self) -> None:
        """Beats for the sweep as beat would, and lets pauses pass quicker than they would."""
        swept = time.monotonic()

        def settled() -> bool:
            nonlocal swept
            if time.monotonic() - swept > 1:
                self.time_passes(300)
                tasks.sweep()
                swept = time.monotonic()
            return self.open() == 0

        self.wait_until(settled)

    def time_passes(self, seconds: float) -> None:
        """Whatever is planned on this server comes nearer; a lease's holder must be gone by then."""
        earlier = timedelta(seconds=seconds)
        here = {"server": self.server}
        waiting = Change.objects.filter(state=Change.State.WAITING, **here)
        waiting.update(next_attempt_at=F("next_attempt_at") - earlier)
        Server.objects.filter(pk=self.server.pk, probe_at__isnull=False).update(probe_at=timezone.now())

    def leases_run_out(self) -> None:
        Lease.objects.filter(mailbox__server=self.server).update(expires_at=timezone.now())
        Slot.objects.filter(server=self.server).update(expires_at=timezone.now())

    def assert_kept(self, *, failed_with: str = "") -> None:
        """Every change ended live, or failed with the reason; nothing lost, nothing older over newer."""
        newest = Change.objects.newest_of_each([mailbox.pk for mailbox in self.mailboxes])
        assert len(newest) == len(self.mailboxes)
        for change in newest.values():
            if failed_with:
                assert (change.state, failed_with in change.reason_text) == ("failed", True), (
                    change.reason_text
                )
            else:
                assert change.state == "live", self.report()
        states = Change.objects.filter(server=self.server).values_list("state", flat=True)
        assert set(states) <= {"live", "failed", "superseded"}
        # A job that finds nothing to do holds a slot for a moment, too.
        self.wait_until(lambda: not self._is_held(), within=5)
        if not failed_with:
            self._assert_server_holds_what_the_database_wants()

    def _assert_server_holds_what_the_database_wants(self) -> None:
        driver = driver_for(Server.objects.get(pk=self.server.pk))
        for mailbox in Mailbox.objects.filter(server=self.server).select_related("auto_reply", "domain"):
            wanted = script.fit(script.desired(mailbox), driver.limits)
            assert driver.read_script(mailbox.login) == wanted

    def _is_held(self) -> bool:
        slots = Slot.objects.filter(server=self.server, expires_at__gt=timezone.now())
        return slots.exists() or Lease.objects.filter(mailbox__server=self.server).exists()

    def report(self) -> str:
        rows = Change.objects.filter(server=self.server).order_by("-pk")[:5]
        told = [f"{row} attempt {row.attempts}: {row.reason_text}" for row in rows]
        logs = [worker.log_tail() for worker in self.workers]
        return "\n".join([f"{self.open()} open", *told, *logs])

    def leave(self) -> None:
        self._leaving.close()
        connections.close_all()


@pytest.fixture
def trouble(stage, request) -> Iterator[Trouble]:
    is_long = request.config.getoption("--long")
    trouble = Trouble(stage, 1000, LONG_SETTLES_WITHIN) if is_long else Trouble(stage, 60)
    yield trouble
    trouble.leave()
    # However the test ended, the next one finds the servers well.
    stage.servers["shaky"].override("")
