"""Random saves, faults and recoveries, against what must hold whatever happens."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Domain, Mailbox
from audit.chain import record
from mailservers import outbox, pushing
from mailservers.drivers.base import Refused, ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Lease, Observation, Server

FAULTS = {
    "away": ServerAway("Away."),
    "busy": TryAgain("Busy."),
    "refused": Refused("No."),
    "nonsense": ZeroDivisionError("nonsense"),
}
State = Change.State


class Engine(RuleBasedStateMachine):
    """Three mailboxes on one memory server; quotas are the values that move."""

    def __init__(self) -> None:
        super().__init__()
        self.world = transaction.atomic()
        self.world.__enter__()
        MemoryDriver.reset()
        self.server = Server.objects.create(name="machine", kind="memory")
        domain = Domain.objects.create(name="machine.test", server=self.server)
        self.boxes = [
            Mailbox.objects.create(
                address=f"m{n}@machine.test", domain=domain, server=self.server, login=f"m{n}", quota_bytes=0
            )
            for n in range(3)
        ]
        self.quota = 0
        self.newest_seen: dict[str, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.world.__exit__(None, None, None)

    @rule(which=st.integers(0, 2), bulk=st.booleans())
    def save(self, which, bulk):
        """Each save wants a quota larger than any before: a smaller one on the server is an older one."""
        self.quota += 1
        box = self.boxes[which]
        Mailbox.objects.filter(pk=box.pk).update(quota_bytes=self.quota)
        priority = Change.Priority.BULK if bulk else Change.Priority.PERSON
        event = record("mailbox.created", by=None, about=box)
        outbox.request_push(box, "account", event, priority=priority)

    @rule()
    def work(self):
        pushing.push_some(self.server.pk)

    @rule(faults=st.lists(st.sampled_from([None, *FAULTS]), min_size=1, max_size=4))
    def trouble_ahead(self, faults):
        MemoryDriver.failures.extend(FAULTS.get(fault) for fault in faults)

    @rule(seconds=st.sampled_from([1, 10, 100, 1000]))
    def time_passes(self, seconds):
        """Everything that was planned comes nearer."""
        earlier = timedelta(seconds=seconds)
        for change in Change.objects.open():
            Change.objects.filter(pk=change.pk).update(next_attempt_at=change.next_attempt_at - earlier)
        for lease in Lease.objects.all():
            Lease.objects.filter(pk=lease.pk).update(expires_at=lease.expires_at - earlier)
        self.server.refresh_from_db()
        if self.server.probe_at:
            Server.objects.update(probe_at=self.server.probe_at - earlier)

    @rule(which=st.integers(0, 2))
    def a_worker_is_lost_in_the_middle(self, which):
        """It had claimed the mailbox, and may or may not have written."""
        if Change.objects.of(self.boxes[which].pk, "account").due().exists():
            Lease.objects.take([(self.boxes[which].pk, "account")], timedelta(seconds=120))
            Change.objects.of(self.boxes[which].pk, "account").open().update(state=State.PUSHING)

    @precondition(lambda self: Change.objects.filter(state=State.FAILED).exists())
    @rule()
    def somebody_tries_again(self):
        for change in Change.objects.filter(state=State.FAILED):
            try:
                outbox.try_again(change, by=None)
            except outbox.MovedOn:
                continue

    @invariant()
    def nothing_older_overwrites_something_newer(self):
        for login, account in MemoryDriver.accounts.items():
            assert account.quota_bytes >= self.newest_seen.get(login, 0)
            self.newest_seen[login] = account.quota_bytes

    @invariant()
    def the_newest_change_is_never_the_one_that_gives_way(self):
        for box in self.boxes:
            newest = Change.objects.of(box.pk, "account").newest_first().first()
            assert newest is None or newest.state != State.SUPERSEDED

    @invariant()
    def live_means_that_the_server_has_it(self):
        for box in self.boxes:
            newest = Change.objects.of(box.pk, "account").newest_first().first()
            if newest and newest.state == State.LIVE:
                box.refresh_from_db()
                assert MemoryDriver.accounts[box.login].quota_bytes == box.quota_bytes
                assert Observation.objects.get(mailbox=box).change == newest

    @rule()
    def in_the_end_everything_settles(self):
        MemoryDriver.failures.clear()
        Server.objects.update(probe_at=None)
        for _ in range(12):
            Lease.objects.update(expires_at=timezone.now())
            Change.objects.open().update(next_attempt_at=timezone.now())
            pushing.push_some(self.server.pk)
        assert not Change.objects.open().exists()
        assert not Lease.objects.exists()


@pytest.mark.django_db
def test_random_saves_faults_and_recoveries_keep_what_was_promised(request):
    long = request.config.getoption("--long")
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=300 if long else 15,
            stateful_step_count=50 if long else 20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
