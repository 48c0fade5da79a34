"""Child processes that are known to be ready, leave a log, and never outlive their parent."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fleet.users import ServiceUser

POLL_SECONDS = 0.02


class NotReady(Exception):
    """A server ended or stayed silent instead of getting ready; the text shows the end of its log."""


class ChildProcess:
    """One server: started, probed until it answers, stopped with all it started.

    Start it from a thread that lives as long as it should: the kernel ends the server with that thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        user: ServiceUser | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/"),
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self.user = user
        self.env = env
        self.cwd = cwd
        self.stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process.pid

    def start(self, ready: Callable[[], bool], deadline: float = 20) -> None:
        """Return when `ready()` is true; otherwise end the process and raise `NotReady`."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already.")
        with self.log.open("ab") as log:
            if self.user:
                self.user.take_over(self.log)  # some servers open it once more by its name
            self._process = subprocess.Popen(
                # setpriv asks the kernel to stop the server should this process die, even by kill -9,
                # and only then becomes the server.
                [
                    "setpriv",
                    "--pdeathsig",
                    self.stop_signal.name.removeprefix("SIG"),
                    *(self.user.setpriv_options() if self.user else []),
                    "--",
                    *self.command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,  # Ctrl-C reaches the parent only, which stops all in order
            )
        end = time.monotonic() + deadline
        while not ready():
            code = self._process.poll()
            if code is not None:
                raise NotReady(f"{self.name} ended with code {code} while starting.\n{self.log_tail()}")
            if time.monotonic() > end:
                self.kill()
                raise NotReady(f"{self.name} was not ready after {deadline:g} s.\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self, grace: float = 10) -> None:
        """Ask the server to end, and insist when it has not after `grace` seconds."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
            self._end_group(self._process)
        self._process = None

    def kill(self) -> None:
        """End the server and all its children at once (kill -9), and return when they are gone."""
        if self._process is not None and self._process.poll() is None:
            self._end_group(self._process)
        self._process = None

    @staticmethod
    def _end_group(leader: subprocess.Popen[bytes]) -> None:
        """Only right after the leader was seen alive: later its number may be somebody else's."""
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)
        leader.wait()
        while _group_is_alive(leader.pid):
            time.sleep(POLL_SECONDS)

    def log_tail(self, lines: int = 30) -> str:
        """The end of the log, for error messages."""
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- end of {self.log}", *text, "---"])


def find_program(name: str) -> str:
    """The program's path; servers are often in folders that are not on an ordinary user's PATH."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise RuntimeError(f"{name} is not installed: bin/setup installs it, or tells what to do.")
    return found


def _group_is_alive(leader: int) -> bool:
    """Whether a process of the group still runs; dead ones that nobody has reaped do not count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # "PID (NAME) STATE PARENT GROUP …", where the name may hold anything.
            state, _parent, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state not in "ZX":
                return True
    return False


def accepts_connections(port: int, greeting: bytes = b"") -> bool:
    """Whether something on this loopback port takes a connection, and greets as expected."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return not greeting or connection.recv(512).startswith(greeting)
    except OSError:
        return False
