"""Support staff say why they look at somebody's mailbox, or at what a domain's pages tell of its people.

That is an event, and holds for an hour.
"""

from collections.abc import Callable
from datetime import timedelta

from django import forms
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import sessions
from accounts.models import Domain, LookUp, Mailbox, MailboxQuerySet, Person
from accounts.next_page import is_ours
from accounts.requests import person_of
from audit.chain import record
from mailservers.one_line import OneLineFormField, require_one_line

HOLDS = timedelta(hours=1)
Handler = Callable[[HttpRequest], HttpResponse]


class ReasonForm(forms.Form):
    reason = OneLineFormField(
        label=_("Reason"),
        max_length=300,
        min_length=5,
        help_text=_("For example the number of the ticket. It is kept in the audit, and operators read it."),
    )


# Pages of a domain that tell nothing of what its people do: support finds there whom it looks for.
IMPERSONAL = {
    "accounts:list-mailboxes",
    "accounts:list-webmasters",
    "accounts:look-up-domain",
    "clientsetup:show-records",
    # Its name is no domain's.
    "guide:show-page",
    "mailboxtemplates:list-templates",
}
# By the name space of a URL with a number: the name of its domain. Apps above add theirs in ready().
NUMBERED: "dict[str, Callable[[int], str]]" = {}
# In the session: until when, by the names of domains.
LOOKED_AT = "domains_looked_at"


class LookUpMiddleware:
    """Every page of a mailbox has its address in its URL, and those of a domain, of aliases and of plans are
    known by theirs: support gets there with a reason only."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, kwargs: dict[str, object]
    ) -> HttpResponse | None:
        person, address = request.user, str(kwargs.get("address", ""))
        name = request.resolver_match.view_name if request.resolver_match else ""
        if (
            name == "accounts:look-up"
            or not isinstance(person, Person)
            or not needs_reason(person)
            or sessions.second_factor_is_due(request)
        ):
            return None
        if address:
            lacks = without_reason(person).filter(address=address.casefold()).exists()
            return _ask(request, "accounts:look-up", address) if lacks else None
        domain = "" if name in IMPERSONAL else _domain_of(name, kwargs)
        if not domain or is_looked_at(request, domain):
            return None
        # What is not there is not found.
        exists = Domain.objects.filter(name=domain).exists()
        return _ask(request, "accounts:look-up-domain", domain) if exists else None


def _ask(request: HttpRequest, view: str, name: str) -> HttpResponse:
    wanted = request.get_full_path() if request.method == "GET" else ""
    return redirect(f"{reverse(view, args=[name])}?{urlencode({'next': wanted})}")


def _domain_of(view: str, kwargs: dict[str, object]) -> str:
    """The name of the domain that a page is of; empty for pages of something else."""
    alias = str(kwargs.get("alias", ""))
    if name := alias.rpartition("@")[2].casefold() or str(kwargs.get("name", "")):
        return name
    space = view.partition(":")[0]
    return NUMBERED[space](int(str(kwargs["number"]))) if "number" in kwargs and space in NUMBERED else ""


def is_looked_at(request: HttpRequest, name: str) -> bool:
    """Whether the person has said within the hour, in this session, why they look at the domain."""
    until = request.session.get(LOOKED_AT, {}).get(name, 0)
    return bool(timezone.now().timestamp() < until <= (timezone.now() + HOLDS).timestamp())


def needs_reason(person: Person) -> bool:
    return person.helps_by_grant


def without_reason(person: Person) -> MailboxQuerySet:
    """Those the person has not said why to look at, or too long ago."""
    now = timezone.now()
    running = LookUp.objects.filter(person=person, until__gt=now, until__lte=now + HOLDS)
    return Mailbox.objects.filter(~Exists(running.filter(mailbox=OuterRef("pk"))))


@transaction.atomic
def look_up(mailbox: Mailbox, reason: str, *, by: Person) -> None:
    """Let them look for an hour; the reason is in the audit."""
    require_one_line(reason)
    LookUp.objects.update_or_create(person=by, mailbox=mailbox, defaults={"until": timezone.now() + HOLDS})
    record("mailbox.looked_up", by=by, about=mailbox, domain=mailbox.domain.name, after={"reason": reason})


def look_at_domain(request: HttpRequest, domain: Domain, reason: str) -> None:
    """The same for the pages of a domain, in this session."""
    until = (timezone.now() + HOLDS).timestamp()
    request.session[LOOKED_AT] = request.session.get(LOOKED_AT, {}) | {domain.name: until}
    record(
        "domain.looked_up", by=person_of(request), about=domain, domain=domain.name, after={"reason": reason}
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def say_why_of_domain(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain if needs_reason(person) else Domain.objects.none(), name=name)
    form = ReasonForm(request.POST or None)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if form.is_valid():
        look_at_domain(request, domain, form.cleaned_data["reason"])
        return redirect(wanted) if is_ours(wanted) else redirect("accounts:list-mailboxes", name)
    return render(request, "accounts/say_why.html", {"domain": domain, "form": form, "next": wanted})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def say_why(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailboxes = Mailbox.objects.select_related("domain") if needs_reason(person) else Mailbox.objects.none()
    mailbox = get_object_or_404(mailboxes, address=address.casefold())
    form = ReasonForm(request.POST or None)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if form.is_valid():
        look_up(mailbox, form.cleaned_data["reason"], by=person)
        return redirect(wanted) if is_ours(wanted) else redirect("accounts:show-mailbox", address)
    return render(request, "accounts/say_why.html", {"mailbox": mailbox, "form": form, "next": wanted})
