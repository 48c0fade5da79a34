"""Where a change stands: the badge that refreshes itself, and what can be done about it."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import stepping_up
from accounts.models import Alias, Domain, Mailbox
from accounts.next_page import is_ours
from accounts.requests import person_of
from mailservers import outbox
from mailservers.aspects import aspect_named
from mailservers.models import Change
from mailservers.standing import standing_of
from mailservers.words import with_server


@never_cache
@require_safe
def show_state(request: HttpRequest, number: int) -> HttpResponse:
    """The badge alone; it asks again, after growing pauses, until the change is settled."""
    person = person_of(request)
    # Deleted mailboxes have a badge as well, for those who can bring them back and for staff.
    deleted = Q(mailbox__deleted_at__isnull=False, mailbox__domain__in=Domain.objects.open_to(person))
    aliases = Q(alias__in=Alias.objects.open_to(person))
    mine = Change.objects.filter(deleted | aliases | Q(mailbox__in=Mailbox.objects.open_to(person)))
    change = get_object_or_404(mine.select_related("server").with_way_back(), pk=number)
    asked = request.GET.get("asked", "")
    times = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    feature, own = request.GET.get("feature", ""), None
    if feature and change.mailbox is not None:
        standing = standing_of(Change.objects.newest_of_features(change.mailbox, change.aspect), feature)
        if standing:
            change, own = standing.shown, standing.own
    context = {
        "change": change,
        "own": own,
        "feature": feature if own else "",
        "asked": times,
        # As the page around the badge wants it; pressing the button is another matter of rights.
        "place": request.GET.get("place", ""),
        "changeable": "button" in request.GET,
    }
    return render(request, "mailservers/_state.html", context)


@never_cache
@stepping_up.steps_up
@require_POST
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    change = _changeable(request, number)
    if _needs_proof(change) and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        outbox.cancel(change, by=person_of(request))
    except outbox.NotAllowed as no:
        _say_why_not(request, no)
    except outbox.MovedOn:
        messages.info(
            request, _("It could not be cancelled: the change is on the mail server already, or a newer one.")
        )
    except PermissionDenied:
        _say_who_decides(request)
    else:
        messages.success(request, _("The change is cancelled. What was set before stands again."))
    return _back(request, change)


@never_cache
@stepping_up.steps_up
@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    change = _changeable(request, number)
    if _needs_proof(change) and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        outbox.undo(change, by=person_of(request))
    except outbox.NotAllowed as no:
        _say_why_not(request, no)
    except outbox.MovedOn:
        messages.info(request, _("It could not be undone: there is a newer change meanwhile."))
    except PermissionDenied:
        _say_who_decides(request)
    else:
        messages.success(request, with_server(_("What was set before stands again."), change.server))
    return _back(request, change)


@require_POST
def try_again(request: HttpRequest, number: int) -> HttpResponse:
    change = _changeable(request, number)
    try:
        outbox.try_again(change, by=person_of(request))
    except outbox.MovedOn:
        messages.info(request, _("There is nothing to try again: the change has moved on meanwhile."))
    else:
        messages.success(request, with_server(_("It is tried again."), change.server))
    return _back(request, change)


def _needs_proof(change: Change) -> bool:
    """Mail would go out of its domain again: as when somebody sets that on its page."""
    needs_proof = aspect_named(change.aspect).restore_needs_proof
    if needs_proof is None or change.event is None or not change.event.before:
        return False
    return needs_proof(change.subject, change.event.before)


def _say_why_not(request: HttpRequest, no: outbox.NotAllowed) -> None:
    messages.error(request, _("Nothing was done. %(reason)s") % {"reason": no})


def _say_who_decides(request: HttpRequest) -> None:
    messages.info(
        request,
        _("Nothing was done: in this domain a webmaster decides about that."),
    )


def _changeable(request: HttpRequest, number: int) -> Change:
    person = person_of(request)
    aliases = Q(alias__in=Alias.objects.administered_by(person))
    mine = Change.objects.filter(aliases | Q(mailbox__in=Mailbox.objects.changeable_by(person)))
    joined = ("mailbox__domain", "mailbox__server", "alias__domain__server", "event", "server")
    return get_object_or_404(mine.select_related(*joined), pk=number)


def _back(request: HttpRequest, change: Change) -> HttpResponse:
    """To the page with the button, which the form names."""
    wanted = request.POST.get("next", "")
    page = "accounts:show-mailbox" if change.alias_id is None else "aliases:edit-alias"
    own = reverse(page, args=[change.subject.address])
    return redirect(wanted if is_ours(wanted) else own)
