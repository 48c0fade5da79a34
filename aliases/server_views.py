"""What was changed of aliases on the mail server without the portal: keep it, take it back, look again."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import alarms
from accounts.models import Alias, Domain
from accounts.requests import person_of
from mailservers import drift
from mailservers.models import ALIAS, Change
from mailservers.outbox import MovedOn


@require_POST
def keep_theirs(request: HttpRequest, alias: str) -> HttpResponse:
    return _settle(
        request, alias, drift.keep_theirs, _("Kept: the portal now has what the mail server holds.")
    )


@require_POST
def restore_ours(request: HttpRequest, alias: str) -> HttpResponse:
    return _settle(
        request, alias, drift.restore_ours, _("What is set here is sent to the mail server again.")
    )


@require_POST
def check_now(request: HttpRequest, name: str) -> HttpResponse:
    mine = Domain.objects.administered_by(person_of(request)).select_related("server")
    domain = get_object_or_404(mine, name=name)
    drift.request_check(domain.server, domain=domain, aspect=ALIAS)
    messages.info(request, _("The mail server is asked now. Load this page again in a moment."))
    return redirect("aliases:list-aliases", name)


@require_POST
def acknowledge(request: HttpRequest, alias: str) -> HttpResponse:
    row = _alias(request, alias)
    up_to = request.POST.get("up_to", "")
    number = int(up_to) if up_to.isascii() and up_to.isdigit() and len(up_to) < 19 else 0
    if alarms.acknowledge(row, up_to=number, by=person_of(request)):
        messages.success(
            request, _("Noted. You will be told again when mail is sent on to yet another address.")
        )
    else:
        messages.info(request, _("Somebody has seen to it already."))
    return redirect("aliases:list-aliases", row.domain.name)


def _settle(request: HttpRequest, alias: str, way: Callable[..., Change], told: str) -> HttpResponse:
    row = _alias(request, alias)
    try:
        way(row, ALIAS, seen=request.POST.get("seen", ""), by=person_of(request))
    except MovedOn:
        messages.info(
            request, _("Nothing was done: it is not as this page showed it any more. Please look again.")
        )
    else:
        messages.success(request, told)
    return redirect("aliases:list-aliases", row.domain.name)


def _alias(request: HttpRequest, address: str) -> Alias:
    mine = Alias.objects.administered_by(person_of(request)).joined()
    return get_object_or_404(mine, address=address.casefold())
