"""bin/demo, after the set-up."""

import argparse
import fcntl
import json
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from demo import shelter
from demo.check import CheckFailed, check
from demo.steps import printed
from demo.table import table_of
from demo.world import CHECKOUT, World, from_checkout, tail
from fleet.ports import take_port
from fleet.processes import ChildProcess, NotReady

WEB_PORT = 8025
VAR = CHECKOUT / "var"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AskedToStop(KeyboardInterrupt):
    """Ctrl-C, or a signal that means the same."""


class InUse(Exception):
    """Another demo or check runs in the directory."""


def main() -> int:
    arguments = parse_arguments()
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores it
            signal.signal(number, ask_to_stop)
    try:
        return run_check() if arguments.check else run_demo(arguments.directory.resolve())
    except AskedToStop:
        return 130 if arguments.check else 0
    except InUse as others:
        print(others, file=sys.stderr)
    except (NotReady, OSError) as failure:
        print(f"\nThe demo could not start. {failure}", file=sys.stderr)
    return 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo",
        description="Starts the whole portal on this machine, with its own mail servers and sample people.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="do the portal's main job over HTTP and with real mail, and tell whether all of it works",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=VAR / "demo",
        metavar="DIR",
        help="where the demo keeps its files, made anew at each start; DIR.json tells of it (var/demo)",
    )
    return parser.parse_args()


def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
    raise AskedToStop


def run_demo(directory: Path) -> int:
    """Until somebody stops it."""
    note = directory.with_name(f"{directory.name}.json")
    with alone_in(directory):
        note.unlink(missing_ok=True)
        world = World(directory, WEB_PORT if take_port(WEB_PORT) else None)
        print("The mail portal starts:")
        world.start(printed)
        with stopped_at_the_end(world, note):
            write_note(note, world.description())
            print(f"\n{table_of(world)}\n\nCtrl-C stops all of it.", flush=True)
            watch([world.web, world.worker, world.beat])
    return 0


def run_check() -> int:
    """0 when all of it works."""
    remove_old_checks()
    directory = VAR / f"check-{secrets.token_hex(4)}"
    with alone_in(directory):
        world = World(directory)
        print("The mail portal starts, for this check only:")
        world.start(printed)
        with stopped_at_the_end(world):
            print("What people do with it:")
            began = time.monotonic()
            failure = failure_in(world)
            took = time.monotonic() - began
    if failure:
        print(
            f"\n{failure}\nThe logs stay in {from_checkout(directory)} until the next check.", file=sys.stderr
        )
        return 1
    remove_check(directory)
    print(f"All of it works; using it took {took:.1f} s.")
    return 0


def failure_in(world: World) -> str:
    """What goes wrong when the world is used, with the ends of the logs that may tell why; empty: nothing."""
    try:
        check(world)
    except CheckFailed as failure:
        return "\n".join([*(tail(world.logs()[name]) for name in failure.logs), str(failure)])
    return ""


@contextmanager
def stopped_at_the_end(world: World, note: Path | None = None) -> Iterator[None]:
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # it is stopping already
        if note:
            note.unlink(missing_ok=True)
        with printed("Stopping"):
            world.stop()


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Holds the directory's lock, which the kernel frees however the process ends; raises `InUse`."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(directory).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                f"A demo runs in {from_checkout(directory)} already. "
                "Stop it first, or choose another --directory."
            ) from None
        yield


def lock_file(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.lock")


def remove_old_checks() -> None:
    """What failed or killed checks have left."""
    for directory in VAR.glob("check-*/"):
        try:
            with alone_in(directory):
                remove_check(directory)
        except InUse:
            continue


def remove_check(directory: Path) -> None:
    shelter.remove(directory)
    lock_file(directory).unlink(missing_ok=True)


def write_note(note: Path, description: dict[str, Any]) -> None:
    """At once as a whole, and for the owner only: it holds passwords."""
    draft = note.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    draft.rename(note)


def watch(processes: Sequence[ChildProcess]) -> None:
    """Wait for a signal, and tell when a process ends that should not."""
    running = list(processes)
    while True:
        time.sleep(1)
        for process in [process for process in running if not process.is_running]:
            running.remove(process)
            print(f"\n{process.name} has ended. {process.log_tail()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
