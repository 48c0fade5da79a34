from io import StringIO

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command

from audit.chain import record
from mailservers import outbox
from mailservers.checking import check
from mailservers.drivers.base import Refused, ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Server
from mailservers.tasks import check_servers

pytestmark = pytest.mark.sql


def told(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def row():
    return Server.objects.get()


@pytest.fixture
def ask(mailbox):
    def ask():
        return outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))

    return ask


def test_a_server_that_answers_is_reachable_from_then_on(server):
    assert check(server) is None
    since = row().reachable_since
    assert (row().version, row().check_error_text) == ("memory", "")
    check(server)
    assert row().reachable_since == since


def test_a_hanging_server_counts_as_away(server):
    MemoryDriver.failures.append(SoftTimeLimitExceeded())
    assert isinstance(check(server), ServerAway)
    assert row().check_error_text == "maximusconfessor did not answer in time."
    assert row().failures_in_a_row == 1


def test_whatever_a_driver_raises_only_its_kind_is_told(server):
    MemoryDriver.failures.append(ZeroDivisionError("a secret in the text"))
    check(server)
    assert "ZeroDivisionError" in row().check_error_text
    assert "secret" not in row().check_error_text
    assert row().failures_in_a_row == 0


def test_the_regular_check_finds_a_server_that_is_back_and_serves_it(server, ask):
    Server.objects.update(away_since="2020-01-01T00:00Z", probe_at="2020-01-01T00:00Z", failures_in_a_row=5)
    change = ask()
    check_servers()
    change.refresh_from_db()
    assert (change.state, row().is_away) == ("live", False)


def test_check_servers_names_what_is_wrong_and_fails(server):
    assert told("check_servers") == "maximusconfessor: all well, memory\n"
    MemoryDriver.failures.append(Refused("No."))
    out = StringIO()
    with pytest.raises(CommandError, match="1 of them"):
        call_command("check_servers", "--server", "maximusconfessor", stdout=out)
    assert out.getvalue() == "maximusconfessor: No.\n"


def test_push_due_pushes_without_broker_and_worker(server, ask):
    change = ask()
    MemoryDriver.failures.append(TryAgain("Busy."))
    assert told("push_due", "--dry-run") == "maximusconfessor: 1 would be pushed.\n"
    assert MemoryDriver.accounts == {}
    assert told("push_due") == "maximusconfessor: 1 were waiting, 1 still are.\n"
    assert told("push_due", "--server", "maximusconfessor") == (
        "maximusconfessor: 1 were waiting, 0 still are.\n"
    )
    change.refresh_from_db()
    assert change.state == "live"


def test_push_due_respects_a_pause(server, ask):
    ask()
    Server.objects.update(paused_at="2020-01-01T00:00Z")
    assert told("push_due") == "maximusconfessor: 1 waiting, but the server is paused.\n"
    assert MemoryDriver.accounts == {}


@pytest.mark.parametrize("command", ["push_due", "pushes", "check_servers"])
def test_a_server_nobody_knows_is_told_with_those_there_are(server, command):
    with pytest.raises(CommandError, match=r"no server named 'x'\. There are: maximusconfessor"):
        call_command(command, "--server", "x")


def test_pushes_lists_what_failed_and_still_counts(server, ask):
    old, new = ask(), ask()
    Change.objects.update(state="failed", reason="Too large for %(limit)s.", reason_values={"limit": "64 kB"})
    [line] = told("pushes", "--failed").splitlines()
    assert line.startswith(f"{new.pk}  failed  ")
    assert line.endswith("maximusconfessor  account  anna@example.test  Too large for 64 kB.")
    assert [line.split()[0] for line in told("pushes").splitlines()] == [str(new.pk), str(old.pk)]
    assert len(told("pushes", "--limit", "1").splitlines()) == 1
