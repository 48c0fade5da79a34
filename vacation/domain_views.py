"""Auto-replies and forwarding of a whole domain, for its webmasters."""

from datetime import timedelta

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import stepping_up
from accounts.models import Domain, Mailbox, Person
from accounts.requests import person_of
from audit.chain import record
from mailservers.standing import Where
from mailservers.words import with_server
from vacation import requests
from vacation.away import calendar_of, weeks_of
from vacation.domain_forms import DomainRulesForm, RefusalForm, ReplyTemplateForm
from vacation.domain_services import outside_forwardings, save_rules
from vacation.models import DomainRules, ReplyTemplate, SettingRequest
from vacation.permission import looks_after
from vacation.phases import where_each_stands
from vacation.taking_over import leads_outside

READ_AND_WRITE = ["GET", "HEAD", "POST"]
WEEKS = 5
DECIDED_SHOWN = 20


@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
@transaction.atomic
def edit_mail_rules(request: HttpRequest, name: str) -> HttpResponse:
    domain = _managed(request, name)
    if request.method == "POST":
        # Until it is saved: who saves at the same moment waits, and is then told.
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
    rules = DomainRules.objects.filter(domain=domain).first() or DomainRules(domain=domain)
    form = DomainRulesForm(request.POST or None, instance=rules)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        count = save_rules(form.save(commit=False), by=person_of(request))
        messages.success(request, _("Saved."))
        if count:
            words = ngettext(
                "The forwarding of %(count)d mailbox changes by that; its server is told now.",
                "The forwardings of %(count)d mailboxes change by that; their servers are told now.",
                count,
            )
            messages.info(request, words % {"count": count})
        return redirect("vacation:edit-mail-rules", name)
    return render(request, "vacation/edit_mail_rules.html", {"domain": domain, "form": form})


@require_safe
def list_forwardings(request: HttpRequest, name: str) -> HttpResponse:
    """Everything of the domain's that is sent on to somewhere outside."""
    domain = get_object_or_404(Domain.objects.open_to(person_of(request)), name=name)
    rules = DomainRules.objects.filter(domain=domain).first() or DomainRules(domain=domain)
    found = outside_forwardings(domain)
    stands = where_each_stands([forwarding.mailbox for forwarding, _targets in found], "forwarding")
    rows = [
        (
            forwarding,
            [(target, rules.permits(target.address)) for target in targets],
            stands[forwarding.mailbox_id],
        )
        for forwarding, targets in found
    ]
    return render(request, "vacation/list_forwardings.html", {"domain": domain, "rows": rows, "rules": rules})


@require_safe
def show_away(request: HttpRequest, name: str) -> HttpResponse:
    """Who of the domain is away, in the weeks from this one on."""
    domain = get_object_or_404(Domain.objects.open_to(person_of(request)), name=name)
    page = request.GET.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 3 else 0
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=WEEKS * number)
    days = calendar_of(domain, first=monday, days=7 * WEEKS)
    away = {reply.pk: reply.mailbox for day in days for reply in day.away}
    stands = where_each_stands(list(away.values()), "auto_reply")
    context = {
        "not_there": [(each, stands[each.pk]) for each in away.values() if stands[each.pk] != Where.THERE],
        "domain": domain,
        "weeks": weeks_of(days),
        "anybody": any(day.away for day in days),
        "page": number,
    }
    return render(request, "vacation/show_away.html", context)


@require_safe
def list_requests(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person), name=name)
    return _show_requests(request, domain, person)


