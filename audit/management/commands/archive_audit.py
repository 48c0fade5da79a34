import argparse
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.exporting import archive
from audit.models import Event
from audit.seals import NoAuditKey


class Command(BaseCommand):
    help = (
        "Seals events that are old enough into a file that verify_export.py checks, and deletes them from the"
        " database."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where the archive is put")
        parser.add_argument(
            "--keep-days",
            type=int,
            default=settings.AUDIT_KEEP_DAYS,
            help="younger ones stay (PORTAL_AUDIT_KEEP_DAYS)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="tell how many would go, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep_days"] < 1:
            raise CommandError("Say how many days stay: --keep-days, or PORTAL_AUDIT_KEEP_DAYS.")
        before = timezone.now() - timedelta(days=options["keep_days"])
        if options["dry_run"]:
            old = Event.objects.filter(at__lt=before).count()
            self.stdout.write(f"{old} events are older than {options['keep_days']} days.")
            return
        try:
            made = archive(before, options["folder"])
        except NoAuditKey as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The archive can't be written: {error.strerror}.") from error
        if made is None:
            self.stdout.write("No event is old enough.")
        else:
            self.stdout.write(f"{made[1]} events are in {made[0]}, and no longer in the database.")
