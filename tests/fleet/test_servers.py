"""Ports, processes, and the smaller servers."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from fleet.ports import reserve_port
from fleet.processes import ChildProcess, NotReady, accepts_connections

CHECKOUT = Path(__file__).parents[2]


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode()


def test_two_runs_never_get_the_same_port():
    command = "from fleet.ports import reserve_port; print(*(reserve_port() for _ in range(300))); input()"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", command], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    ports = [port for run in runs for port in first_line(run).split()]
    for run in runs:
        run.communicate(b"\n")
    assert len(set(ports)) == 600


def test_a_server_that_fails_shows_the_end_of_its_log(tmp_path):
    process = ChildProcess("Failing", ["sh", "-c", "echo the disk is on fire; exit 3"], tmp_path / "log")
    with pytest.raises(NotReady, match="code 3") as error:
        process.start(lambda: False)
    assert "the disk is on fire" in str(error.value)


def test_a_silent_server_is_given_up_and_ended(tmp_path):
    process = ChildProcess("Silent", ["sleep", "100"], tmp_path / "log")
    with pytest.raises(NotReady, match=r"not ready after 0\.2 s"):
        process.start(lambda: False, deadline=0.2)
    assert not process.is_running


def test_a_server_that_ignores_the_request_to_stop_is_killed(tmp_path):
    process = ChildProcess(
        "Stubborn",
        ["sh", "-c", "trap '' TERM; touch up; while :; do sleep 1; done"],
        tmp_path / "log",
        cwd=tmp_path,
    )
    process.start((tmp_path / "up").exists)
    process.stop(grace=0.2)
    assert not process.is_running


def test_servers_end_when_their_parent_is_killed():
    command = (
        "import pathlib, sys, tempfile, time\n"
        "from fleet.redis import RedisServer\n"
        "with tempfile.TemporaryDirectory() as directory:\n"
        "    server = RedisServer(pathlib.Path(directory))\n"
        "    server.start()\n"
        "    print(server.port, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", command], cwd=CHECKOUT, stdout=subprocess.PIPE)
    port = int(first_line(parent))
    assert accepts_connections(port)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    end = time.monotonic() + 5
    while accepts_connections(port):
        assert time.monotonic() < end, "Redis outlived its parent."
        time.sleep(0.05)


def test_redis_wants_its_password(redis_server):
    client = redis.Redis.from_url(redis_server.url)
    client.set("key", "value")
    assert client.get("key") == b"value"
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=redis_server.port).ping()


def test_postgresql_makes_databases(postgresql):
    dsn = postgresql.create_database('Größe "1"')
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn.replace(postgresql.password, "wrong"))


def test_the_sink_keeps_mail_and_refuses_as_asked(sink):
    sink.clear()
    with smtplib.SMTP("127.0.0.1", sink.port) as smtp:
        refused = smtp.sendmail(
            "me@a.test",
            ["you@b.test", "reject-me@b.test", "defer-me@b.test"],
            b"Subject: Hello\r\n\r\nA line\r\n.\r\nwith a dot before\r\n",
        )
    assert {address: code for address, (code, _) in refused.items()} == {
        "reject-me@b.test": 550,
        "defer-me@b.test": 451,
    }
    (message,) = sink.wait_for(1, to="you@b.test")
    assert (message["X-Sink-From"], message["X-Sink-To"]) == ("<me@a.test>", "you@b.test")
    assert message.get_content().splitlines() == ["A line", ".", "with a dot before"]


def test_a_port_in_use_is_never_reserved():
    assert not accepts_connections(reserve_port())


def test_of_two_demos_started_together_one_gets_the_well_known_port():
    port = reserve_port()
    command = f"from fleet.ports import take_port; print(take_port({port + 1})); input()"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", command], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = sorted(first_line(run).strip() for run in runs)
    for run in runs:
        run.communicate(b"\n")
    assert answers == ["False", "True"]
