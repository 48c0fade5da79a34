"""What a one-time link opens, without a sign-in: a page on which to choose a password."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import sessions
from accounts.link_codes import ask_for_code, code_in
from accounts.models import Mailbox, OneTimeLink, Person
from accounts.one_time_links import CHOOSE_PASSWORD, find_link, use_link
from accounts.password_forms import NewPasswordForm
from accounts.password_views import propose_or_show, tell_what_was_not_asked
from accounts.people import set_own_password
from accounts.services import change_password
from mailservers.sealed_passwords import NoSealingKey


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def choose_password(request: HttpRequest) -> HttpResponse:
    """For a person or a mailbox; the link is used up only once a good password is chosen."""
    code = code_in(request)
    if not code and request.method != "POST":
        return ask_for_code(request)
    link = find_link(CHOOSE_PASSWORD, code)
    if link is None:
        return render(request, "accounts/link_is_over.html", status=404)
    target = _target(link)
    form = NewPasswordForm(target, request.POST if "new_password" in request.POST else None)
    if form.is_valid():
        try:
            used = _use(code, form.cleaned_data["new_password"])
        except NoSealingKey:
            form.add_error(None, _("The password cannot be kept safe at the moment. Tell your hoster."))
        else:
            tell_what_was_not_asked(request, form)
            return _go_on(request, used)
    context = {"code": code, "target": target, "is_person": link.person is not None}
    return propose_or_show(request, form, "accounts/choose_password.html", context)


@transaction.atomic
def _use(code: str, clear: str) -> Person | Mailbox | None:
    """The link and the password, both or neither; None: somebody else was first."""
    link = use_link(CHOOSE_PASSWORD, code)
    if link is None:
        return None
    if link.person is not None:
        set_own_password(link.person, clear)
    elif link.mailbox is not None:
        change_password(link.mailbox, clear, by=link.mailbox.owner)
    return _target(link)


def _go_on(request: HttpRequest, used: Person | Mailbox | None) -> HttpResponse:
    if used is None:
        return render(request, "accounts/link_is_over.html", status=404)
    if isinstance(used, Person):
        used.backend = "accounts.backends.PersonBackend"  # type: ignore[attr-defined]
        sessions.sign_in(request, used)
        return redirect("home")
    messages.success(request, _("Your new password is saved. Sign in with it."))
    if used.only_app_passwords:
        messages.info(
            request,
            _("Mail programs need an app password each: once signed in, make them under Password."),
        )
    return redirect("accounts:sign-in")


def _target(link: OneTimeLink) -> Person | Mailbox:
    target = link.person or link.mailbox
    assert target is not None  # noqa: S101 - the table's own constraint
    return target
