from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import seals


class Command(BaseCommand):
    help = "Signs where the audit chain ends now, as the portal does each night, and prints it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealed = seals.make_checkpoint()
        except seals.NoAuditKey as error:
            raise CommandError(str(error)) from error
        self.stdout.write(seals.as_text(sealed))
