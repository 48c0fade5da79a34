"""The home page, the portal's own health, and the pages for when something is wrong."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Mailbox
from accounts.requests import person_of
from audit.models import Event
from portal import metrics, readiness


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The page a person most likely came for."""
    person = person_of(request)
    if person.sees_everything or person.domains.exists():
        return redirect("accounts:list-domains")
    own = list(Mailbox.objects.owned_by(person).order_by("address")[:100])
    guessed = next((mailbox for mailbox in own if mailbox.has_guessed_password), None)
    if guessed is not None:
        # Whoever signs in comes by here.
        return redirect("accounts:change-password", guessed.address)
    if len(own) == 1:
        return redirect("accounts:show-mailbox", own[0].address)
    return render(request, "portal/home.html", {"mailboxes": own})


@login_not_required
@never_cache
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@never_cache
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Tells in words what is missing; for load balancers and whoever looks after the portal."""
    found = readiness.troubles()
    if found:
        return HttpResponse("\n".join(found) + "\n", content_type="text/plain; charset=utf-8", status=503)
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus, from the addresses in the settings; for everybody else there is no such page."""
    if not metrics.may_be_read_by(request.META):
        raise Http404
    return HttpResponse(metrics.metrics(), content_type=metrics.CONTENT_TYPE)


# Django calls these by the names of their arguments.
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return render(request, "portal/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return render(request, "portal/403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    return render(request, "portal/csrf_failure.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    if (mailbox := _deleted_mailbox(request)) is not None:
        return render(request, "portal/deleted_mailbox.html", _about_deleted(mailbox), status=404)
    return render(request, "portal/404.html", status=404)


def _deleted_mailbox(request: HttpRequest) -> Mailbox | None:
    """The one that the page is of, where the person may bring it back."""
    match = request.resolver_match
    address = match.kwargs.get("address") if match else None
    if not address or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    mine = Mailbox.objects.administered_by(person_of(request)).deleted()
    return mine.filter(address=address).select_related("domain").first()


def _about_deleted(mailbox: Mailbox) -> dict[str, Any]:
    told = Event.objects.filter(subject_kind=mailbox._meta.label_lower, subject_id=mailbox.pk)
    return {"mailbox": mailbox, "event": told.filter(verb="mailbox.deleted").order_by("-number").first()}


def server_error(_request: HttpRequest) -> HttpResponse:
    # Without the request: who is signed in stands in the database, which may be what is wrong.
    return HttpResponse(render_to_string("portal/500.html"), status=500)
