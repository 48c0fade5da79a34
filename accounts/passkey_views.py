"""Adding a passkey, and what the browser asks for before one is used."""

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import backends, devices, passkeys, sessions, stepping_up, throttling
from accounts.adding_factors import NotFirst, may_add_factor, show_what_was_added, still_allowed
from accounts.forms import SignInForm
from accounts.requests import person_of
from mailservers.one_line import OneLineFormField

READ_AND_WRITE = ["GET", "HEAD", "POST"]


class PasskeyForm(forms.Form):
    """A new passkey: what its owner calls it, and what their authenticator answered."""

    name = OneLineFormField(
        label=gettext_lazy("Name"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("For example “blue key” or “this laptop”, to tell it from others later."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    passkey = forms.CharField(max_length=passkeys.LONGEST_ANSWER, widget=forms.HiddenInput)

    def clean_passkey(self) -> str:
        return str(self.cleaned_data["passkey"])


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
@may_add_factor
def add_passkey(request: HttpRequest) -> HttpResponse:
    form = PasskeyForm(request.POST if "passkey" in request.POST else None)
    if form.is_valid():
        name = form.cleaned_data["name"].strip() or _("Passkey")
        try:
            with still_allowed(request):
                answer = form.cleaned_data["passkey"]
                key = passkeys.finish_adding(request, person_of(request), answer, name=name)
        except NotFirst:
            return redirect("accounts:enter-code")
        except passkeys.NotAccepted as refusal:
            form.add_error(None, str(refusal))
        else:
            return show_what_was_added(request, key, is_passkey=True)
    context = {
        "form": form,
        "is_due": sessions.owes_device(request),
        "why_not": passkeys.why_not_here(request),
        "elsewhere": settings.PASSKEY_ORIGIN,
    }
    return render(request, "accounts/add_passkey.html", context)


@never_cache
@require_POST
@stepping_up.steps_up
def begin_adding_passkey(request: HttpRequest) -> JsonResponse:
    person = person_of(request)
    if sessions.owes_code(request) or not (
        sessions.owes_device(request) or stepping_up.has_stepped_up(request)
    ):
        return _problem(_("Too much time went by. Load this page again."))
    try:
        return JsonResponse(passkeys.begin_adding(request, person))
    except passkeys.NotAccepted as refusal:
        return _problem(str(refusal))


@never_cache
@require_POST
def begin_passkey(request: HttpRequest) -> JsonResponse:
    """For somebody who owes the second factor, or steps up."""
    try:
        return JsonResponse(passkeys.begin_using(request, person_of(request)))
    except passkeys.NotAccepted as refusal:
        return _problem(str(refusal))


@login_not_required
@never_cache
@require_POST
def begin_passkey_sign_in(request: HttpRequest) -> JsonResponse:
    """For nobody yet: it tells nothing about who has a passkey."""
    try:
        return JsonResponse(passkeys.begin_signing_in(request))
    except passkeys.NotAccepted as refusal:
        return _problem(str(refusal))


@login_not_required
@never_cache
@require_POST
def sign_in_with_passkey(request: HttpRequest) -> HttpResponse:
    """With nothing else: what was asked for includes the owner's finger or PIN, so it is two factors."""
    if request.user.is_authenticated:
        return redirect("home")
    try:
        key = passkeys.finish_signing_in(request, request.POST.get("passkey", ""))
        if not backends.may_sign_in(key.user):
            raise passkeys.NotAccepted(_("Signing in is switched off for you. Ask your webmaster or hoster."))
    except throttling.TooManyTries as wait:
        problem = stepping_up.too_many(wait)
    except passkeys.NotAccepted as refusal:
        problem = str(refusal)
    else:
        key.user.backend = backends.BACKEND_OF_PASSKEYS
        sessions.sign_in(request, key.user)
        sessions.accept_device(request, key)
        response = redirect(sessions.wanted_page(request))
        devices.remember_device(request, response, key.user)
        return response
    form = SignInForm(request)
    context = {
        "form": form,
        "next": request.POST.get("next", ""),
        "passkey_problem": problem,
        "why_not": passkeys.why_not_here(request),
    }
    return render(request, "accounts/sign_in.html", context)


def _problem(sentence: str) -> JsonResponse:
    return JsonResponse({"problem": sentence}, status=409)
