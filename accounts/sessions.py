"""Signing in, in one or two steps, and out; and the sessions that somebody has elsewhere."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import django_otp
from django.contrib import auth
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme
from django_otp.models import Device

from accounts import second_factors
from accounts.languages import OF_DOMAIN, language_and_domain
from accounts.models import Person, PersonSession
from accounts.requests import person_of
from audit.chain import record
from audit.origin import current_origin

# In the session of somebody who gave a right password and still owes the code.
OWES_CODE = "owes_code"
# The id of the one domain the person belongs to: how pages look is its own.
OWN_DOMAIN = "own_domain"
# The same, of somebody who must have a second factor and has none yet.
OWES_DEVICE = "owes_device"
# What people are told of their sessions.
STARTED_AT, SEEN_AT, SOURCE, PROGRAM = "started_at", "seen_at", "source_address", "program"
SEEN_EVERY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a person's sessions, as the page *My devices* tells it."""

    number: str
    """What a form may name it by: not its key, which opens it."""
    started_at: datetime | None
    seen_at: datetime | None
    source_address: str
    program: str
    is_this: bool


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
    if second_factors.has_device(person):
        request.session[OWES_CODE] = True
    elif second_factors.is_mandatory_for(person):
        request.session[OWES_DEVICE] = True
    else:
        record("person.signed_in", by=person, about=person)


def second_factor_is_due(request: HttpRequest) -> bool:
    """A code, or to set a second factor up."""
    return request.user.is_authenticated and (owes_code(request) or owes_device(request))


def owes_code(request: HttpRequest) -> bool:
    return bool(request.session.get(OWES_CODE))


def owes_device(request: HttpRequest) -> bool:
    return bool(request.session.get(OWES_DEVICE))


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
    request.session.cycle_key()
    if was_due:
        record("person.signed_in", by=person, about=person)


def wanted_page(request: HttpRequest) -> str:
    """The page somebody wanted before they were asked to sign in, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("home")


def note_visit(request: HttpRequest) -> None:
    """Keep when the session was last used, now and then."""
    seen_at = request.session.get(SEEN_AT)
    if seen_at is not None and seen_at < time.time() - SEEN_EVERY_SECONDS:
        request.session[SEEN_AT] = time.time()


def sessions_of(person: Person, request: HttpRequest) -> list[OpenSession]:
    """Those that have not run out, this one first, then the last used."""
    rows = PersonSession.objects.filter(person=person, expire_date__gt=timezone.now())
    found = [_told(row, is_this=row.session_key == request.session.session_key) for row in rows]
    return sorted(found, key=lambda each: (not each.is_this, -(each.seen_at or _EPOCH).timestamp()))


def end_session(person: Person, number: str) -> bool:
    """Whether there was such a session of this person; the next request with it is a stranger's."""
    rows = PersonSession.objects.filter(person=person)
    keys = [row.session_key for row in rows if _number(row) == number]
    PersonSession.objects.filter(session_key__in=keys).delete()
    if keys:
        record("person.session_ended", by=person, about=person)
    return bool(keys)


def end_sessions(person: Person, *, but: str | None = None) -> int:
    """End all of the person's sessions here, without the one with the key `but`; how many there were."""
    others = PersonSession.objects.filter(person=person).exclude(session_key=but or "")
    return others.delete()[0]


def forget_over() -> int:
    """Those that have run out are nobody's business any more; how many there were."""
    return PersonSession.objects.filter(expire_date__lt=timezone.now()).delete()[0]


_EPOCH = datetime.fromtimestamp(0, UTC)


def _told(row: PersonSession, *, is_this: bool) -> OpenSession:
    about = row.get_decoded()
    return OpenSession(
        number=_number(row),
        started_at=_moment(about.get(STARTED_AT)),
        seen_at=_moment(about.get(SEEN_AT)),
        source_address=about.get(SOURCE, ""),
        program=about.get(PROGRAM, ""),
        is_this=is_this,
    )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _number(row: PersonSession) -> str:
    return salted_hmac("accounts.sessions", row.session_key, algorithm="sha256").hexdigest()[:32]