@require_POST
@stepping_up.steps_up
def decide_request(request: HttpRequest, number: int) -> HttpResponse:
    """Approve or refuse, by a webmaster; withdraw, by whoever asked."""
    person = person_of(request)
    mine = Mailbox.objects.changeable_by(person)
    asked = get_object_or_404(
        SettingRequest.objects.filter(mailbox__in=mine).select_related("mailbox__domain", "mailbox__server"),
        pk=number,
    )
    if "withdraw" in request.POST:
        return _withdraw(request, asked, person)
    if not looks_after(person, asked.mailbox):
        raise Http404
    domain = asked.mailbox.domain
    try:
        if "refuse" in request.POST:
            form = RefusalForm(request.POST, auto_id=f"refuse_{asked.pk}_%s")
            if not form.is_valid():
                return _show_requests(request, domain, person, refusing=(asked.pk, form))
            requests.refuse(asked, form.cleaned_data["reason"], by=person)
            messages.success(request, _("Refused. The user is told why."))
        elif leads_outside(asked.mailbox, asked.wanted) and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        else:
            requests.approve(asked, by=person)
            messages.success(request, with_server(_("Approved."), asked.mailbox.server))
    except requests.AlreadyDecided:
        messages.info(request, _("Somebody has decided this already, or something newer took its place."))
    return redirect("vacation:list-requests", domain.name)


@require_http_methods(READ_AND_WRITE)
@transaction.atomic
def edit_reply_templates(request: HttpRequest, name: str) -> HttpResponse:
    """The domain's templates, one of them open, or a new one."""
    domain = _managed(request, name)
    if request.method == "POST":
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
    templates = ReplyTemplate.objects.filter(domain=domain)
    asked = request.GET.get("template", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    chosen = templates.filter(pk=number).first() if number else None
    if number and chosen is None:
        raise Http404
    form = ReplyTemplateForm(
        request.POST or None, instance=chosen or ReplyTemplate(domain=domain, language=domain.language)
    )
    if request.method == "POST" and "delete" in request.POST and chosen is not None:
        chosen.delete()
        _note_templates(domain, chosen.title, person_of(request))
        messages.success(request, _("The template is deleted."))
        return redirect("vacation:edit-reply-templates", name)
    if form.is_valid():
        form.save()
        _note_templates(domain, form.instance.title, person_of(request))
        messages.success(request, _("Saved. The domain's people can begin with it now."))
        return redirect("vacation:edit-reply-templates", name)
    context = {"domain": domain, "templates": templates, "chosen": chosen, "form": form}
    return render(request, "vacation/edit_reply_templates.html", context)


def _note_templates(domain: Domain, title: str, person: Person) -> None:
    record(
        "domain.reply_templates_changed",
        by=person,
        about=domain,
        domain=domain.name,
        after={"template": title},
    )


def _show_requests(
    request: HttpRequest,
    domain: Domain,
    person: Person,
    refusing: tuple[int, RefusalForm] | None = None,
) -> HttpResponse:
    all_of_them = SettingRequest.objects.filter(
        mailbox__domain=domain, mailbox__deleted_at=None
    ).select_related("mailbox", "asked_by", "decided_by")
    waiting = all_of_them.filter(state=SettingRequest.State.WAITING).order_by("asked_at")[:100]
    rows = [
        (
            asked,
            refusing[1]
            if refusing and refusing[0] == asked.pk
            else RefusalForm(auto_id=f"refuse_{asked.pk}_%s"),
        )
        for asked in waiting
    ]
    context = {
        "domain": domain,
        "rows": rows,
        "decided": all_of_them.exclude(state=SettingRequest.State.WAITING)[:DECIDED_SHOWN],
        "may_decide": not person.is_support or person.is_operator,
        "form": refusing[1] if refusing else None,
    }
    return render(request, "vacation/list_requests.html", context)


def _withdraw(request: HttpRequest, asked: SettingRequest, person: Person) -> HttpResponse:
    try:
        requests.withdraw(asked, by=person)
    except requests.AlreadyDecided:
        messages.info(request, _("Somebody has decided this already, or something newer took its place."))
    else:
        messages.success(request, _("Withdrawn. Nothing changes."))
    page = "edit-auto-reply" if asked.setting == SettingRequest.Setting.AUTO_REPLY else "edit-forwarding"
    return redirect(f"vacation:{page}", asked.mailbox.address)


def _managed(request: HttpRequest, name: str) -> Domain:
    return get_object_or_404(Domain.objects.quota_changeable_by(person_of(request)), name=name)
