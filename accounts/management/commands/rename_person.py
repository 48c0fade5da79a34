import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import names
from accounts.models import Person
from accounts.naming import folded
from accounts.people import rename
from accounts.people_forms import USERNAME


class Command(BaseCommand):
    help = "Gives somebody who signs in by a user name another one: for names that collide with an address."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("new")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Person.objects.filter(username=folded(options["username"])).first()
        if person is None or not names.signs_in_themselves(person):
            raise CommandError("Nobody signs in by this user name.")
        new = folded(options["new"])
        if not USERNAME.fullmatch(new) or names.is_hosted_address(new):
            raise CommandError("This can't be a user name: it has other signs, or is an address here.")
        try:
            rename(person, new, by=None)
        except names.NameTaken:
            raise CommandError("Somebody signs in with this name already.") from None
        self.stdout.write(f"Renamed: they sign in as {new} from now on. Tell them.")
