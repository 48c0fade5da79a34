"""What people look after themselves: the second factor, recovery codes, and where they are signed in."""

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import (
    adding_factors,
    devices,
    open_sessions,
    second_factors,
    sessions,
    stepping_up,
    throttling,
)
from accounts.adding_factors import may_add_factor, show_what_was_added
from accounts.forms import AuthenticatorForm
from accounts.models import AuthenticatorApp, Mailbox
from accounts.next_page import is_ours
from accounts.qr import qr_picture
from accounts.requests import person_of
from audit.chain import record

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def step_up(request: HttpRequest) -> HttpResponse:
    """Asks for pages that were only to be read; a form is sent on by itself."""
    wanted = request.POST.get("next", "")
    ours = is_ours(wanted)
    if request.method == "POST" and ours and stepping_up.has_stepped_up(request):
        return stepping_up.file_after_step_up(request, wanted=wanted) or redirect(wanted)
    back = request.POST.get(stepping_up.BACK, "")
    return stepping_up.ask_to_step_up(request, wanted=wanted if ours else "/", back=back)


@never_cache
@require_safe
def show_account(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    factors, codes_left = second_factors.listed(person)
    context = {
        "factors": factors,
        "is_mandatory": second_factors.is_mandatory_for(person),
        "codes_left": codes_left,
        "mailboxes": Mailbox.objects.owned_by(person)
        .annotate(app_count=Count("app_passwords"))
        .order_by("address"),
        "sessions": open_sessions.sessions_of(person, request),
    }
    return render(request, "accounts/show_account.html", context)


@never_cache
@sensitive_post_parameters("code")
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
@may_add_factor
def add_authenticator(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    key, is_new = adding_factors.app_key(request)
    form = AuthenticatorForm(request.POST if "code" in request.POST else None)
    if form.is_valid():
        if is_new:
            form.add_error(None, _("Too much time went by: here is a new key. Scan it again."))
        else:
            try:
                app = _added(request, form, key)
            except adding_factors.NotFirst:
                return redirect("accounts:enter-code")
            if app is not None:
                return show_what_was_added(request, app, is_passkey=False)
    link = second_factors.link_for_app(person, key)
    context = {
        "form": form,
        "is_due": sessions.owes_device(request),
        "qr": qr_picture(link),
        "link": link,
        "key": second_factors.key_in_words(key),
        "account": person.username,
    }
    return render(request, "accounts/add_authenticator.html", context)


def _added(request: HttpRequest, form: AuthenticatorForm, key: bytes) -> AuthenticatorApp | None:
    """None: the code was not right, which the form tells. Raises NotFirst."""
    person = person_of(request)
    try:
        this_try = throttling.begin_try(request, "code", person)
    except throttling.TooManyTries as wait:
        form.add_error("code", stepping_up.too_many(wait))
        return None
    name = form.cleaned_data["name"].strip() or _("Authenticator app")
    with adding_factors.still_allowed(request):
        code, keep = form.cleaned_data["code"], request.session.session_key
        app = second_factors.add_app(person, key, code, name=name, keep=keep)
    if app is None:
        form.add_error(
            "code",
            _("This is not the code the app should show now. Check that the phone's clock is right."),
        )
        return None
    this_try.was_right()
    return app


@never_cache
@require_POST
@stepping_up.step_up_required
def remove_factor(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    found = second_factors.devices_of(person)
    device = next((each for each in found if each.persistent_id == request.POST.get("factor", "")), None)
    if device is None:
        raise Http404
    if len(found) == 1 and second_factors.is_mandatory_for(person):
        messages.error(
            request, _("This is your only second factor, and you need one. Add another one first.")
        )
        return redirect("accounts:show-account")
    second_factors.remove_device(person, device, keep=request.session.session_key)
    messages.success(request, _("Removed."))
    response = redirect("accounts:show-account")
    devices.remember_device(request, response, person)
    return response


@never_cache
@require_POST
@stepping_up.step_up_required
def make_recovery_codes(request: HttpRequest) -> HttpResponse:
    """They are in this one answer and nowhere else."""
    person = person_of(request)
    if not second_factors.has_device(person):
        messages.error(
            request, _("Add an authenticator app or a passkey first: recovery codes stand in for it.")
        )
        return redirect("accounts:show-account")
    codes = second_factors.make_recovery_codes(person, keep=request.session.session_key)
    response = render(request, "accounts/show_recovery_codes.html", {"codes": codes, "is_new": False})
    devices.remember_device(request, response, person)
    return response


@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """One of the own ones, elsewhere or here."""
    if not open_sessions.end_session(person_of(request), request.POST.get("session", "")):
        messages.info(request, _("This session had ended already."))
    else:
        messages.success(request, _("Signed out there."))
    return redirect("accounts:show-account")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """All but this one; and no browser but this is known any more."""
    person = person_of(request)
    count = open_sessions.end_sessions(person, but=request.session.session_key)
    devices.forget_devices(person)
    record("person.sessions_ended", by=person, about=person)
    response = redirect("accounts:show-account")
    devices.remember_device(request, response, person)
    messages.success(
        request,
        ngettext("Signed out in %(count)d place.", "Signed out in %(count)d places.", count)
        % {"count": count},
    )
    return response
