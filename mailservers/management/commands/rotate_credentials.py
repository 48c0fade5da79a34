from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from audit.chain import record
from mailservers.credentials import CredentialsLocked, reseal
from mailservers.models import Server


class Command(BaseCommand):
    help = "Seals the credentials of every server anew, with the first key of PORTAL_CREDENTIAL_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        for server in Server.objects.exclude(sealed_credentials=""):
            try:
                renewed = reseal(server.sealed_credentials)
            except CredentialsLocked:
                self.stderr.write(f"{server}: none of the keys opens its credentials. Left as they are.")
                continue
            if not options["dry_run"]:
                with transaction.atomic():
                    Server.objects.filter(pk=server.pk).update(sealed_credentials=renewed)
                    record("server.credentials_resealed", by=None, about=server)
            self.stdout.write(f"{server}: {'would be sealed' if options['dry_run'] else 'sealed'} anew.")
