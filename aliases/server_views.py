"""What was changed of aliases on the mail server without the portal: keep it, take it back, look again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import drift as settling
from accounts import stepping_up
from accounts.models import Alias, Domain
from accounts.requests import person_of
from mailservers import drift
from mailservers.models import ALIAS


@never_cache
@stepping_up.steps_up
@require_POST
def keep_theirs(request: HttpRequest, alias: str) -> HttpResponse:
    row = _alias(request, alias)
    return settling.keep(request, row, ALIAS) or redirect("aliases:list-aliases", row.domain.name)


@require_POST
@stepping_up.steps_up
def restore_ours(request: HttpRequest, alias: str) -> HttpResponse:
    row = _alias(request, alias)
    return settling.restore(request, row, ALIAS) or redirect("aliases:list-aliases", row.domain.name)


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
    settling.acknowledge(request, row)
    return redirect("aliases:list-aliases", row.domain.name)


def _alias(request: HttpRequest, address: str) -> Alias:
    mine = Alias.objects.administered_by(person_of(request)).joined()
    return get_object_or_404(mine, address=address.casefold())
