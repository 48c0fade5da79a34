import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import names
from accounts.models import Person
from accounts.naming import BadName, folded
from accounts.people import rename


class Command(BaseCommand):
    help = "Gives somebody who signs in by a user name another one: for names that collide with an address."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("new")

    def handle(self, *args: Any, **options: Any) -> None:
        themselves = Person.objects.signing_in_themselves()
        person = themselves.filter(username=folded(options["username"])).first()
        if person is None:
            raise CommandError("Nobody signs in by this user name.")
        new = folded(options["new"])
        try:
            rename(person, new, by=None)
        except names.NameTaken:
            raise CommandError("Somebody signs in with this name already.") from None
        except BadName as wrong:
            raise CommandError(wrong.sentence % wrong.values) from None
        self.stdout.write(f"Renamed: they sign in as {new} from now on. Tell them.")
