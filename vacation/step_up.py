"""Whether the person at the screen is the one who signed in."""

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts.requests import person_of


def password_is_right(request: HttpRequest, typed: str) -> bool:
    """The own password of staff and webmasters, the mailbox's of a mailbox user."""
    person = person_of(request)
    names = [person.username, *person.mailboxes.alive().values_list("address", flat=True)[:20]]
    return bool(typed) and any(
        found is not None and found.pk == person.pk
        for name in names
        for found in [authenticate(request, username=name, password=typed)]
    )
