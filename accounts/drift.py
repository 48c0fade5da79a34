"""What was changed on the mail server without the portal: keep it, take it back, look again."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import alarms, stepping_up
from accounts.models import Alias, Mailbox, MailboxQuerySet
from accounts.requests import person_of
from mailservers import drift
from mailservers.aspects import SENDS_ON
from mailservers.models import Change, Observation
from mailservers.outbox import MovedOn, NotAllowed


@never_cache
@stepping_up.steps_up
@require_POST
def keep_theirs(request: HttpRequest, address: str) -> HttpResponse:
    aspect = request.POST.get("aspect", "")
    mailbox = _mailbox_in(Mailbox.objects.settleable_by(person_of(request), aspect), address)
    return keep(request, mailbox, aspect) or redirect("accounts:show-mailbox", address)


@require_POST
@stepping_up.steps_up
def restore_ours(request: HttpRequest, address: str) -> HttpResponse:
    aspect = request.POST.get("aspect", "")
    mailbox = _mailbox_in(Mailbox.objects.settleable_by(person_of(request), aspect), address)
    return restore(request, mailbox, aspect) or redirect("accounts:show-mailbox", address)


@require_POST
@stepping_up.steps_up
def leave_theirs(request: HttpRequest, address: str) -> HttpResponse:
    """Or see to it again after all."""
    aspect, person = request.POST.get("aspect", ""), person_of(request)
    mailbox = _mailbox_in(Mailbox.objects.settleable_by(person, aspect), address)
    if "again" in request.POST:
        drift.see_to_it_again(mailbox, aspect, by=person)
        return redirect("accounts:show-mailbox", address)
    administers = Mailbox.objects.administered_by(person).filter(pk=mailbox.pk).exists()
    parts = [part for part in drift.drifted_parts(mailbox) if part.aspect == aspect]
    if parts and not may_leave(parts[0], administers):
        messages.info(request, _("Nothing was done: in this domain a webmaster decides about that."))
    elif parts and parts[0].leave.startswith(SENDS_ON) and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    else:
        told = _("Left as it is there. You are told again when it changes.")
        _settle(request, drift.leave_theirs, mailbox, aspect, told)
    return redirect("accounts:show-mailbox", address)


def may_leave(part: Observation, administers: bool) -> bool:
    """What answers mail its user may leave as well; what sends it on a webmaster alone."""
    return bool(part.leave) and (administers or not part.leave.startswith(SENDS_ON))


@require_POST
def check_now(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _changeable(request, address)
    drift.request_check(mailbox.server, mailbox=mailbox)
    messages.info(request, _("The mail server is asked now."))
    return redirect("accounts:show-mailbox", address)


@require_POST
def acknowledge_redirects(request: HttpRequest, address: str) -> HttpResponse:
    acknowledge(request, _changeable(request, address))
    return redirect("accounts:show-mailbox", address)


def keep(request: HttpRequest, subject: Mailbox | Alias, aspect: str) -> HttpResponse | None:
    """Have what is there kept, and say so; or the page that asks once more who it is."""
    # Whoever finds an open screen must not send somebody's mail away.
    if drift.needs_proof(subject, aspect, person_of(request)) and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    _settle(
        request, drift.keep_theirs, subject, aspect, _("Kept: the portal now has what the mail server holds.")
    )
    return None


def restore(request: HttpRequest, subject: Mailbox | Alias, aspect: str) -> HttpResponse | None:
    """Have what is set here sent again, and say so; or the page that asks once more who it is."""
    # Somebody may have taken it off there for a reason: a forwarding that is on here, say.
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    told = _("What is set here is sent to the mail server again.")
    _settle(request, drift.restore_ours, subject, aspect, told)
    return None


def acknowledge(request: HttpRequest, subject: Mailbox | Alias) -> None:
    """The alarms that the page showed have been seen."""
    up_to = request.POST.get("up_to", "")
    number = int(up_to) if up_to.isascii() and up_to.isdigit() and len(up_to) < 19 else 0
    if alarms.acknowledge(subject, up_to=number, by=person_of(request)):
        messages.success(request, _("Noted. You will be told again when there is something new."))
    else:
        messages.info(request, _("Somebody has seen to it already."))


def _settle(
    request: HttpRequest, way: Callable[..., Change | None], subject: Mailbox | Alias, aspect: str, told: str
) -> None:
    try:
        way(subject, aspect, seen=request.POST.get("seen", ""), by=person_of(request))
    except NotAllowed as no:
        messages.error(request, _("Nothing was done. %(reason)s") % {"reason": no})
    except MovedOn:
        messages.info(
            request, _("Nothing was done: it is not as this page showed it any more. Please look again.")
        )
    except PermissionDenied:
        messages.info(request, _("Nothing was done: in this domain a webmaster decides about that."))
    else:
        messages.success(request, told)


def _changeable(request: HttpRequest, address: str) -> Mailbox:
    return _mailbox_in(Mailbox.objects.changeable_by(person_of(request)), address)


def _mailbox_in(mailboxes: MailboxQuerySet, address: str) -> Mailbox:
    return get_object_or_404(mailboxes.select_related("domain", "server"), address=address)
