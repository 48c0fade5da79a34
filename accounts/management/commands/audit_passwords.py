import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import password_audit
from accounts.models import Domain, PasswordAudit
from accounts.progress import show_progress


class Command(BaseCommand):
    help = (
        "Tries the passwords that guessers try first (login, address and name, varied a little, and the"
        " commonest passwords) against the hashes held here. Mailboxes whose password is guessed are"
        " marked for their users and webmasters until it is changed; the passwords are neither shown nor"
        " kept. Interrupted, it goes on where it was the next time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--domain", metavar="NAME", help="only the mailboxes of this domain")
        parser.add_argument(
            "--commonest", type=int, default=100, metavar="N", help="so many of the commonest passwords (100)"
        )
        parser.add_argument("--processes", type=int, metavar="N", help="on so many cores (all)")
        parser.add_argument("--anew", action="store_true", help="from the beginning, not where it stopped")
        parser.add_argument("--dry-run", action="store_true", help="count them, and mark and keep nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        domain = None
        if name := options["domain"]:
            domain = Domain.objects.filter(name=name.casefold()).first()
            if domain is None:
                raise CommandError(f"There is no domain named {name!r}.")
        dry, commonest = options["dry_run"], max(0, options["commonest"])
        audit = PasswordAudit(domain=domain, commonest=commonest)
        if not dry:
            audit = password_audit.begin(domain, commonest=commonest, anew=options["anew"])
        if audit.reached:
            self.stderr.write(f"Going on after {audit.mailboxes} mailboxes of an earlier run.")
        self._run(audit, domain, processes=password_audit.processes_for(options["processes"]), dry=dry)

    def _run(self, audit: PasswordAudit, domain: Domain | None, *, processes: int, dry: bool) -> None:
        left = password_audit.count(domain, audit.reached)
        began, done, tries, found = time.monotonic(), 0, 0, 0
        rounds = password_audit.rounds(
            domain, after=audit.reached, commonest=audit.commonest, processes=processes, note=not dry
        )
        try:
            for tally in rounds:
                done, tries, found = done + tally.mailboxes, tries + tally.tries, found + tally.found
                if not dry:
                    password_audit.keep(audit, tally)
                seconds = time.monotonic() - began
                show_progress(self.stderr, done, left, seconds, f"{found} guessed")
        except KeyboardInterrupt:
            raise CommandError(f"Stopped after {done} of {left}. The next run goes on from there.") from None
        if not dry:
            password_audit.finish(audit)
        seconds = max(time.monotonic() - began, 0.001)
        if sys.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(
            f"{done} mailboxes, {tries} tries in {seconds:.0f} s on {processes} cores"
            f" ({tries / seconds:.0f} a second). Guessed: {found}{', nothing marked' if dry else ''}."
        )
