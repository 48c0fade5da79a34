"""Signing in, in one or two steps, and how long that lasts."""

import math
import time
from datetime import timedelta

import django_otp
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.urls import reverse
from django_otp.models import Device

from accounts import second_factors
from accounts.languages import OF_DOMAIN, language_and_domain
from accounts.models import Person
from accounts.next_page import is_ours
from accounts.open_sessions import PROGRAM, SEEN_AT, SOURCE, STARTED_AT
from accounts.requests import person_of
from accounts.session_store import ENDS_AT
from audit.chain import record
from audit.origin import current_origin

# In the session of somebody who gave a right password and still owes the code.
OWES_CODE = "owes_code"
# The id of the one domain the person belongs to: how pages look is its own.
OWN_DOMAIN = "own_domain"
# The same, of somebody who must have a second factor and has none yet.
OWES_DEVICE = "owes_device"
SEEN_EVERY_SECONDS = 300
# Whoever has a password alone waits no longer at the second step.
HALFWAY = timedelta(hours=1)


def sign_in(request: HttpRequest, person: Person) -> None:
    """Begin a session for somebody whose password was right; a second factor may still be due."""
    auth.login(request, person)
    request.session.set_expiry(None)
    request.session[OF_DOMAIN], request.session[OWN_DOMAIN] = language_and_domain(person)
    now = time.time()
    about = {
        STARTED_AT: now,
        SEEN_AT: now,
        SOURCE: current_origin().address,
        PROGRAM: request.headers.get("User-Agent", "")[:300],
    }
    request.session.update(about)
    # Of an earlier sign-in in the same session.
    for flag in (OWES_CODE, OWES_DEVICE):
        request.session.pop(flag, None)
    if second_factors.has_device(person):
        request.session[OWES_CODE] = True
    elif second_factors.is_mandatory_for(person):
        request.session[OWES_DEVICE] = True
    else:
        record("person.signed_in", by=person, about=person)
    halfway = OWES_CODE in request.session or OWES_DEVICE in request.session
    longest = HALFWAY if halfway else _longest(person)
    request.session[ENDS_AT] = now + longest.total_seconds()


def second_factor_is_due(request: HttpRequest) -> bool:
    """A code, or to set a second factor up."""
    return request.user.is_authenticated and (OWES_CODE in request.session or OWES_DEVICE in request.session)


def owes_code(request: HttpRequest) -> bool:
    """Also who was to set a first second factor up, and somebody else did meanwhile."""
    return bool(request.session.get(OWES_CODE)) or (
        bool(request.session.get(OWES_DEVICE)) and second_factors.has_device(person_of(request))
    )


def owes_device(request: HttpRequest) -> bool:
    """Whether the person must have a second factor, and has none now."""
    return bool(request.session.get(OWES_DEVICE)) and not second_factors.has_device(person_of(request))


def accept_code(request: HttpRequest, code: str) -> bool:
    """Finish signing in if the code is right for one of the person's devices; the session's key changes."""
    device = second_factors.device_for_code(person_of(request), code)
    if device is None:
        return False
    accept_device(request, device)
    return True


def accept_device(request: HttpRequest, device: Device) -> None:
    """The person has just used the device, or set it up; signing in ends with it, if it was due."""
    person = person_of(request)
    was_due = second_factor_is_due(request)
    django_otp.login(request, device)
    request.session.pop(OWES_CODE, None)
    request.session.pop(OWES_DEVICE, None)
    if was_due:
        request.session[ENDS_AT] = time.time() + _longest(person).total_seconds()
    request.session.cycle_key()
    if was_due:
        record("person.signed_in", by=person, about=person)


def wanted_page(request: HttpRequest) -> str:
    """The page somebody wanted before they were asked to sign in, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return wanted if is_ours(wanted) else reverse("home")


def note_visit(request: HttpRequest) -> None:
    """Keep when the session was last used, now and then."""
    seen_at = request.session.get(SEEN_AT)
    if seen_at is not None and seen_at < time.time() - SEEN_EVERY_SECONDS:
        request.session[SEEN_AT] = time.time()


def ends_in_seconds(request: HttpRequest) -> int:
    """If nothing is asked for from now on."""
    left = request.session.get(ENDS_AT, math.inf) - time.time()
    return int(max(1, min(left, settings.SESSION_COOKIE_AGE)))


def _longest(person: Person) -> timedelta:
    """After that it ends, however often it is visited: what staff and webmasters can do is worth more."""
    if second_factors.is_mandatory_for(person):
        return timedelta(hours=settings.STAFF_SESSION_HOURS)
    return timedelta(days=settings.MAILBOX_SESSION_DAYS)
