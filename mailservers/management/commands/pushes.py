from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from mailservers.management.servers import add_server_argument, chosen_servers
from mailservers.models import Change


class Command(BaseCommand):
    help = "Lists changes, newest first: where each stands, and why it failed or waits."

    def add_arguments(self, parser: CommandParser) -> None:
        add_server_argument(parser)
        parser.add_argument("--failed", action="store_true", help="those alone that failed and still count")
        parser.add_argument(
            "--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        changes = Change.objects.filter(server__in=chosen_servers(options["server"]))
        if options["failed"]:
            changes = changes.filter(state=Change.State.FAILED).without_newer()
        newest = changes.select_related("server", "mailbox", "alias").newest_first()
        for change in newest[: max(0, options["limit"])]:
            moment = timezone.localtime(change.settled_at or change.requested_at)
            told = [
                str(change.pk),
                change.state,
                f"{moment:%Y-%m-%d %H:%M:%S}",
                change.server.name,
                change.aspect,
                str(change.subject),
                change.reason_text,
            ]
            self.stdout.write("  ".join(told).rstrip())
