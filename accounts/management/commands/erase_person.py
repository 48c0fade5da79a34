import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Person
from accounts.personal import StillNeeded, erase_name, erase_person, events_about, events_about_name


class Command(BaseCommand):
    help = "Erases who a person was, in the portal and in the audit chain, which stays verifiable. For good."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username", help="or the address of a mailbox that was removed for good")
        parser.add_argument("--reason", required=True, help="kept in the audit; name nobody in it")
        parser.add_argument(
            "--dry-run", action="store_true", help="tell how much would go, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"].casefold()
        person = Person.objects.filter(username=name).first()
        try:
            groups = events_about(person) if person else events_about_name(name)
        except StillNeeded:
            raise CommandError("A mailbox has this address: name the person whose it is.") from None
        found = sum(events.count() for events in groups.values())
        if person is None and not found:
            raise CommandError("There is no such person, and the audit knows nobody of this name.")
        if options["dry_run"]:
            self.stdout.write(f"Names, addresses and contents in {found} places of events would be erased.")
            return
        try:
            if person is None:
                count = erase_name(name, options["reason"], by=None)
            else:
                count = erase_person(person, options["reason"], by=None)
        except StillNeeded as error:
            raise CommandError(
                "This person has a mailbox or looks after a domain: delete the mailbox, or take the domain"
                " from them first."
            ) from error
        self.stdout.write(f"Erased: the person, and {count} places of events. The chain stays verifiable.")
