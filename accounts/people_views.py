"""Staff and webmasters, for those who may see them: operators change them, support looks."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import people, second_factors, stepping_up
from accounts.mailed_links import AskedOften
from accounts.models import Domain, Person
from accounts.names import NameTaken
from accounts.password_request_views import tell_workers
from accounts.people_forms import InviteForm, InviteWebmasterForm, RightsForm
from accounts.requests import person_of
from audit.models import Event

READ_AND_WRITE = ["GET", "HEAD", "POST"]
NEWEST_EVENTS = 10
MAILED_OFTEN = gettext_lazy(
    "Many links went to this address today. Try again tomorrow, or hand the link over."
)


@require_safe
def list_people(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    if not person.sees_everything:
        # An empty list is a page for staff only.
        raise Http404
    sought = request.GET.get("q", "").strip()
    found = Person.objects.open_to(person).matching(sought).with_second_factor()
    rows = found.prefetch_related(Prefetch("domains", Domain.objects.only("name"))).order_by("username")
    return render(request, "accounts/list_people.html", {"people": rows, "q": sought})


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def invite_person(request: HttpRequest) -> HttpResponse:
    by = person_of(request)
    if not by.is_operator:
        raise Http404
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            return _invite(request, form.save(commit=False), form.cleaned_data["domain_names"])
        except AskedOften:
            form.add_error("email", MAILED_OFTEN)
    return render(request, "accounts/invite_person.html", {"form": form})


@never_cache
@require_safe
def show_person(request: HttpRequest, username: str) -> HttpResponse:
    person, by = _visible(request, username), person_of(request)
    events = Event.objects.filter(subject_kind=person._meta.label_lower, subject_id=person.pk)
    context = {
        "person": person,
        "domains": person.domains.all(),
        "factors": second_factors.listed(person)[0],
        "events": events.order_by("-number")[:NEWEST_EVENTS],
        "manageable": Person.objects.manageable_by(by).filter(pk=person.pk).exists(),
    }
    return render(request, "accounts/show_person.html", context)


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def change_rights(request: HttpRequest, username: str) -> HttpResponse:
    person, by = _manageable(request, username), person_of(request)
    form = RightsForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            people.change_rights(
                person,
                is_operator=form.cleaned_data["role"] == "operator",
                is_support=form.cleaned_data["role"] == "support",
                domains=form.cleaned_data["domain_names"],
                by=by,
            )
        except people.NotAllowed as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:show-person", username)
    return render(request, "accounts/change_rights.html", {"form": form, "person": person})


@never_cache
@stepping_up.steps_up
@require_POST
def make_person_link(request: HttpRequest, username: str) -> HttpResponse:
    """Mailed, or in this one answer and nowhere else."""
    person = _manageable(request, username)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    if "send" in request.POST and person.email:
        try:
            people.mail_link_again(person, by=person_of(request))
        except AskedOften:
            messages.error(request, MAILED_OFTEN)
            return redirect("accounts:show-person", username)
        _say_it_is_on_its_way(request, person)
        return redirect("accounts:show-person", username)
    return _show_link(request, person, people.invite_again(person, by=person_of(request)))


@require_POST
@stepping_up.steps_up
def disable_person(request: HttpRequest, username: str) -> HttpResponse:
    return _act(request, username, people.disable, _("Disabled: %(name)s cannot sign in any more."))


@require_POST
@stepping_up.steps_up
def enable_person(request: HttpRequest, username: str) -> HttpResponse:
    return _act(request, username, people.enable, _("%(name)s can sign in again."))


@require_POST
@stepping_up.steps_up
def reset_factor(request: HttpRequest, username: str) -> HttpResponse:
    done = _("Reset: %(name)s sets a new second factor up when signing in.")
    return _act(request, username, people.reset_second_factor, done)


@require_POST
@stepping_up.steps_up
def remove_person(request: HttpRequest, username: str) -> HttpResponse:
    return _act(request, username, people.remove, _("%(name)s is removed."))


@never_cache
@require_safe
def list_webmasters(request: HttpRequest, name: str) -> HttpResponse:
    by = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(by), name=name)
    context = {
        "domain": domain,
        "webmasters": domain.webmasters.order_by("username"),
        "removable": set(Person.objects.manageable_by(by).values_list("pk", flat=True)),
        "may_invite": Domain.objects.administered_by(by).filter(pk=domain.pk).exists(),
    }
    return render(request, "accounts/list_webmasters.html", context)


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def invite_webmaster(request: HttpRequest, name: str) -> HttpResponse:
    """By a webmaster of the domain, or an operator."""
    by = person_of(request)
    domain = get_object_or_404(Domain.objects.administered_by(by), name=name)
    form = InviteWebmasterForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            return _invite(request, form.save(commit=False), [domain], domain=domain)
        except AskedOften:
            form.add_error("email", MAILED_OFTEN)
    return render(request, "accounts/invite_webmaster.html", {"form": form, "domain": domain})


@require_POST
@stepping_up.steps_up
def remove_webmaster(request: HttpRequest, name: str, username: str) -> HttpResponse:
    by = person_of(request)
    domain = get_object_or_404(Domain.objects.administered_by(by), name=name)
    person = get_object_or_404(Person.objects.manageable_by(by).filter(domains=domain), username=username)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        people.remove_from_domain(person, domain, by=by)
        messages.success(request, _("Removed from the webmasters."))
    except people.NotAllowed as why:
        messages.error(request, str(why))
    return redirect("accounts:list-webmasters", name)


def _visible(request: HttpRequest, username: str) -> Person:
    return get_object_or_404(Person.objects.open_to(person_of(request)), username=username)


def _manageable(request: HttpRequest, username: str) -> Person:
    person = person_of(request)
    # A webmaster manages within a domain only: these pages are the operators'.
    found = Person.objects.manageable_by(person) if person.is_operator else Person.objects.none()
    return get_object_or_404(found, username=username)


def _act(request: HttpRequest, username: str, act: Callable[..., None], done: str) -> HttpResponse:
    person = _manageable(request, username)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        act(person, by=person_of(request))
        messages.success(request, done % {"name": person.name or person.username})
    except people.NotAllowed as why:
        messages.error(request, str(why))
    if person.pk is None:
        return redirect("accounts:list-people")
    return redirect("accounts:show-person", username)


def _invite(
    request: HttpRequest, person: Person, domains: list[Domain], *, domain: Domain | None = None
) -> HttpResponse:
    """By mail, or by a link that is shown once, for whoever wants to hand it over."""
    by = person_of(request)
    try:
        if "hand_over" in request.POST:
            return _show_link(request, person, people.invite(person, domains=domains, by=by), domain=domain)
        people.invite_by_mail(person, domains=domains, by=by)
    except NameTaken:
        # Since the form looked.
        messages.error(request, _("Somebody has this user name already. Choose another one."))
        return redirect(request.path)
    _say_it_is_on_its_way(request, person)
    if domain is not None:
        return redirect("accounts:list-webmasters", domain.name)
    return redirect("accounts:show-person", person.username)


def _say_it_is_on_its_way(request: HttpRequest, person: Person) -> None:
    transaction.on_commit(tell_workers)
    messages.success(request, _("A link is on its way to %(address)s.") % {"address": person.email})


def _show_link(
    request: HttpRequest, person: Person, link: str, *, domain: Domain | None = None
) -> HttpResponse:
    context = {"person": person, "link": link, "domain": domain}
    return render(request, "accounts/show_person_link.html", context)
