from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mailservers import pushing
from mailservers.management.servers import add_server_argument, chosen_servers
from mailservers.models import Change, Server
from mailservers.operating import hurry


class Command(BaseCommand):
    help = (
        "Pushes what waits, in this process: it needs neither broker nor worker. What waits for its next"
        " attempt is tried now. Nothing is pushed to a server that is paused or in maintenance."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_server_argument(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        for server in chosen_servers(options["server"]):
            waiting = self._waiting(server)
            if server.paused_at or server.is_in_maintenance:
                why = "paused" if server.paused_at else "in maintenance"
                self.stdout.write(f"{server}: {waiting} waiting, but the server is {why}.")
            elif options["dry_run"]:
                self.stdout.write(f"{server}: {waiting} would be pushed.")
            else:
                hurry(server)
                _push_all(server)
                self.stdout.write(f"{server}: {waiting} were waiting, {self._waiting(server)} still are.")

    def _waiting(self, server: Server) -> int:
        return Change.objects.filter(server=server).open().count()


def _push_all(server: Server) -> None:
    """Until nothing is due any more, or the server turns out to be away."""
    while (wish := pushing.push_some(server.pk)) is not None and wish.in_seconds == 0:
        pass
