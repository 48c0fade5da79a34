"""Asking for a link on which to choose a password, and deciding about who asks."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import password_requests, stepping_up
from accounts.mailed_links import AskedOften
from accounts.models import Domain, Mailbox, PasswordRequest
from accounts.one_time_links import LIFETIME
from accounts.qr import qr_picture
from accounts.requests import person_of
from accounts.services import close_until_new_password
from accounts.tasks import look_after_password_requests
from mailservers.one_line import as_one_line
from mailservers.sealed_passwords import NoSealingKey

LONGEST_REASON = 200


class AskForm(forms.Form):
    """Who can't sign in."""

    name = forms.CharField(
        label=gettext_lazy("User name or e-mail address"),
        max_length=320,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_password(request: HttpRequest) -> HttpResponse:
    """The same answer for every name."""
    form = AskForm(request.POST or None)
    if form.is_valid():
        is_kept = password_requests.ask(form.cleaned_data["name"])
        if is_kept:
            transaction.on_commit(tell_workers)
        return render(request, "accounts/asked_for_password.html", {"is_kept": is_kept})
    return render(request, "accounts/ask_for_password.html", {"form": form})


@never_cache
@require_safe
def list_password_requests(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person), name=name)
    asked = PasswordRequest.objects.filter(mailbox__domain=domain, mailbox__deleted_at=None)
    rows = asked.select_related("mailbox__owner", "decided_by").order_by("-pk")
    context = {
        "domain": domain,
        "waiting": rows.filter(state=PasswordRequest.State.WAITING)[:100],
        "decided": rows.exclude(state=PasswordRequest.State.WAITING)[:20],
        "administered": Domain.objects.administered_by(person).filter(pk=domain.pk).exists(),
        "longest_reason": LONGEST_REASON,
    }
    return render(request, "accounts/list_password_requests.html", context)


@never_cache
@require_POST
@stepping_up.steps_up
def decide_password_request(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    mine = PasswordRequest.objects.filter(mailbox__in=Mailbox.objects.administered_by(person).alive())
    asked = get_object_or_404(mine.select_related("mailbox__domain"), pk=number)
    mailbox = asked.mailbox
    assert mailbox is not None  # noqa: S101 - it is in one of the person's domains
    try:
        if "refuse" in request.POST:
            password_requests.refuse(
                asked, as_one_line(request.POST.get("reason", ""))[:LONGEST_REASON], by=person
            )
            messages.success(request, _("The request is refused."))
        elif not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        else:
            return _show(request, mailbox, password_requests.approve(asked, by=person))
    except password_requests.AlreadyDecided:
        messages.info(request, _("Somebody has decided this already."))
    return redirect("accounts:list-password-requests", mailbox.domain.name)


@never_cache
@require_POST
@stepping_up.steps_up
def make_password_link(request: HttpRequest, address: str) -> HttpResponse:
    """For a webmaster: mailed to the recovery address, or shown once to be handed over."""
    person = person_of(request)
    mine = Mailbox.objects.administered_by(person).alive().select_related("domain", "server")
    mailbox = get_object_or_404(mine, address=address)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    if "send" in request.POST and mailbox.recovery_address:
        try:
            password_requests.send_mailbox_link(mailbox, by=person)
        except AskedOften:
            messages.error(request, _("Many links went out for it today. Try again tomorrow."))
            return redirect("accounts:show-mailbox", address)
        transaction.on_commit(tell_workers)
        messages.success(
            request, _("A link is on its way to %(address)s.") % {"address": mailbox.recovery_address}
        )
        return redirect("accounts:show-mailbox", address)
    return _show(request, mailbox, password_requests.make_mailbox_link(mailbox, by=person))


@never_cache
@require_POST
@stepping_up.steps_up
def require_new_password(request: HttpRequest, address: str) -> HttpResponse:
    """For a webmaster: nobody signs in until another password is chosen, by the link that is made at once."""
    person = person_of(request)
    mine = Mailbox.objects.administered_by(person).alive().select_related("domain", "server")
    mailbox = get_object_or_404(mine, address=address)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        close_until_new_password(mailbox, by=person)
    except NoSealingKey:
        messages.error(
            request,
            _(
                "The server of this mailbox takes passwords in clear text only, and the portal has no key yet"
                " to keep one safe on its way. Tell the portal's operators. Nothing was changed."
            ),
        )
        return redirect("accounts:show-mailbox", address)
    return make_password_link(request, address)


def _show(request: HttpRequest, mailbox: Mailbox, link: str) -> HttpResponse:
    context = {"mailbox": mailbox, "link": link, "picture": qr_picture(link)}
    language = mailbox.language or mailbox.domain.language
    until, today = timezone.now() + LIFETIME, timezone.localdate()
    with translation.override(language):
        letter = {**context, "until": until, "today": today, "language": language}
        context["letter"] = render_to_string("accounts/_password_letter.html", letter, request)
    return render(request, "accounts/show_password_link.html", context)


def tell_workers() -> None:
    """Without a broker the next beat does it."""
    try:
        look_after_password_requests.delay()
    except look_after_password_requests.OperationalError:
        return
