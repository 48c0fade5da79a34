"""How people's own passwords are hashed: no more work for a stranger to cause than mailboxes' are."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.places import HASHING


class PeoplesHasher(Argon2PasswordHasher):
    """19 MiB and 2 rounds on one lane, as OWASP recommends; Django's own takes 100 MiB.

    An older hash is made anew at the next sign-in. Few at once (places.py); raises Busy.
    """

    memory_cost, time_cost, parallelism = 19 * 1024, 2, 1

    def encode(self, password: str, salt: str) -> str:
        with HASHING.one():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with HASHING.one():
            return bool(super().verify(password, encoded))
