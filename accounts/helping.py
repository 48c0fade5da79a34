"""Support acts for somebody: only by a grant, for one mailbox, for some hours, and all concerned know."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import stepping_up
from accounts.languages import writing_to
from accounts.models import Mailbox, Person, SupportGrant
from accounts.requests import person_of
from audit.chain import record
from audit.origin import Behalf, acting_for
from mails import queue
from mailservers.one_line import OneLineFormField, require_one_line

Handler = Callable[[HttpRequest], HttpResponse]
HOURS = (1, 2, 4, 8)


class HelperField(forms.ModelChoiceField[Person]):
    def label_from_instance(self, obj: Person) -> str:
        return f"{obj.name} ({obj.username})" if obj.name else obj.username


class GrantForm(forms.Form):
    helper = HelperField(
        Person.objects.filter(is_support=True, is_operator=False, is_active=True).order_by("username"),
        label=gettext_lazy("Who may help"),
        empty_label=gettext_lazy("Choose one of the support staff"),
    )
    hours = forms.TypedChoiceField(
        label=gettext_lazy("For how long"),
        coerce=int,
        choices=lambda: [
            (hours, ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours})
            for hours in HOURS
        ],
    )
    reason = OneLineFormField(
        label=gettext_lazy("Reason"),
        min_length=5,
        max_length=300,
        help_text=gettext_lazy("It is written to the mailbox, shown on its pages and kept in the audit."),
    )


@transaction.atomic
def allow_help(mailbox: Mailbox, helper: Person, *, hours: int, reason: str, by: Person) -> SupportGrant:
    """Let one of the staff change the mailbox's settings for a while; its user is written to."""
    require_one_line(reason)
    now = timezone.now()
    grant = SupportGrant.objects.create(
        mailbox=mailbox,
        helper=helper,
        granted_by=by,
        reason=reason,
        ends_at=now + timedelta(hours=hours),
    )
    record(
        "mailbox.help_allowed",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        after={"helper": helper.username, "hours": hours, "reason": reason},
    )
    _tell_user(grant)
    return grant


@transaction.atomic
def end_help(mailbox: Mailbox, *, by: Person) -> None:
    """Nobody of the staff may change it any more; nothing is recorded when nobody could."""
    ended = SupportGrant.objects.running().filter(mailbox=mailbox).update(ended_at=timezone.now())
    if ended:
        record("mailbox.help_ended", by=by, about=mailbox, domain=mailbox.domain.name)


def act_by_grant(get_response: Handler) -> Handler:
    """What staff do by a grant is recorded with the name of whoever gave it as well."""

    def middleware(request: HttpRequest) -> HttpResponse:
        person = request.user
        if request.method != "POST" or not isinstance(person, Person) or not person.is_support:
            return get_response(request)
        grants = SupportGrant.objects.running().filter(helper=person).select_related("granted_by")
        behalves = {
            (Mailbox._meta.label_lower, grant.mailbox_id): Behalf(
                grant.granted_by_id, grant.granted_by.username
            )
            for grant in grants
        }
        with acting_for(behalves):
            return get_response(request)

    return middleware


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@stepping_up.steps_up
def allow(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = _mailbox(person, address)
    form = GrantForm(request.POST or None)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        given: dict[str, Any] = form.cleaned_data
        allow_help(mailbox, given["helper"], hours=given["hours"], reason=given["reason"], by=person)
        messages.success(request, _("They may help now. The mailbox's user is written to."))
        return redirect("accounts:show-mailbox", address)
    return render(request, "accounts/allow_help.html", {"mailbox": mailbox, "form": form})


@require_POST
def end(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = get_object_or_404(
        Mailbox.objects.changeable_by(person).select_related("domain"), address=address
    )
    end_help(mailbox, by=person)
    messages.success(request, _("Nobody of the support staff may change this mailbox now."))
    return redirect("accounts:show-mailbox", address)


def _tell_user(grant: SupportGrant) -> None:
    mailbox = grant.mailbox
    with writing_to(mailbox):
        subject = _("Support may change the settings of your mailbox for a while")
        text = render_to_string("accounts/help_mail.txt", {"grant": grant})
    queue.post([mailbox.address], subject, text, domain=mailbox.domain.name)


def _mailbox(person: Person, address: str) -> Mailbox:
    """Whoever looks after the domain lets others in, never the staff themselves."""
    mailboxes = Mailbox.objects.quota_changeable_by(person).select_related("domain", "server")
    return get_object_or_404(mailboxes, address=address)
