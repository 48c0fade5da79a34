import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.exporting import export


class Command(BaseCommand):
    help = "Writes the whole audit chain, with its seals, to a new file that verify_export.py checks."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            path.touch(mode=0o600, exist_ok=False)
            with path.open("w", encoding="utf-8") as file:
                count = export(file)
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror}.") from error
        self.stdout.write(f"{count} events are in {path}.")
