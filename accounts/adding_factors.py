"""What adding a second factor of any kind begins and ends with.

The key of an authenticator app is made for one ceremony and is in its session alone, sealed, until a code
made with it was right: nobody who opened the page before knows the key that its owner is shown.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_otp.models import Device

from accounts import app_password_rule, devices, second_factors, sessions, stepping_up
from accounts.models import Mailbox, Person
from accounts.requests import person_of
from accounts.sealed_keys import open_key, seal_key
from mailservers.credentials import CredentialsLocked

# In the session: they have read what it does to their mail programs, and said yes.
UNDERSTOOD = "understood_app_passwords"
# In the session as well: the key of the app that is being added, and when that began.
APP_BEING_ADDED = "app_being_added"
CEREMONY_SECONDS = 10 * 60


class NotFirst(Exception):
    """Somebody else added the first second factor meanwhile: from now on that is asked for."""


def may_add_factor(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A decorator: right after signing in for those who must have one; later only for who steps up.

    Whose mail programs it touches, by a rule of their domain, reads that first.
    """

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if sessions.owes_code(request):
            return redirect("accounts:enter-code")
        if not sessions.owes_device(request) and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if "understood" in request.POST:
            request.session[UNDERSTOOD] = True
            return redirect(request.path)
        if not request.session.get(UNDERSTOOD) and not second_factors.has_device(person_of(request)):
            reached = app_password_rule.reached_by_first_factor(person_of(request))
            if reached:
                is_due = sessions.owes_device(request)
                context = {"reached": reached, "is_due": is_due}
                return render(request, "accounts/before_second_factor.html", context)
        return view(request)

    return guarded


@contextmanager
def still_allowed(request: HttpRequest) -> Iterator[None]:
    """A transaction in which one is added; raises NotFirst where that was only allowed for the first one."""
    with transaction.atomic():
        # Of two sessions that may add the first, one does.
        Person.objects.select_for_update().get(pk=person_of(request).pk)
        if sessions.owes_code(request):
            raise NotFirst
        yield


def app_key(request: HttpRequest) -> tuple[bytes, bool]:
    """The key of this session's ceremony, and whether it is a new one: none was begun, or that is too old."""
    begun = request.session.get(APP_BEING_ADDED)
    if begun and 0 <= time.time() - begun["at"] < CEREMONY_SECONDS:
        try:
            return open_key(begun["key"]), False
        except CredentialsLocked:
            pass
    key = second_factors.new_app_key()
    request.session[APP_BEING_ADDED] = {"key": seal_key(key), "at": time.time()}
    return key, True


def forget_what_was_begun(request: HttpRequest) -> None:
    """A password was changed, or the key is in use."""
    request.session.pop(APP_BEING_ADDED, None)


def show_what_was_added(request: HttpRequest, device: Device, *, is_passkey: bool) -> HttpResponse:
    """Sign in with it, remember the browser, and show recovery codes where there are none yet."""
    person = person_of(request)
    forget_what_was_begun(request)
    sessions.accept_device(request, device)
    has_codes = second_factors.recovery_codes_left(person)
    context = {
        "codes": []
        if has_codes
        else second_factors.make_recovery_codes(person, keep=request.session.session_key),
        "is_new": True,
        "is_passkey": is_passkey,
        "mailbox": Mailbox.objects.owned_by(person).first(),
    }
    response = render(request, "accounts/show_recovery_codes.html", context)
    devices.remember_device(request, response, person)
    return response
