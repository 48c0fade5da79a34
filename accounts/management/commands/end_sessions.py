import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import names
from accounts.models import Person
from accounts.people import sign_out_everywhere


class Command(BaseCommand):
    help = "Signs somebody, or everybody, out of the portal everywhere; they sign in again as ever."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("name", nargs="?", help="a user name, an address or a login")
        whose.add_argument("--everybody", action="store_true", help="whoever is signed in")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["everybody"]:
            people = list(Person.objects.filter(sessions__isnull=False).distinct())
        else:
            named = names.who_is(options["name"])
            found = (named.person, *(mailbox.owner for mailbox in named.mailboxes))
            people = list({each.pk: each for each in found if each is not None}.values())
            if not people:
                raise CommandError("Nobody who has signed in here has this name.")
        count = sum(sign_out_everywhere(person) for person in people)
        self.stdout.write(f"{count} sessions of {len(people)} people ended.")
