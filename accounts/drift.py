"""What was changed on the mail server without the portal: keep it, take it back, look again."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import alarms, stepping_up
from accounts.models import Mailbox, MailboxQuerySet
from accounts.requests import person_of
from mailservers import drift
from mailservers.outbox import MovedOn


@never_cache
@sensitive_post_parameters(stepping_up.PROOF)
@require_POST
def keep_theirs(request: HttpRequest, address: str) -> HttpResponse:
    aspect, seen = request.POST.get("aspect", ""), request.POST.get("seen", "")
    mailbox = _mailbox_in(Mailbox.objects.settleable_by(person_of(request), aspect), address)
    # Whoever finds an open screen must not send somebody's mail away.
    if drift.needs_proof(mailbox, aspect, person_of(request)) and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        drift.keep_theirs(mailbox, aspect, seen=seen, by=person_of(request))
    except MovedOn:
        _say_that_it_moved_on(request)
    except PermissionDenied:
        messages.info(request, _("Nothing was done: in this domain a webmaster decides about that."))
    else:
        messages.success(request, _("Kept: the portal now has what the mail server holds."))
    return redirect("accounts:show-mailbox", address)


@require_POST
def restore_ours(request: HttpRequest, address: str) -> HttpResponse:
    aspect, seen = request.POST.get("aspect", ""), request.POST.get("seen", "")
    mailbox = _mailbox_in(Mailbox.objects.settleable_by(person_of(request), aspect), address)
    try:
        drift.restore_ours(mailbox, aspect, seen=seen, by=person_of(request))
    except MovedOn:
        _say_that_it_moved_on(request)
    else:
        messages.success(request, _("What is set here is sent to the mail server again."))
    return redirect("accounts:show-mailbox", address)


@require_POST
def check_now(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _changeable(request, address)
    drift.request_check(mailbox.server, mailbox=mailbox)
    messages.info(request, _("The mail server is asked now. Load this page again in a moment."))
    return redirect("accounts:show-mailbox", address)


@require_POST
def acknowledge_redirects(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _changeable(request, address)
    up_to = request.POST.get("up_to", "")
    number = int(up_to) if up_to.isascii() and up_to.isdigit() and len(up_to) < 19 else 0
    if alarms.acknowledge(mailbox, up_to=number, by=person_of(request)):
        messages.success(
            request, _("Noted. You will be told again when mail is sent on to yet another address.")
        )
    else:
        messages.info(request, _("Somebody has seen to it already."))
    return redirect("accounts:show-mailbox", address)


def _changeable(request: HttpRequest, address: str) -> Mailbox:
    return _mailbox_in(Mailbox.objects.changeable_by(person_of(request)), address)


def _mailbox_in(mailboxes: MailboxQuerySet, address: str) -> Mailbox:
    return get_object_or_404(mailboxes.select_related("domain", "server"), address=address)


def _say_that_it_moved_on(request: HttpRequest) -> None:
    messages.info(
        request, _("Nothing was done: it is not as this page showed it any more. Please look again.")
    )
