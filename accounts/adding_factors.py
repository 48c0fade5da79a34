"""What adding a second factor of any kind begins and ends with."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_otp.models import Device

from accounts import app_password_rule, devices, second_factors, sessions, stepping_up
from accounts.models import Mailbox
from accounts.requests import person_of

# In the session: they have read what it does to their mail programs, and said yes.
UNDERSTOOD = "understood_app_passwords"


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


def show_what_was_added(request: HttpRequest, device: Device, *, is_passkey: bool) -> HttpResponse:
    """Sign in with it, remember the browser, and show recovery codes where there are none yet."""
    person = person_of(request)
    sessions.accept_device(request, device)
    has_codes = second_factors.recovery_codes_left(person)
    context = {
        "codes": [] if has_codes else second_factors.make_recovery_codes(person),
        "is_new": True,
        "is_passkey": is_passkey,
        "mailbox": Mailbox.objects.owned_by(person).first(),
    }
    response = render(request, "accounts/show_recovery_codes.html", context)
    devices.remember_device(request, response, person)
    return response
