"""One's own recovery address: asked for here, confirmed by whoever reads mail there."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import recovery, stepping_up
from accounts.address_field import AddressField
from accounts.link_codes import ask_for_code, code_in, is_pressed
from accounts.mailed_links import AskedOften
from accounts.models import Mailbox, Person
from accounts.one_time_links import CONFIRM_ADDRESS, find_link
from accounts.requests import person_of

READ_AND_WRITE = ["GET", "HEAD", "POST"]


class AddressForm(forms.Form):
    """Another address of the same person."""

    recovery_address = AddressField(
        label=gettext_lazy("Recovery address"),
        required=False,
        help_text=gettext_lazy("An address that you can read without this one. Empty: none."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, target: Person | Mailbox, data: object = None) -> None:
        super().__init__(data, initial={"recovery_address": recovery.address_of(target)})  # type: ignore[arg-type]
        self.target = target

    def clean_recovery_address(self) -> str:
        typed = str(self.cleaned_data["recovery_address"])
        if isinstance(self.target, Mailbox) and typed.casefold() == self.target.address:
            raise forms.ValidationError(
                _("This is the mailbox itself: who can't open it could not read it there either.")
            )
        return typed


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def edit_recovery(request: HttpRequest, address: str) -> HttpResponse:
    """Of the own mailbox."""
    mine = Mailbox.objects.owned_by(person_of(request)).select_related("domain", "server", "owner")
    mailbox = get_object_or_404(mine, address=address)
    return _edit(request, mailbox, "accounts/edit_recovery.html", {"mailbox": mailbox})


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def edit_own_address(request: HttpRequest) -> HttpResponse:
    """Staff's and webmasters'."""
    person = person_of(request)
    if not person.has_usable_password():
        raise Http404
    return _edit(request, person, "accounts/edit_own_address.html", {})


@login_not_required
@never_cache
@require_http_methods(READ_AND_WRITE)
def confirm_address(request: HttpRequest) -> HttpResponse:
    """What the link that was mailed opens; the button counts, not the look at it."""
    code, pressed = code_in(request), is_pressed(request)
    if not code and request.method != "POST":
        return ask_for_code(request)
    link = find_link(CONFIRM_ADDRESS, code)
    done = recovery.confirm_address(code) if link and pressed else None
    if link is None or (pressed and done is None):
        return render(request, "accounts/link_is_over.html", status=404)
    context = {"target": link.person or link.mailbox, "address": link.mail_to, "code": code, "done": done}
    return render(request, "accounts/confirm_address.html", context)


def _edit(
    request: HttpRequest, target: Person | Mailbox, page: str, context: dict[str, object]
) -> HttpResponse:
    form = AddressForm(target, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if _keep(request, form, target):
            return redirect(request.path)
    waiting = recovery.waiting_address(target)
    return render(
        request, page, {**context, "form": form, "waiting": waiting, "now": recovery.address_of(target)}
    )


def _keep(request: HttpRequest, form: AddressForm, target: Person | Mailbox) -> bool:
    wanted, by = form.cleaned_data["recovery_address"], person_of(request)
    if not wanted:
        recovery.take_address_away(target, by=by)
        messages.success(request, _("There is no recovery address any more."))
        return True
    if wanted == recovery.address_of(target):
        messages.info(request, _("This is the recovery address already."))
        return True
    try:
        recovery.ask_for_address(target, wanted, by=by)
    except AskedOften:
        form.add_error("recovery_address", _("Many links went out for it today. Try again tomorrow."))
        return False
    messages.success(
        request,
        _("A link is on its way to %(address)s. The address counts once it is used.") % {"address": wanted},
    )
    return True
