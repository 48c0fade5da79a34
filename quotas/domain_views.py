"""Room for mail in whole domains: for webmasters their own, for staff all, by server."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Domain, Mailbox, MailboxQuerySet, Person
from accounts.paging import count_of_all, found_count, page_by_address
from accounts.requests import person_of
from accounts.room import HoldsMore, NoRoomLeft
from mailservers.models import Change, Server, Usage
from mailservers.words import with_server
from quotas.figures import fill_of, totals_by, totals_of
from quotas.forms import DomainRulesForm, ManyQuotasForm, QuotaForm
from quotas.models import QuotaRequest
from quotas.services import (
    AlreadyDecided,
    approve_request,
    change_domain_rules,
    refuse_request,
)
from quotas.services import change_quotas as keep_quotas
from quotas.views import READ_AND_WRITE, no_room_left

FULLEST = 10
ABOVE = 80


@require_safe
def list_servers(request: HttpRequest) -> HttpResponse:
    """For staff: every server and its domains, what was given and what is used."""
    if not person_of(request).sees_everything:
        raise Http404
    by_server = totals_by("server", Mailbox.objects.alive())
    by_domain = totals_by("domain", Mailbox.objects.alive())
    domains: dict[int, list[tuple[Domain, Any]]] = {}
    for domain in Domain.objects.order_by("name"):
        domains.setdefault(domain.server_id, []).append((domain, by_domain.get(domain.pk)))
    servers = [
        (server, by_server.get(server.pk), domains.get(server.pk, [])) for server in Server.objects.all()
    ]
    return render(request, "quotas/list_servers.html", {"servers": servers})


@require_safe
def list_usage(request: HttpRequest, name: str) -> HttpResponse:
    return _show_list(request, name)


@require_POST
def change_quotas(request: HttpRequest, name: str) -> HttpResponse:
    """Give the ticked mailboxes, or all that the filter finds, the same room."""
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.quota_changeable_by(person), name=name)
    form = ManyQuotasForm(request.POST)
    if form.is_valid():
        wanted = _chosen(request, domain, person)
        if not wanted:
            form.add_error(None, _("Tick at least one mailbox."))
        elif holding_more := _holding_more(wanted, form.cleaned_data["quota_bytes"]):
            said = ngettext(
                "%(count)d of these mailboxes holds more: with less room it could not take any mail.",
                "%(count)d of these mailboxes hold more: with less room they could not take any mail.",
                holding_more,
            )
            form.add_error("quota_bytes", said % {"count": holding_more})
        else:
            try:
                count = keep_quotas(wanted, domain, form.cleaned_data["quota_bytes"], by=person)
            except (NoRoomLeft, HoldsMore) as lacking:
                form.add_error("quota_bytes", no_room_left(lacking))
            else:
                said = ngettext("%(count)d mailbox was changed.", "%(count)d mailboxes were changed.", count)
                messages.success(request, said % {"count": count})
                above = request.POST.get("above", "")
                return redirect(
                    reverse("quotas:list-usage", args=[name]) + (f"?above={ABOVE}" if above else "")
                )
    return _show_list(request, name, form)


@require_http_methods(READ_AND_WRITE)
@transaction.atomic
def edit_rules(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    mine = Domain.objects.quota_changeable_by(person).select_related("server")
    if request.method == "POST":
        # Until it is saved: who saves at the same moment waits, and is then told.
        list(Domain.objects.select_for_update(of=("self",), no_key=True).filter(name=name))
    domain = get_object_or_404(mine, name=name)
    form = DomainRulesForm(request.POST or None, domain=domain, operator=person.is_operator)
    if form.is_valid():
        change_domain_rules(domain, form.rules, by=person)
        messages.success(request, _("Saved."))
        return redirect("quotas:list-usage", name)
    return render(request, "quotas/edit_rules.html", {"domain": domain, "form": form})


@require_POST
def decide_request(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    changeable = Mailbox.objects.quota_changeable_by(person)
    asking = QuotaRequest.objects.filter(mailbox__in=changeable)
    asked = get_object_or_404(asking.select_related("mailbox__domain", "mailbox__server"), pk=number)
    mailbox = asked.mailbox
    try:
        if "refuse" in request.POST:
            refuse_request(asked, by=person)
            messages.success(request, _("The request is refused."))
        else:
            form = QuotaForm(request.POST, domain=mailbox.domain, quota_bytes=asked.wanted_bytes)
            if form.is_valid():
                approve_request(asked, form.cleaned_data["quota_bytes"], by=person)
                messages.success(request, with_server(_("Approved."), mailbox.server))
            else:
                problems = [str(each) for errors in form.errors.values() for each in errors]
                messages.error(request, " ".join(problems))
    except AlreadyDecided:
        messages.info(request, _("Somebody has decided this already."))
    except (NoRoomLeft, HoldsMore) as lacking:
        messages.error(request, no_room_left(lacking))
    return redirect("quotas:list-usage", mailbox.domain.name)


def _show_list(request: HttpRequest, name: str, form: ManyQuotasForm | None = None) -> HttpResponse:
    person = person_of(request)
    giving = Domain.objects.quota_changeable_by(person).filter(pk=OuterRef("pk"))
    domains = Domain.objects.open_to(person).annotate(may_give=Exists(giving))
    domain = get_object_or_404(domains.select_related("server", "reading"), name=name)
    given = request.POST if request.method == "POST" else request.GET
    above, sought = bool(given.get("above")), given.get("q", "").strip()
    found = _found(domain, above=above, sought=sought)
    page = page_by_address(
        found.select_related("usage").defer("usage__folders").annotate(found_count=count_of_all(found)),
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    usages = {box.pk: box.usage for box in page.rows if hasattr(box, "usage")}
    changes = Change.objects.newest_of_each([mailbox.pk for mailbox in page.rows], servers=[domain.server])
    fullest = Usage.objects.filter(mailbox__domain=domain, mailbox__deleted_at=None)
    context = {
        "domain": domain,
        "totals": totals_of(domain),
        "fullest": [
            (usage.mailbox, fill_of(usage, usage.mailbox.quota_bytes))
            for usage in fullest.fullest_first().select_related("mailbox").defer("folders")[:FULLEST]
        ],
        "above": above,
        "q": sought,
        "page": page,
        "found_count": found_count(page),
        "rows": [
            (
                mailbox,
                usages.get(mailbox.pk),
                fill_of(usages[mailbox.pk], mailbox.quota_bytes) if mailbox.pk in usages else None,
                changes.get(mailbox.pk),
            )
            for mailbox in page.rows
        ],
        "reading": getattr(domain, "reading", None),
        "requests": QuotaRequest.objects.filter(mailbox__domain=domain, state=QuotaRequest.State.WAITING)
        .select_related("mailbox__usage")
        .order_by("asked_at")[:50],
        "may_give": getattr(domain, "may_give", False),
        "form": form or ManyQuotasForm(),
        "ticked": set(request.POST.getlist("mailbox")),
        "all_chosen": request.POST.get("which") == "all",
    }
    return render(request, "quotas/list_usage.html", context)


def _found(domain: Domain, *, above: bool, sought: str) -> MailboxQuerySet:
    found = Mailbox.objects.alive().filter(domain=domain).matching(sought)
    if above:
        full = Usage.objects.filter(mailbox__domain=domain).above(ABOVE)
        found = found.filter(pk__in=full.values("mailbox"))
    return found


def _holding_more(mailboxes: Sequence[Mailbox], quota_bytes: int) -> int:
    return Usage.objects.filter(mailbox__in=mailboxes, bytes_used__gt=quota_bytes).count()


def _chosen(request: HttpRequest, domain: Domain, person: Person) -> list[Mailbox]:
    changeable = Mailbox.objects.quota_changeable_by(person)
    if request.POST.get("which") == "all":
        found = _found(
            domain, above=bool(request.POST.get("above")), sought=request.POST.get("q", "").strip()
        )
        return list(changeable.filter(pk__in=found.values("pk")))
    return list(changeable.filter(domain=domain, address__in=request.POST.getlist("mailbox")[:500]))
