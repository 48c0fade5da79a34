import argparse
from typing import Any

from django.core.management.base import BaseCommand

from accounts import names
from accounts.people import lift_lock


class Command(BaseCommand):
    help = "Lets somebody try again at once who was locked by too many wrong passwords or codes."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="a user name, an address or a login")

    def handle(self, *args: Any, **options: Any) -> None:
        count = lift_lock(names.who_is(options["name"]))
        self.stdout.write(f"{count} tries count no longer.")
