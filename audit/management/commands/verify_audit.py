import argparse
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audit import seals
from audit.models import Event
from audit.nightly import keep
from audit.verifying import problems


class Command(BaseCommand):
    help = (
        "Checks that no audit event was changed, deleted, inserted, reordered or cut off, and that all is"
        " as the signed checkpoints say. Ends with 1 if not."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--since", metavar="DATE", help="look at events from this day or moment on only")
        parser.add_argument(
            "--checkpoint",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="compare with this checkpoint as well, kept elsewhere; may be given several times",
        )
        parser.add_argument("--key", type=Path, metavar="FILE", help="the public key, in PEM")

    def handle(self, *args: Any, **options: Any) -> None:
        since = _moment(options["since"]) if options["since"] else None
        key = _key(options["key"])
        if key is None:
            self.stderr.write("No key is known, so no signature is looked at.")
        try:
            outside = [*seals.kept_outside(), *map(seals.from_file, options["checkpoint"])]
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        found = []
        for problem in problems(since=since, key=key, outside=outside):
            self.stderr.write(problem)
            found.append(problem)
        if since is None:
            # The page about the chain tells when somebody looked last.
            with suppress(DatabaseError), transaction.atomic():  # it may be a copy that is only read
                keep(found, is_of_all=True, events=Event.objects.count())
        if found:
            raise CommandError("The audit chain is broken.")
        self.stdout.write("The audit chain is whole.")


def _moment(text: str) -> datetime:
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text} is no day such as 2026-11-24, nor a moment such as 2026-11-24T14:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _key(path: Path | None) -> Ed25519PublicKey | None:
    try:
        if path is not None:
            return seals.public_key_in(path)
        return seals.private_key().public_key()
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no public key in PEM.") from error
    except seals.NoAuditKey:
        return None
