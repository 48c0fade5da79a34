"""The aliases of a domain: list, make, change, delete; the catch-all; names that somebody has to read."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import aliases as service
from accounts import stepping_up
from accounts.alias_leads import aliases_to
from accounts.models import Alias, AliasQuerySet, Domain, Mailbox, Person, RedirectAlarm
from accounts.paging import count_of_all, found_count, page_by_address
from accounts.requests import person_of
from aliases.forms import (
    CatchAllForm,
    CreateAliasForm,
    GiveNamesForm,
    HandOverForm,
    TargetsForm,
)
from aliases.names import (
    ProtectedNameRow,
    missing_names,
    people_of_names,
    protected_aliases,
    protected_names,
    read_together,
)
from mailservers.models import ALIAS, Change, Observation
from mailservers.outbox import NotAllowed
from mailservers.servers import limits_of
from mailservers.words import with_server
from vacation.models import DomainRules, ForwardingTarget

READ_AND_WRITE = ["GET", "HEAD", "POST"]
# So many of what was changed on the server are shown above the list.
SHOWN_DRIFT = 20


@never_cache
@require_safe
def list_aliases(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(
        Domain.objects.open_to(person).select_related("server", "mail_rules"), name=name
    )
    return _show_list(request, domain, None)


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def create_alias(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = _domain(person, name)
    form = CreateAliasForm(
        request.POST or None, domain=domain, by=person, local_part=request.GET.get("name", "")
    )
    if form.is_valid():
        if form.new_outside() and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            made = service.create_alias(domain, form.address, form.cleaned_data["targets"], by=person)
        except (service.Stale, service.Taken):
            form.add_error("local_part", _("Somebody took this address just now."))
        except service.NoAliasLeft as full:
            form.add_error(None, service.no_alias_left(full.most))
        else:
            told = with_server(_("%(address)s is made.") % {"address": made.address}, domain.server)
            messages.success(request, told)
            return redirect("aliases:list-aliases", domain.name)
    context = {"domain": domain, "form": form, "can_alias": _can(domain), "rules": DomainRules.of(domain)}
    return render(request, "aliases/create_alias.html", context)


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def edit_alias(request: HttpRequest, alias: str) -> HttpResponse:
    person = person_of(request)
    theirs = Alias.objects.administered_by(person).filter(pk=OuterRef("pk"))
    visible = Alias.objects.open_to(person).annotate(is_administered=Exists(theirs))
    row = _alias(visible.prefetch_related("targets"), alias)
    administered = bool(getattr(row, "is_administered", False))
    if request.method == "POST" and (not administered or row.deleted_at is not None):
        raise Http404
    if row.is_catch_all:
        return redirect("aliases:edit-catch-all", row.domain.name)
    form = TargetsForm(request.POST or None, domain=row.domain, by=person, alias=row)
    if form.is_valid():
        if form.new_outside() and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if _keep(form, row, person):
            messages.success(request, with_server(_("Saved."), row.domain.server))
            return redirect("aliases:edit-alias", row.address)
    context = {
        **_about(row),
        "form": form,
        "administered": administered,
        "can_alias": _can(row.domain),
        "keeps_its_place": service.is_protected(row.address),
        "rules": DomainRules.of(row.domain),
        "led_here": _led_here(row.address, person),
    }
    return render(request, "aliases/edit_alias.html", context)


@require_POST
def delete_alias(request: HttpRequest, alias: str) -> HttpResponse:
    person = person_of(request)
    row = _alias(Alias.objects.administered_by(person), alias)
    if service.is_protected(row.address):
        messages.error(
            request, _("Somebody has to read this address: name another one that its mail goes to.")
        )
        return redirect("aliases:edit-alias", row.address)
    try:
        service.delete_alias(row, by=person)
    except service.StillNeeded as others:
        messages.error(
            request,
            _("Nothing was deleted: %(aliases)s leads nowhere else. Give it another target first.")
            % {"aliases": ", ".join(others.addresses)},
        )
    else:
        told = _("%(address)s is deleted. You can undo that below.") % {"address": row.address}
        messages.success(request, told)
    return redirect("aliases:edit-alias", row.address)


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def edit_catch_all(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(
        Domain.objects.open_to(person).select_related("server", "mail_rules"), name=name
    )
    administered = Domain.objects.administered_by(person).filter(pk=domain.pk).exists()
    if request.method == "POST" and not administered:
        raise Http404
    row = Alias.objects.joined().filter(address=f"@{domain.name}").first()
    form = CatchAllForm(request.POST or None, domain=domain, by=person, alias=row)
    if form.is_valid():
        if form.new_outside() and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if _keep_catch_all(request, form, domain, row):
            return redirect("aliases:edit-catch-all", domain.name)
    limits = limits_of(domain.server)
    context = {
        "domain": domain,
        "form": form,
        "administered": administered,
        "can_catch_all": limits is None or limits.catch_all,
        "rules": DomainRules.of(domain),
        **({} if row is None else _about(row)),
    }
    return render(request, "aliases/edit_catch_all.html", context)


@require_POST
@stepping_up.steps_up
def give_names(request: HttpRequest, name: str) -> HttpResponse:
    """Those that somebody has to read and nobody does."""
    person = person_of(request)
    domain = _domain(person, name)
    special = protected_aliases(domain).prefetch_related("targets")
    missing = missing_names(protected_names(domain, special, people_of_names(domain)))
    form = GiveNamesForm(request.POST, domain=domain, by=person, missing=missing)
    if not form.is_valid():
        return _show_list(request, domain, form)
    if form.new_outside() and not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    given = []
    for address in form.addresses:
        try:
            service.create_alias(domain, address, form.cleaned_data["targets"], by=person)
            given.append(address)
        except (service.Stale, service.Taken):
            continue  # somebody was quicker: then it is read
        except service.NoAliasLeft as full:
            messages.error(request, service.no_alias_left(full.most))
            break
    if given:
        messages.success(request, _("Given: %(addresses)s.") % {"addresses": ", ".join(given)})
    return redirect("aliases:list-aliases", domain.name)


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def hand_over(request: HttpRequest, address: str) -> HttpResponse:
    """What leads to a mailbox is to lead elsewhere, before the mailbox is deleted, say."""
    person = person_of(request)
    mine = (
        Mailbox.objects.administered_by(person)
        .alive()
        .select_related("domain__mail_rules", "server", "owner")
    )
    mailbox = get_object_or_404(mine, address=address)
    rows = aliases_to(mailbox, person)
    form = HandOverForm(request.POST or None, leaving=mailbox, by=person, aliases=rows)
    if rows and form.is_valid():
        if form.new_outside() and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if _hand_over(form, mailbox, request):
            return redirect("accounts:delete-mailbox", mailbox.address)
    return render(request, "aliases/hand_over.html", {"mailbox": mailbox, "aliases": rows, "form": form})


def _hand_over(form: HandOverForm, mailbox: Mailbox, request: HttpRequest) -> bool:
    try:
        count = service.hand_over(mailbox, form.cleaned_data["targets"], by=person_of(request))
    except NotAllowed as no:
        form.add_error("targets", str(no))
        return False
    words = ngettext("%(count)d alias leads elsewhere now.", "%(count)d aliases lead elsewhere now.", count)
    messages.success(request, words % {"count": count})
    return True


def _keep(form: TargetsForm, alias: Alias, person: Person) -> bool:
    given = form.cleaned_data
    try:
        service.save_alias(alias, given["targets"], seen_version=given["version"], by=person)
    except service.Stale:
        form.tell_of_newer(Alias.objects.get(pk=alias.pk))
        return False
    return True


def _keep_catch_all(request: HttpRequest, form: CatchAllForm, domain: Domain, row: Alias | None) -> bool:
    given, person = form.cleaned_data, person_of(request)
    current = row if row is not None and row.deleted_at is None else None
    if given["version"] != (row.version if row is not None else 0):
        form.tell_of_newer(row or Alias(domain=domain))
        return False
    try:
        if current is None and given["targets"]:
            service.create_alias(domain, form.address, given["targets"], by=person)
        elif current is not None and not given["targets"]:
            service.delete_alias(current, by=person)
        elif current is not None:
            service.save_alias(current, given["targets"], seen_version=given["version"], by=person)
    except service.Stale:
        form.tell_of_newer(Alias.objects.get(address=form.address))
        return False
    except service.NoAliasLeft as full:
        form.add_error(None, service.no_alias_left(full.most))
        return False
    messages.success(
        request,
        with_server(_("Saved."), domain.server)
        if given["targets"]
        else _("Mail to addresses that do not exist is refused, as soon as the mail server knows."),
    )
    return True


def _show_list(request: HttpRequest, domain: Domain, form: GiveNamesForm | None) -> HttpResponse:
    person = person_of(request)
    # Who sees it and is no support staff is one of its webmasters, or an operator.
    administered = person.is_operator or not person.is_support
    sought = request.GET.get("q", "").strip()
    mine = Alias.objects.filter(domain=domain)
    alive = mine.alive().exclude(address=f"@{domain.name}")
    found = alive.matching(sought)
    special: list[Alias] = []

    def read(rows: "QuerySet[Alias]") -> list[Alias]:
        shown, special[:] = read_together(rows, protected_aliases(domain), count_of_all(found))
        return shown

    page = page_by_address(
        found, after=request.GET.get("after", ""), before=request.GET.get("before", ""), read=read
    )
    mailboxes = people_of_names(domain)
    names = protected_names(domain, special, mailboxes)
    catch_all = next((row for row in special if row.is_catch_all), None)
    changes = Change.objects.newest_of_each(
        [*(row.pk for row in page.rows), *([catch_all.pk] if catch_all else [])],
        ALIAS,
        servers=[domain.server],
    )
    rules = DomainRules.of(domain)
    missing = missing_names(names)
    context = {
        "domain": domain,
        "administered": administered,
        "can_alias": _can(domain),
        "q": sought,
        "page": page,
        "found_count": found_count(page),
        "rows": [(row, _targets(row, rules), changes.get(row.pk)) for row in page.rows],
        "names": names,
        "missing": [f"{each}@{domain.name}" for each in missing],
        "form": form or GiveNamesForm(domain=domain, by=person, missing=missing),
        "heir": _heir(mailboxes, names) if missing else "",
        "catch_all": catch_all,
        "catch_all_change": changes.get(catch_all.pk) if catch_all else None,
        "drifted": _drifted(domain)[:SHOWN_DRIFT],
        "alarms": list(
            RedirectAlarm.objects.open().filter(alias__domain=domain).select_related("alias").order_by("-pk")
        ),
        "rules": rules,
    }
    return render(request, "aliases/list_aliases.html", context)


def _targets(alias: Alias, rules: DomainRules) -> list[tuple[str, bool]]:
    """Each with whether the domain's rules allow it, as they are now."""
    return [(address, rules.permits(address)) for address in alias.addresses()]


