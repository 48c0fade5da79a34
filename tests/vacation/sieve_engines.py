"""Two readers of Sieve that are not ours: sievelib's parser, and Pigeonhole itself."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sievelib.parser import Parser

from fleet.clock import DOVECOT_SETTING
from fleet.users import private_directory, service_user

VACATION = re.compile(
    r" \* send vacation message:\n"
    r"    => seconds : (?P<seconds>\d+)\n"
    r"(?:    => subject : (?P<subject>.*)\n)?"
    r"    => from    : (?P<from>.*)\n"
    r"    => handle  : (?P<handle>.*)\n"
    r"\nSTART MESSAGE\n(?P<entity>(?s:.*))\nEND MESSAGE\n"
)


def words(source: str) -> list[Any]:
    """What sievelib reads: each command and test as its words, strings decoded, what is inside as a list."""
    parser = Parser()
    assert parser.parse(source), parser.error
    return [_words(command) for command in parser.result]


def _words(command: Any) -> list[Any]:
    found: list[Any] = [command.name]
    for name, argument in command.arguments.items():
        found.append(_decoded(argument))
        if name in command.extra_arguments:
            found.append(_decoded(command.extra_arguments[name]))
    if command.children:
        found.append([_words(child) for child in command.children])
    return found


def _decoded(argument: Any) -> Any:
    if isinstance(argument, list):
        return [_decoded(part) for part in argument]
    if not isinstance(argument, str):
        return _words(argument)
    if argument.startswith('"'):
        return re.sub(r"\\(.)", r"\1", argument[1:-1])
    return argument if argument.startswith(":") else int(argument)


class Pigeonhole:
    """Its command-line tools, a few milliseconds a call."""

    def __init__(self, directory: Path) -> None:
        self._user = service_user("dovecot")
        self.directory = directory
        self._config = directory / "dovecot.conf"
        self._config.write_text(
            f"mail_uid = {self._user.name}\nmail_gid = {self._user.group}\n"
            "first_valid_uid = 1\nfirst_valid_gid = 1\n"
            f"mail_location = maildir:{directory}/Maildir\n"
            f"{DOVECOT_SETTING}"
        )
        self._user.take_over(directory)

    def compile(self, sources: Iterable[str]) -> None:
        """All of them in one process; the first that it can't compile fails."""
        scripts = self.directory / "scripts"
        scripts.mkdir(exist_ok=True)
        for old in scripts.iterdir():
            old.unlink()
        for number, source in enumerate(sources):
            (scripts / f"{number}.sieve").write_text(source)
        done = self._run("sievec", "-c", self._config, scripts)
        assert done.returncode == 0, done.stderr
        assert len([*scripts.glob("*.svbin")]) == number + 1

    def performed(
        self, source: str, message: str, *, sender: str, address: str, clock: Mapping[str, str] | None = None
    ) -> str:
        """What it would do with the message, as it prints it; by the real clock, or by `clock_at`."""
        script, mail = self.directory / "script.sieve", self.directory / "message.eml"
        script.write_text(source)
        mail.write_text(message)
        self._user.take_over(self.directory)
        command = ("sieve-test", "-c", self._config, "-f", sender, "-a", address, script, mail)
        done = self._run(*command, env=clock)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().replace("\r\n", "\n")

    @staticmethod
    def _run(
        *command: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        whole = {**os.environ, **env} if env else None
        return subprocess.run(command, capture_output=True, check=False, timeout=20, env=whole)


@contextmanager
def pigeonhole() -> Iterator[Pigeonhole]:
    with private_directory("sieve") as directory:
        yield Pigeonhole(directory)
