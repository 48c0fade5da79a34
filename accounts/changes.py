"""Where a change stands: the badge that refreshes itself, and another try for one that failed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Mailbox
from accounts.requests import person_of
from mailservers import outbox
from mailservers.models import Change


@never_cache
@require_safe
def show_state(request: HttpRequest, number: int) -> HttpResponse:
    """The badge alone; it asks again, after growing pauses, until the change is settled."""
    mine = Change.objects.filter(mailbox__in=Mailbox.objects.open_to(person_of(request)))
    change = get_object_or_404(mine.select_related("server"), pk=number)
    asked = request.GET.get("asked", "")
    times = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    context = {
        "change": change,
        "asked": times,
        # As the page around the badge wants it; pressing the button is another matter of rights.
        "place": request.GET.get("place", ""),
        "can_try_again": "button" in request.GET,
    }
    return render(request, "mailservers/_state.html", context)


@require_POST
def try_again(request: HttpRequest, number: int) -> HttpResponse:
    mine = Change.objects.filter(mailbox__in=Mailbox.objects.changeable_by(person_of(request)))
    change = get_object_or_404(mine.select_related("mailbox"), pk=number)
    try:
        outbox.try_again(change)
    except outbox.MovedOn:
        messages.info(request, _("There is nothing to try again: the change has moved on meanwhile."))
    else:
        messages.success(request, _("The mail server is told once more."))
    return redirect("accounts:show-mailbox", change.mailbox.address)
