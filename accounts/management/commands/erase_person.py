import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Person
from accounts.personal import StillNeeded, erase_person, events_about


class Command(BaseCommand):
    help = "Erases who a person was, in the portal and in the audit chain, which stays verifiable. For good."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="kept in the audit; name nobody in it")
        parser.add_argument(
            "--dry-run", action="store_true", help="tell how much would go, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(username=options["username"].casefold()).first()
        if person is None:
            raise CommandError("There is no such person.")
        if options["dry_run"]:
            count = sum(events.count() for events in events_about(person).values())
            self.stdout.write(f"Names, addresses and contents in {count} places of events would be erased.")
            return
        try:
            count = erase_person(person, options["reason"], by=None)
        except StillNeeded as error:
            raise CommandError(
                "This person has a mailbox or looks after a domain: delete the mailbox, or take the domain"
                " from them first."
            ) from error
        self.stdout.write(f"Erased: the person, and {count} places of events. The chain stays verifiable.")
