"""Whose name and password these are: tries counted, and every wrong one answered alike."""

import time

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts import throttling
from accounts.models import Mailbox, Person
from accounts.names import Named, who_is
from accounts.places import KNOWN_BROWSERS, UNKNOWN_BROWSERS, Busy
from accounts.refusals import note_refusal
from audit.chain import record
from audit.models import Event

# A wrong password is told after so long: one scheme of hashes is slower than another, and some names have
# none at all. Longer than any of them takes here. Few wait for that at once (places.py).
WRONG_AFTER_SECONDS = 0.5


def person_with(request: HttpRequest, name: str, password: str) -> Person | None:
    """None when they do not belong together; raises TooManyTries or Busy without looking, or CannotAsk."""
    began = time.monotonic()
    named = who_is(name)
    this_try = throttling.begin_try(request, "password", named)
    places = KNOWN_BROWSERS if this_try.in_known_browser else UNKNOWN_BROWSERS
    try:
        with places.one():
            found = authenticate(request, username=name, password=password, named=named)
            if isinstance(found, Person):
                this_try.was_right()
                return found
            _note_failure(named)
            time.sleep(max(0.0, began + WRONG_AFTER_SECONDS - time.monotonic()))
    except Busy:
        this_try.was_right()
        raise
    return None


def _note_failure(named: Named) -> None:
    """Of everybody whom the name leads to; of nobody's, what was typed may be a password."""
    if named.person is None and not named.mailboxes:
        note_refusal("unknown name")
    for about in (named.person, *named.mailboxes):
        if about is not None:
            record(
                "person.sign_in_failed",
                by=None,
                about=about,
                domain=about.domain.name if isinstance(about, Mailbox) else "",
                outcome=Event.Outcome.FAILED,
            )
