"""Whatever breaks: every change ends live or failed with a reason, and the server holds what is wanted."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from fleet.certificates import CertificateAuthority
from mailservers.credentials import seal
from mailservers.models import Change, Server
from mailservers.tasks import push
from vacation.models import AutoReply
from vacation.services import save_auto_reply


def half_way(trouble):
    """Some are live, some are not: the middle of the work."""
    live = Change.objects.filter(server=trouble.server, state="live")
    trouble.wait_until(lambda: live.count() > len(trouble.mailboxes) // 4)
    assert trouble.open() > 0


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """A file system of its own in the directory's place, of a few megabytes."""
    owner = directory.stat()
    options = f"size=4m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError as full:
            assert full.errno == errno.ENOSPC  # noqa: PT017 - it is what fills the disk


def test_a_worker_killed_in_the_middle_of_a_push(trouble):
    trouble.start_worker()
    trouble.start_worker()
    trouble.save_all("killed one")
    half_way(trouble)
    trouble.workers[0].kill()
    trouble.leases_run_out()
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_all_workers_killed(trouble):
    trouble.start_worker()
    trouble.save_all("killed all")
    half_way(trouble)
    trouble.workers[0].kill()
    assert trouble.open() > 0
    trouble.leases_run_out()
    trouble.start_worker()
    trouble.wait_until_settled()
    trouble.assert_kept()


def freeze(worker):
    """Not while it holds rows of the database: the database ends such a session by itself, and later."""
    for _ in range(200):
        os.killpg(worker.pid, signal.SIGSTOP)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' OR"
                " (state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend')"
            )
            if cursor.fetchone() == (0,):
                return
        os.killpg(worker.pid, signal.SIGCONT)
        time.sleep(0.003)
    pytest.fail("the worker was always at the database")


def test_a_worker_frozen_in_the_middle_of_a_push_wakes_up_late(trouble):
    frozen = trouble.start_worker()
    trouble.save_all("before it froze")
    half_way(trouble)
    freeze(frozen)
    try:
        trouble.leases_run_out()
        trouble.start_worker()
        trouble.save_all("while it was frozen")
        trouble.wait_until_settled()
    finally:
        os.killpg(frozen.pid, signal.SIGCONT)
    # What it was at comes to its end, and is taken back.
    time.sleep(2)
    trouble.wait_until_settled()
    trouble.assert_kept()


