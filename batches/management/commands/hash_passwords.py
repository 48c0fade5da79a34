import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import passwords
from accounts.password_audit import processes_for
from accounts.progress import show_progress
from batches import hashing
from batches.reading import LARGEST_FILE, Unreadable
from mailservers.models import say


class Command(BaseCommand):
    help = (
        "Turns the column of passwords in a table (CSV, or .xlsx) into one of hashes, which “Upload a file”"
        " accepts for mailboxes that move here. OUT is a CSV file for your eyes only; nothing is uploaded,"
        " stored or logged. Passwords that are too easy to guess are told by their row, and hashed all the"
        " same. Interrupted, it goes on where it was the next time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="IN", type=Path, help="the table with a column “password”")
        parser.add_argument("out", metavar="OUT", type=Path, help="the table to write: NAME.csv")
        parser.add_argument(
            "--scheme",
            choices=sorted(passwords.SCHEMES),
            default=passwords.PREFERRED,
            help=f"of the hashes ({passwords.PREFERRED}); the domain's mail server must read it",
        )
        parser.add_argument("--processes", type=int, metavar="N", help="on so many cores (all)")

    def handle(self, *args: Any, **options: Any) -> None:
        source, out = options["source"], options["out"]
        if out.suffix.casefold() != ".csv":
            raise CommandError("OUT is a CSV file: give it a name that ends in .csv.")
        if out.exists() or out.is_symlink():
            raise CommandError(f"{out} is there already, and is not written over.")
        try:
            with source.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
            if source.stat().st_mode & 0o077:
                self.stderr.write(f"{source} can be read by others on this machine: chmod 600 {source}")
            table = hashing.table_of(data)
            done = self._hash(out, data, hashing.tasks_of(table, options["scheme"]), options)
            hashing.write_table(out, table, done)
        except Unreadable as why:
            raise CommandError(say(why.sentence, why.values)) from None
        except hashing.CannotHash as why:
            raise CommandError(str(why)) from None
        except FileExistsError:
            raise CommandError(f"{out} was made meanwhile, and is not written over.") from None
        except OSError as trouble:
            raise CommandError(f"{trouble.filename}: {trouble.strerror}.") from None
        out.with_name(out.name + ".part").unlink(missing_ok=True)
        self._tell(done, out, source)

    def _hash(
        self, out: Path, data: bytes, tasks: list[hashing.Task], options: dict[str, Any]
    ) -> list[hashing.Done]:
        processes = processes_for(options["processes"])
        with hashing.kept_beside(out, data, options["scheme"]) as (kept, earlier):
            done = list(earlier)
            if done:
                self.stderr.write(f"Going on after {len(done)} rows of an earlier run.")
            began, before = time.monotonic(), len(done)
            try:
                for some in hashing.rounds(tasks[before:], processes=processes):
                    kept.add(some)
                    done += some
                    seconds = time.monotonic() - began
                    show_progress(
                        self.stderr, len(done) - before, len(tasks) - before, seconds, f"on {processes} cores"
                    )
            except KeyboardInterrupt:
                words = f"Stopped after {len(done)} of {len(tasks)} rows. The next run goes on from there."
                raise CommandError(words) from None
            seconds = max(time.monotonic() - began, 0.001)
        if sys.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(
            f"{len(done) - before} rows in {seconds:.1f} s on {processes} cores"
            f" ({(len(done) - before) / seconds:.1f} a second)."
        )
        return done

    def _tell(self, done: list[hashing.Done], out: Path, source: Path) -> None:
        for each in done:
            if each.warning:
                self.stderr.write(f"row {each.row}: {each.warning}")
        hashed = sum(1 for each in done if each.password_hash)
        self.stdout.write(
            f"{hashed} hashes, {len(done) - hashed} rows without; {out} is for you alone. Upload it, then"
            f" delete it and {source}."
        )
