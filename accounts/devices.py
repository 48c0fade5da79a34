"""Browsers in which somebody has signed in before, told by a cookie that only they hold.

Nobody who tries passwords elsewhere can lock such a browser out: its tries are counted apart.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.codes import hash_of, new_code
from accounts.models import KnownDevice, Person

KEPT_FOR = timedelta(days=400)  # browsers keep no cookie longer


def is_known_to(request: HttpRequest, name: str) -> bool:
    """Whether somebody with this name (user name, address or login) has signed in here before."""
    theirs = Q(person__username=name) | Q(person__mailboxes__address=name) | Q(person__mailboxes__login=name)
    return KnownDevice.objects.filter(theirs, cookie_hash=cookie_hash(request)).exists()


def remember_device(request: HttpRequest, response: HttpResponse, person: Person) -> None:
    """After somebody has signed in wholly: this browser is theirs from now on."""
    kept, now = request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE_NAME, ""), timezone.now()
    theirs = KnownDevice.objects.filter(cookie_hash=hash_of(kept), person=person)
    if not kept or not theirs.update(last_used_at=now):
        kept = _make_known(kept, person, now)
    response.set_cookie(
        settings.KNOWN_DEVICE_COOKIE_NAME,
        kept,
        max_age=KEPT_FOR,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _make_known(kept: str, person: Person, now: datetime) -> str:
    """What the browser is to keep from now on."""
    # What nobody has been given is no cookie of ours: one planted from elsewhere would be known to others.
    if not kept or not KnownDevice.objects.filter(cookie_hash=hash_of(kept)).exists():
        kept = new_code()
    KnownDevice.objects.update_or_create(
        cookie_hash=hash_of(kept), person=person, defaults={"last_used_at": now}
    )
    return kept


def forget_devices(person: Person) -> None:
    """None is known any more, after a password may have been in others' hands."""
    KnownDevice.objects.filter(person=person).delete()


def cookie_hash(request: HttpRequest) -> str:
    return hash_of(request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE_NAME, ""))