def _drifted(domain: Domain) -> Sequence[Observation]:
    mine = Observation.objects.drifted().filter(alias__domain=domain)
    return list(mine.select_related("alias__domain").order_by("alias__address")[: SHOWN_DRIFT + 1])


def _heir(mailboxes: list[Mailbox], names: list[ProtectedNameRow]) -> str:
    """Who probably reads such mail: whoever reads another of these names, else the oldest mailbox."""
    read = [target for row in names if row.alias is not None for target in row.targets]
    read += [row.mailbox.address for row in names if row.mailbox is not None and row.is_read]
    return (
        read[0] if read else next((each.address for each in mailboxes if each.enabled and each.receives), "")
    )


def _about(row: Alias) -> dict[str, object]:
    """What every page about one alias shows."""
    alarms = list(RedirectAlarm.objects.open().filter(alias=row).order_by("-pk"))
    change = Change.objects.newest_of(row.pk, ALIAS)
    drifted = list(Observation.objects.drifted().filter(alias=row))
    about_it: list[Any] = [*alarms, *drifted, *([change] if change else [])]
    for each in about_it:
        # Known here: none of them needs to read it again.
        each.alias = row
    return {
        "alias": row,
        "domain": row.domain,
        "change": change,
        "drifted": drifted,
        "alarms": alarms,
    }


def _led_here(address: str, person: Person) -> list[str]:
    """Aliases that lead to this one, and mailboxes that forward to it, of domains open to the person."""
    others = Alias.objects.open_to(person).alive().leading_to(address).values_list("address", flat=True)
    forwarded = ForwardingTarget.objects.filter(
        address=address,
        listed=True,
        forwarding__enabled=True,
        forwarding__mailbox__deleted_at=None,
        forwarding__mailbox__domain__in=Domain.objects.open_to(person),
    )
    mailboxes = forwarded.order_by().values_list("forwarding__mailbox__address", flat=True)
    return sorted(others.union(mailboxes))


def _can(domain: Domain) -> bool:
    limits = limits_of(domain.server)
    return limits is None or limits.aliases


def _domain(person: Person, name: str) -> Domain:
    mine = Domain.objects.administered_by(person).select_related("server", "mail_rules")
    return get_object_or_404(mine, name=name)


def _alias(rows: AliasQuerySet, address: str) -> Alias:
    """Deleted ones are found while there is something to do about them."""
    found = get_object_or_404(rows.joined("domain__mail_rules"), address=address.casefold())
    if found.deleted_at is not None and not found.changes.exists() and not found.observations.exists():
        raise Http404
    return found
