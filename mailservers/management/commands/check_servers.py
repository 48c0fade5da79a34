from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mailservers.checking import check
from mailservers.management.servers import add_server_argument, chosen_servers


class Command(BaseCommand):
    help = "Checks in this process, without the workers, whether the mail servers can be reached."

    def add_arguments(self, parser: CommandParser) -> None:
        add_server_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for server in chosen_servers(options["server"]):
            error = check(server)
            server.refresh_from_db()
            self.stdout.write(f"{server}: {server.check_error_text or f'all well, {server.version}'}")
            wrong += error is not None
        if wrong:
            raise CommandError(f"Something is wrong with {wrong} of them.")
