"""Whoever of the support staff looks for somebody in the audit says why; what was looked for is an event.

For a mailbox that is said on its own page, and its user reads it (accounts.lookups). For everybody else, and
for addresses they came from, it is said here, and holds for an hour of this session.
"""

import json
import time
from collections.abc import Mapping

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.lookups import HOLDS, ReasonForm, needs_reason, without_reason
from accounts.models import Mailbox, Person
from accounts.next_page import is_ours
from audit.chain import record
from support.rights import staff

# In the session: the reason with the time it holds until, and what was recorded already.
REASON, RECORDED = "audit_reason", "audit_recorded"
# What in a search names somebody.
PERSONAL = ("subject", "by_name", "source_address")
MOST_RECORDED = 50


def running_reason(request: HttpRequest) -> str:
    """What they said within the hour; "" when nothing."""
    said = request.session.get(REASON) or {}
    return str(said["reason"]) if said.get("until", 0) > time.time() else ""


def ask_why(request: HttpRequest, person: Person, names: list[str]) -> HttpResponse | None:
    """The way to the page that asks why they look for these, if they have not said so; else None."""
    if not needs_reason(person):
        return None
    next_page = urlencode({"next": request.get_full_path() if request.method == "GET" else ""})
    reason = running_reason(request)
    lacking = Exists(without_reason(person).filter(pk=OuterRef("pk")))
    asked = Mailbox.objects.filter(address__in=[name.casefold() for name in names])
    lacks_reason = dict(asked.values_list("address", lacking))
    for address in (name.casefold() for name in names):
        if address not in lacks_reason and not reason:
            return redirect(f"{reverse('support:say-why')}?{next_page}")
        if lacks_reason.get(address):
            return redirect(f"{reverse('accounts:look-up', args=[address])}?{next_page}")
    return None


def names_in(wanted: Mapping[str, str]) -> list[str]:
    """Whom a search is for."""
    return [wanted[name] for name in PERSONAL if name in wanted]


def record_look(request: HttpRequest, person: Person, what: Mapping[str, str]) -> None:
    """Once for the same thing in a session: turning pages, and going back, are no news."""
    mark = json.dumps(dict(what), sort_keys=True)
    recorded = request.session.get(RECORDED) or []
    if mark in recorded:
        return
    told = {"filter": dict(what), "reason": running_reason(request)}
    record(
        "audit.searched", by=person, about=person, after={key: value for key, value in told.items() if value}
    )
    request.session[RECORDED] = [*recorded, mark][-MOST_RECORDED:]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def say_why(request: HttpRequest) -> HttpResponse:
    needing = staff(request)
    if not needs_reason(needing):
        raise Http404
    form = ReasonForm(request.POST or None)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        request.session[REASON] = {"reason": reason, "until": time.time() + HOLDS.total_seconds()}
        record("audit.reason_given", by=needing, about=needing, after={"reason": reason})
        return redirect(wanted) if is_ours(wanted) else redirect("support:search-events")
    return render(request, "support/say_why.html", {"form": form, "next": wanted})
