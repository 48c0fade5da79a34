"""A mailbox's auto-reply, for its user and for its webmaster."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import Mailbox
from accounts.requests import person_of
from mailservers.models import Change
from mailservers.servers import limits_of
from vacation.forms import AutoReplyForm
from vacation.limits import as_held, sentences_about
from vacation.models import AutoReply
from vacation.services import ChangedMeanwhile, save_auto_reply


@require_http_methods(["GET", "HEAD", "POST"])
def edit_auto_reply(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    visible = Mailbox.objects.open_to(person).select_related("domain", "server", "auto_reply")
    mailbox = get_object_or_404(visible, address=address)
    changeable = Mailbox.objects.changeable_by(person).filter(pk=mailbox.pk).exists()
    if request.method == "POST" and not changeable:
        raise Http404
    # Before the form fills in what is typed: the page tells what happens, not what may be meant to.
    saved = getattr(mailbox, "auto_reply", None)
    limits = limits_of(mailbox.server)
    form = AutoReplyForm(request.POST or None, instance=AutoReply.of(mailbox), limits=limits)
    if form.is_valid():
        try:
            save_auto_reply(form.save(commit=False), seen_version=form.cleaned_data["version"], by=person)
        except ChangedMeanwhile:
            form.tell_of_newer(AutoReply.of(mailbox))
        else:
            messages.success(request, _("Saved. The mail server is told now."))
            return redirect("vacation:edit-auto-reply", address)
    change = Change.objects.newest_of(mailbox.pk, "script")
    context = {
        "mailbox": mailbox,
        "form": form,
        "saved": as_held(saved, limits),
        "limits": sentences_about(limits) if limits else [],
        "change": change,
        "changeable": changeable,
    }
    return render(request, "vacation/edit_auto_reply.html", context)
