"""Browsers in which somebody has signed in before, told by a cookie that only they hold.

Nobody who tries passwords elsewhere can lock such a browser out: its tries are counted apart. The cookie
holds a code for each of the people who used that browser; a code is one person's, is made anew at each
sign-in, and so is worth nothing to whoever had it before. Few are known of each person, and none any more
when their password or second factor changes.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.codes import hash_of, new_code
from accounts.models import KnownDevice, Person

KEPT_FOR = timedelta(days=400)  # browsers keep no cookie longer
MOST_OF_PERSON, MOST_IN_COOKIE = 10, 5
# No letter of a code.
BETWEEN = "."


def known_devices(request: HttpRequest) -> dict[int, KnownDevice]:
    """This browser, for each of the people who have signed in here before, by their numbers."""
    rows = KnownDevice.objects.filter(cookie_hash__in=[hash_of(code) for code in _codes_in(request)])
    return {row.person_id: row for row in rows}


def remember_device(request: HttpRequest, response: HttpResponse, person: Person) -> None:
    """After somebody has signed in wholly: this browser is theirs from now on, by a new code."""
    now, kept = timezone.now(), _codes_in(request)
    rows = list(KnownDevice.objects.filter(cookie_hash__in=[hash_of(code) for code in kept]))
    mine = [row for row in rows if row.person_id == person.pk]
    # What we have given to nobody is forgotten, and what is others' stays theirs.
    others = {row.cookie_hash for row in rows if row.person_id != person.pk}
    code = new_code()
    if mine:
        KnownDevice.objects.filter(pk=mine[0].pk).update(cookie_hash=hash_of(code), last_used_at=now)
        KnownDevice.objects.filter(pk__in=[row.pk for row in mine[1:]]).delete()
    else:
        KnownDevice.objects.create(person=person, cookie_hash=hash_of(code), last_used_at=now)
        _forget_oldest(person)
    codes = [code, *(each for each in kept if hash_of(each) in others)]
    response.set_cookie(
        settings.KNOWN_DEVICE_COOKIE_NAME,
        BETWEEN.join(codes[:MOST_IN_COOKIE]),
        max_age=KEPT_FOR,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def forget_devices(person: Person) -> None:
    """None is known any more, after a password may have been in others' hands."""
    KnownDevice.objects.filter(person=person).delete()


def _forget_oldest(person: Person) -> None:
    theirs = KnownDevice.objects.filter(person=person)
    newest = list(theirs.order_by("-last_used_at", "-pk").values_list("pk", flat=True)[:MOST_OF_PERSON])
    theirs.exclude(pk__in=newest).delete()


def _codes_in(request: HttpRequest) -> list[str]:
    kept = request.COOKIES.get(settings.KNOWN_DEVICE_COOKIE_NAME, "")
    return [code for code in kept.split(BETWEEN) if code][:MOST_IN_COOKIE]