@pytest.mark.parametrize("jump", [2 * 86_400, -2 * 86_400])
def test_the_clock_of_a_worker_jumps(trouble, tmp_path, jump):
    clock = tmp_path / "clock"
    clock.write_text("0")
    trouble.start_worker("-I", "tests.faults.wrong_clock", WRONG_CLOCK=str(clock))
    trouble.start_worker()
    trouble.save_all("before the jump")
    half_way(trouble)
    clock.write_text(str(jump))
    trouble.save_all("after the jump")
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_redis_restarted_empty(trouble, stage):
    trouble.save_all("redis forgot")
    stage.redis.kill()
    stage.redis.start()
    trouble.start_worker()
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_redis_away_while_people_save(trouble, stage):
    trouble.start_worker()
    stage.redis.kill()
    try:
        took = []
        for mailbox in trouble.mailboxes[:20]:
            began = time.monotonic()
            reply = AutoReply(mailbox=mailbox, enabled=True, text="redis away")
            save_auto_reply(reply, seen_version=0, by=trouble.by)
            took.append(time.monotonic() - began)
        # Normal time, not the broker's time-outs one after the other.
        assert sorted(took)[len(took) // 2] < 0.5
        assert trouble.open() == 20
    finally:
        stage.redis.start()
    trouble.save_all("redis is back")
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_dovecot_stopped_and_back(trouble):
    trouble.start_worker()
    trouble.dovecot.kill()
    try:
        trouble.save_all("dovecot away")
        trouble.wait_until(lambda: Server.objects.get(pk=trouble.server.pk).is_away)
        newest = Change.objects.filter(server=trouble.server).exclude(reason="").first()
        assert "cannot be reached" in newest.reason_text
    finally:
        trouble.dovecot.start()
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_dovecot_refuses_the_portals_sign_in(trouble):
    right = trouble.server.sealed_credentials
    wrong = seal(trouble.dovecot.credentials() | {"master_password": "wrong"})
    Server.objects.filter(pk=trouble.server.pk).update(sealed_credentials=wrong)
    trouble.start_worker()
    trouble.save_all("refused")
    trouble.wait_until(lambda: Server.objects.get(pk=trouble.server.pk).is_away)
    assert "master user" in Server.objects.get(pk=trouble.server.pk).last_error_text
    Server.objects.filter(pk=trouble.server.pk).update(sealed_credentials=right)
    trouble.wait_until_settled()
    trouble.assert_kept()


@pytest.mark.parametrize(
    ("mode", "after", "told"),
    [("silent", 0, "did not answer in time"), ("closed", 0, "cannot be reached, or broke off")],
)
def test_dovecot_takes_the_connection_and_then(trouble, mode, after, told):
    trouble.way.mode, trouble.way.after = mode, after
    trouble.start_worker()
    trouble.save_all(mode)
    trouble.wait_until(lambda: Server.objects.get(pk=trouble.server.pk).is_away)
    assert told in Server.objects.get(pk=trouble.server.pk).last_error_text
    trouble.way.mode = "open"
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_the_connection_breaks_in_the_middle_of_putscript(trouble):
    # Greeting, TLS and sign-in pass; the script does not.
    trouble.way.mode, trouble.way.after = "broken", 1300
    trouble.start_worker()
    trouble.save_all("x" * 3000)
    trouble.wait_until(lambda: Change.objects.filter(server=trouble.server).exclude(reason="").exists())
    trouble.way.mode = "open"
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_dovecot_says_no_to_checkscript(trouble):
    trouble.dovecot.override("plugin {\n  sieve_extensions = -vacation\n}\n")
    trouble.dovecot.restart()
    trouble.start_worker()
    trouble.save_all("no vacation here")
    trouble.wait_until_settled()
    trouble.dovecot.override("")
    trouble.dovecot.restart()
    trouble.assert_kept(failed_with="found a mistake in the script")


def test_the_script_is_over_the_servers_quota(trouble):
    trouble.dovecot.override("plugin {\n  sieve_max_script_size = 1K\n}\n")
    trouble.dovecot.restart()
    trouble.start_worker()
    trouble.save_all("x" * 2000)
    trouble.wait_until_settled()
    trouble.dovecot.override("")
    trouble.dovecot.restart()
    trouble.assert_kept(failed_with="does not take a script of this length")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk to fill")
def test_the_servers_disk_is_full(trouble):
    with small_disk(trouble.dovecot.directory / "mail") as disk:
        fill(disk / "filler")
        trouble.start_worker()
        trouble.save_all("disk full")
        told = Change.objects.filter(server=trouble.server).exclude(reason="")
        trouble.wait_until(lambda: told.count() == len(trouble.mailboxes))
        # Some are just being tried again.
        assert {change.state for change in told} <= {"waiting", "pushing"}
        assert "asks to try again later" in told[0].reason_text
        (disk / "filler").unlink()
        trouble.wait_until_settled()
        trouble.assert_kept()


def test_a_certificate_that_does_not_verify(trouble, tmp_path):
    other = CertificateAuthority(tmp_path / "ca")
    good = trouble.server.endpoints
    Server.objects.filter(pk=trouble.server.pk).update(endpoints=good | {"ca_file": str(other.ca_file)})
    trouble.start_worker()
    trouble.save_all("not trusted")
    trouble.wait_until(lambda: Server.objects.get(pk=trouble.server.pk).is_away)
    assert "certificate is not trusted" in Server.objects.get(pk=trouble.server.pk).last_error_text
    Server.objects.filter(pk=trouble.server.pk).update(endpoints=good)
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_the_database_restarted(trouble, stage):
    trouble.start_worker()
    trouble.save_all("database away")
    half_way(trouble)
    stage.postgresql.stop()
    stage.postgresql.start()
    connection.close()
    trouble.leases_run_out()
    trouble.wait_until_settled()
    trouble.assert_kept()


def test_two_workers_given_the_same_job(trouble):
    trouble.start_worker()
    trouble.start_worker()
    for text in ("first", "second", "third"):
        trouble.save_all(text)
        for _ in range(10):
            push.apply_async((trouble.server.pk,), queue=trouble.server.queue)
    trouble.wait_until_settled()
    trouble.assert_kept()
    attempts = Change.objects.filter(server=trouble.server).values_list("attempts", flat=True)
    assert max(attempts) == 1


def test_a_dead_server_does_not_slow_another(trouble, stage):
    trouble.way.mode = "silent"
    trouble.start_worker()
    trouble.save_all("dead")
    well = type(trouble)(stage, 5)
    try:
        well.start_worker()
        began = time.monotonic()
        well.save_all("well")
        well.wait_until(lambda: well.open() == 0)
        assert time.monotonic() - began < 5
        well.assert_kept()
    finally:
        well.leave()
    trouble.way.mode = "open"
    trouble.wait_until_settled()
    trouble.assert_kept()
