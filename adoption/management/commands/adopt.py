import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Domain
from adoption.adopting import DomainPlan, adopt_domain, plan_domain
from adoption.services import inventory_of
from adoption.sources import CsvFile, PostfixAdmin
from mailservers.drivers.base import DriverError, Inventory, Limits
from mailservers.models import Server, say
from mailservers.servers import driver_for

HEAD = ("domain", "mailboxes", "known", "replies", "forwards", "aliases", "locked", "own rules")
DATABASE_URL = "POSTFIXADMIN_URL"


class Command(BaseCommand):
    help = (
        "Takes over the domains, mailboxes, auto-replies and aliases that a mail server holds already, and"
        " changes nothing there. Without --csv and --postfixadmin the server itself is asked. Shows the plan"
        " first. Broken off, it goes on where it was when it is called again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server", help="the server in the portal that the mailboxes are on")
        parser.add_argument("--domain", metavar="NAME", help="only this domain")
        parser.add_argument(
            "--returning",
            action="store_true",
            help="also mailboxes whose login another one had that was removed for good: they are the same",
        )
        parser.add_argument("--dry-run", action="store_true", help="show the plan, and take over nothing")
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--csv", metavar="FILE", type=Path, help="ask a file; docs/adoption.md tells its form"
        )
        source.add_argument(
            "--postfixadmin",
            action="store_true",
            help=f"ask the PostfixAdmin database whose address is in the variable {DATABASE_URL}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server = Server.objects.filter(name=options["server"]).first()
        if server is None:
            raise CommandError(f"There is no server named {options['server']!r}.")
        try:
            inventory = self._inventory(server, options)
            plans = self._plan(server, inventory, (options["domain"] or "").lower())
            if not options["dry_run"]:
                self._take_over(server, inventory, plans, returning=options["returning"])
        except DriverError as error:
            raise CommandError(say(error.reason, error.values)) from None

    @staticmethod
    def _inventory(server: Server, options: dict[str, Any]) -> Inventory:
        if options["csv"]:
            return CsvFile(options["csv"])
        if options["postfixadmin"]:
            if not os.environ.get(DATABASE_URL):
                raise CommandError(f"Put the database's address into {DATABASE_URL}: it may hold a password.")
            return PostfixAdmin(os.environ[DATABASE_URL])
        return inventory_of(server)

    def _plan(self, server: Server, inventory: Inventory, only: str) -> list[DomainPlan]:
        names = sorted(inventory.domains())
        if only and only not in names:
            raise CommandError(f"There is no domain {only} to take over.")
        plans = []
        self._line(*HEAD)
        for name in [only] if only else names:
            plan = plan_domain(server, inventory, name)
            plans.append(plan)
            numbers = (plan.mailboxes, plan.here, plan.replies, plan.forwards, plan.aliases, plan.locked)
            self._line(name, *numbers, plan.own_rules, *(["on another server: left out"] * plan.elsewhere))
        self.stdout.write(
            "Forwardings go on: their addresses are not asked again whether they want the mail."
            " Where passwords are locked, the portal asks the mail server when their users sign in:"
            " for that, the server's settings have to name its IMAP host."
        )
        return plans

    def _take_over(
        self, server: Server, inventory: Inventory, plans: list[DomainPlan], *, returning: bool
    ) -> None:
        total = sum(plan.mailboxes for plan in plans)
        seen = adopted = aliases = 0
        limits = self._limits(server)
        left_out: list[str] = []
        for plan in plans:
            pieces = adopt_domain(server, inventory, plan.name, limits=limits, by=None, returning=returning)
            for piece in pieces:
                seen, adopted, aliases = (
                    seen + piece.seen,
                    adopted + piece.adopted,
                    aliases + piece.aliases,
                )
                left_out += [f"{address}: {say(why, values)}" for address, why, values in piece.passed_over]
                self._tell_progress(seen, total)
        self._end_progress(seen, total)
        for line in left_out:
            self.stderr.write(line)
        here = Domain.objects.filter(server=server).count()
        self.stdout.write(
            f"{adopted} mailboxes and {aliases} aliases taken over."
            f" {server} has {here} domains in the portal now."
        )

    def _tell_progress(self, seen: int, total: int) -> None:
        """A bar that grows in its place on a terminal; nothing in a log."""
        if self.stdout.isatty():
            self.stdout.write(f"\r{_bar(seen, total)}", ending="")
            self.stdout.flush()

    def _end_progress(self, seen: int, total: int) -> None:
        self.stdout.write(f"{chr(13) * self.stdout.isatty()}{_bar(seen, total)}")

    @staticmethod
    def _limits(server: Server) -> Limits:
        return driver_for(server).limits

    def _line(self, name: object, *cells: object) -> None:
        self.stdout.write(f"{name!s:40} " + " ".join(f"{cell!s:>9}" for cell in cells))


def _bar(seen: int, total: int) -> str:
    percent = seen * 100 // total if total else 100
    return f"[{'#' * (percent // 4):25}] {seen} of {total} mailboxes ({percent} %)"
