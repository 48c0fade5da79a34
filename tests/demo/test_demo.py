"""bin/demo from its start to its end: what it writes for other programs, and what it leaves behind."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo import shelter
from demo.__main__ import alone_in
from demo.world import CHECKOUT

pytestmark = pytest.mark.timeout(120)

HOST_AND_PORT = re.compile(r"127\.0\.0\.1:\d{4,5}")


@contextmanager
def running(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """bin/demo without the set-up."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "demo", "--directory", directory],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield demo
    finally:
        demo.kill()
        demo.communicate()


def read_until(demo: "subprocess.Popen[str]", words: str) -> str:
    text = ""
    assert demo.stdout
    while words not in text:
        read = os.read(demo.stdout.fileno(), 10_000).decode()
        assert read, f"The demo ended early:\n{text}"
        text += read
    return text


def processes() -> dict[int, tuple[int, int, str]]:
    """By number: the parent, the moment of its start (numbers are used again), and its state."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            words = file.read_text().rpartition(")")[2].split()
            found[int(file.parent.name)] = (int(words[1]), int(words[19]), words[0])
    return found


def descendants(parent: int) -> set[tuple[int, int]]:
    """Number and start of all the processes that a process has started, directly or not."""
    known = processes()
    found, new = set(), {parent}
    while new:
        found |= new
        new = {number for number, (its_parent, _, _) in known.items() if its_parent in new} - found
    return {(number, known[number][1]) for number in found - {parent}}


def still_alive(those: set[tuple[int, int]]) -> set[int]:
    known = processes()
    return {n for n, start in those if n in known and known[n][1] == start and known[n][2] not in "ZX"}


def none_left(those: set[tuple[int, int]], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while still_alive(those):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_demo_json_tells_all_of_it_and_goes_when_the_demo_stops(tmp_path):
    note = tmp_path / "world.json"
    with running(tmp_path / "world") as demo:
        printed = read_until(demo, "Ctrl-C stops")
        assert "moses: a simulation, no mail is behind it" in printed
        described = json.loads(note.read_text())
        check_description(described)
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        for signing_in in (*described["people"], *described["mailboxes"]):
            assert signing_in["login"] in printed
            assert signing_in["password"] in printed
        started = descendants(demo.pid)
        assert len(started) > 10

        demo.send_signal(signal.SIGTERM)
        rest, _ = demo.communicate(timeout=30)
        assert demo.returncode == 0, rest
        assert not note.exists()
        assert none_left(started, 0)


def check_description(described: dict[str, Any]) -> None:
    assert set(described) == {"url", "people", "servers", "sink", "ca", "mailboxes"}
    assert httpx.get(described["url"] + "/sign-in/", trust_env=False).status_code == 200

    assert sorted(person["role"] for person in described["people"]) == [
        "operator",
        "support",
        "webmaster",
        "webmaster",
    ]
    for person in described["people"]:
        assert set(person) == {"role", "login", "password", "totp_secret"}

    *servers, moses = described["servers"]
    assert [server["name"] for server in servers] == ["maximusconfessor", "vonmuenchhausen"]
    assert moses == {
        "name": "moses",
        "kind": "virtualmin",
        "simulation": True,
        "webmin": moses["webmin"],
    }
    assert_listens(moses["webmin"])
    for server in servers:
        assert server["kind"] == "dovecot"
        ports = {"imap", "imaps", "pop3s", "submission", "sieve", "lmtp", "doveadm"}
        assert set(server) == {"name", "kind", *ports}
        for service in set(server) - {"name", "kind"}:
            assert_listens(server[service])

    assert_listens(described["sink"]["smtp"])
    assert (CHECKOUT / described["sink"]["maildir"] / "new").is_dir()
    assert (CHECKOUT / described["ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert not any(Path(path).is_absolute() for path in (described["ca"], described["sink"]["maildir"]))

    names = {server["name"] for server in described["servers"]}
    assert {mailbox["server"] for mailbox in described["mailboxes"]} == names
    assert len({mailbox["address"].partition("@")[2] for mailbox in described["mailboxes"]}) == 4
    assert len(described["mailboxes"]) >= 20
    for mailbox in described["mailboxes"]:
        assert set(mailbox) == {"address", "login", "password", "server"}
        login = r"[a-z.]+\.atelierduval" if mailbox["server"] == "moses" else r"[a-z]+\d{4}"
        assert re.fullmatch(login, mailbox["login"])


def assert_listens(host_and_port: str) -> None:
    assert HOST_AND_PORT.fullmatch(host_and_port)
    host, _, port = host_and_port.partition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


def test_nothing_outlives_a_demo_that_is_killed(tmp_path):
    directory = tmp_path / "world"
    with running(directory) as demo:
        read_until(demo, "until all mailboxes are live")  # all of it runs by now, and a command besides
        time.sleep(0.5)
        started = descendants(demo.pid)
        assert len(started) > 10
        demo.kill()
        demo.wait()
        assert none_left(started, 20), still_alive(started)
    place = (directory / "servers").resolve()
    assert place.is_dir()
    shelter.remove(directory)  # as the next start does
    assert not place.exists()


def test_a_second_demo_in_the_same_place_is_refused(tmp_path):
    directory = tmp_path / "world"
    with alone_in(directory), running(directory) as second:
        output, _ = second.communicate(timeout=30)
        assert second.returncode == 1
        assert "runs in" in output
    assert not directory.exists()
