"""Makes the pair of keys for passwords that a mail server takes in clear text only."""

import base64
from typing import Any

from django.core.management.base import BaseCommand
from nacl.public import PrivateKey


class Command(BaseCommand):
    help = "Prints two settings: one for all processes of the portal, and one for the workers alone."

    def handle(self, *args: Any, **options: Any) -> None:
        key = PrivateKey.generate()
        for name, part in (("PUBLIC", key.public_key.encode()), ("PRIVATE", key.encode())):
            self.stdout.write(f"PORTAL_SEALING_{name}_KEY={base64.b64encode(part).decode()}")
