"""Whose name and password these are: tries counted, and every wrong one answered alike."""

import time

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts import throttling
from accounts.models import Mailbox, Person
from audit.chain import record
from audit.models import Event

# A wrong password is told after so long: one scheme of hashes is slower than another, and some names have
# none at all. Longer than any of them takes here.
WRONG_AFTER_SECONDS = 0.5


def person_with(request: HttpRequest, name: str, password: str) -> Person | None:
    """None when they do not belong together; raises TooManyTries without looking."""
    this_try = throttling.begin_try(request, "password", name)
    began = time.monotonic()
    found = authenticate(request, username=name, password=password)
    if isinstance(found, Person):
        this_try.was_right()
        return found
    _note_failure(name)
    time.sleep(max(0.0, began + WRONG_AFTER_SECONDS - time.monotonic()))
    return None


def _note_failure(name: str) -> None:
    """Only for names that exist: what else is typed there may be a password."""
    person = Person.objects.filter(username=name.strip().casefold()).first()
    mailbox = Mailbox.objects.named(name).select_related("domain").first()
    about = mailbox or person
    if about:
        record(
            "person.sign_in_failed",
            by=None,
            about=about,
            domain=mailbox.domain.name if mailbox else "",
            outcome=Event.Outcome.FAILED,
        )
