from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from accounts.models import AuthenticatorApp
from accounts.sealed_keys import open_key, seal_key
from audit.chain import record
from mailservers.credentials import CredentialsLocked, reseal
from mailservers.models import Server


class Command(BaseCommand):
    help = (
        "Seals the credentials of every server and the key of every authenticator app anew, with the first"
        " key of PORTAL_CREDENTIAL_KEYS."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        dry = options["dry_run"]
        for server in Server.objects.exclude(sealed_credentials=""):
            try:
                renewed = reseal(server.sealed_credentials)
            except CredentialsLocked:
                self.stderr.write(f"{server}: none of the keys opens its credentials. Left as they are.")
                continue
            if not dry:
                with transaction.atomic():
                    Server.objects.filter(pk=server.pk).update(sealed_credentials=renewed)
                    record("server.credentials_resealed", by=None, about=server)
            self.stdout.write(f"{server}: {'would be sealed' if dry else 'sealed'} anew.")
        self._reseal_apps(dry=dry)

    def _reseal_apps(self, *, dry: bool) -> None:
        done = 0
        for app in AuthenticatorApp.objects.select_related("user").iterator():
            try:
                renewed = seal_key(open_key(app.key))
            except CredentialsLocked:
                self.stderr.write(
                    f"{app.user}: none of the keys opens the key of an authenticator app. Left as it is."
                )
                continue
            if not dry:
                # Unless it was removed, or is another, meanwhile.
                AuthenticatorApp.objects.filter(pk=app.pk, key=app.key).update(key=renewed)
            done += 1
        if done:
            self.stdout.write(f"Authenticator apps: {done} {'would be sealed' if dry else 'sealed'} anew.")
