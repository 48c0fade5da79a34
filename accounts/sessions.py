"""Signing in, in one or two steps, and out."""

import django_otp
from django.contrib import auth
from django.http import HttpRequest

from accounts.languages import OF_DOMAIN, domain_language, only_domain
from accounts.models import Person
from accounts.requests import person_of
from audit.chain import record

# In the session of somebody who gave a right password and still owes the code.
OWES_CODE = "owes_code"
# The id of the one domain the person belongs to: how pages look is its own.
OWN_DOMAIN = "own_domain"


def sign_in(request: HttpRequest, person: Person) -> None:
    """Begin a session for somebody whose password was right; a second factor may still be due."""
    auth.login(request, person)
    request.session[OF_DOMAIN] = domain_language(person)
    request.session[OWN_DOMAIN] = only_domain(person)
    if django_otp.user_has_device(person):
        request.session[OWES_CODE] = True
    else:
        record("person.signed_in", by=person, about=person)


def second_factor_is_due(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(request.session.get(OWES_CODE))


def accept_code(request: HttpRequest, code: str) -> bool:
    """Finish signing in if the code is right for one of the person's devices; the session's key changes."""
    person = person_of(request)
    device = django_otp.match_token(person, code)
    if device is None:
        return False
    django_otp.login(request, device)
    del request.session[OWES_CODE]
    request.session.cycle_key()
    record("person.signed_in", by=person, about=person)
    return True
