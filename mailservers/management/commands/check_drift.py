from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mailservers import comparing
from mailservers.aspects import watched_aspects
from mailservers.models import Server, say


class Command(BaseCommand):
    help = (
        "Compares what the mail servers hold with what they were last seen to hold, and says what somebody"
        " changed there. Mailboxes with a change on its way are left out. Ends with 1 when a server could"
        " not be asked, or with 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", metavar="NAME", help="only the mailboxes on this server")
        parser.add_argument("--domain", metavar="NAME", help="only the mailboxes of this domain")
        parser.add_argument("--dry-run", action="store_true", help="say what is different, and note nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        servers, domain = Server.objects.all(), None
        if name := options["server"]:
            servers = servers.filter(name=name)
            if not servers:
                raise CommandError(f"There is no server named {name!r}.")
        if name := options["domain"]:
            domain = apps.get_model("accounts", "Domain").objects.filter(name=name.casefold()).first()
            if domain is None:
                raise CommandError(f"There is no domain named {name!r}.")
            servers = servers.filter(pk=domain.server_id)
        not_asked = [server.name for server in servers if not self._check(server, domain, options)]
        if not_asked:
            raise CommandError(f"Not checked to the end: {', '.join(not_asked)}.")

    def _check(self, server: Server, domain: Any, options: dict[str, Any]) -> bool:
        """Whether every mailbox was come to."""
        if reason := comparing.why_not_now(server):
            self.stderr.write(f"{server.name}: {reason}")
            return False
        for aspect in watched_aspects():
            compared, drifted, after, finished = 0, 0, 0, False
            while not finished:
                with comparing.connections_to(server) as connections:
                    tally = comparing.compare_some(
                        server,
                        aspect,
                        domain=domain,
                        after=after,
                        # People's changes have taken all: one more connection does no harm.
                        connections=max(1, connections),
                        note=not options["dry_run"],
                    )
                after, finished = tally.reached, tally.finished
                compared, drifted = compared + tally.compared, drifted + len(tally.found)
                for found in tally.found:
                    for sentence, values in found.drift.differences:
                        self.stdout.write(f"{found.subject}: {say(sentence, values)}")
                for subject, targets, _ in tally.redirects:
                    self.stdout.write(f"{subject}: mail is sent on to {', '.join(targets)}")
                if tally.error is not None:
                    self.stderr.write(f"{server.name}: {say(tally.error.reason, tally.error.values)}")
                    return False
            self.stdout.write(f"{server.name}: {aspect.name}: {compared} compared, {drifted} different.")
        return True
