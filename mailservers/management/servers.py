"""The servers a command is about."""

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from mailservers.models import Server


def add_server_argument(parser: CommandParser) -> None:
    parser.add_argument("--server", metavar="NAME", help="this one alone (default: all)")


def chosen_servers(name: str | None) -> QuerySet[Server]:
    """Raises CommandError when there is none of this name."""
    servers = Server.objects.filter(name=name) if name else Server.objects.all()
    if name and not servers.exists():
        known = ", ".join(Server.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no server named {name!r}. There are: {known}.")
    return servers
