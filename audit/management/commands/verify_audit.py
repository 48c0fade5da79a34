from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.chain import broken_links


class Command(BaseCommand):
    help = "Checks that no audit event was changed, deleted, inserted or reordered."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = list(broken_links())
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError("The audit chain is broken.")
        self.stdout.write("The audit chain is whole.")
