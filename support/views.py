"""What staff look up: events, changes and timelines; and the history of a domain for its webmasters."""

from collections.abc import Callable, Iterator

from django.db.models import IntegerField, Q, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Domain, Mailbox, Person
from accounts.paging import page_by_number
from accounts.requests import person_of
from accounts.stepping_up import ask_to_step_up, file_after_step_up, has_stepped_up, steps_up
from audit.chain import record
from audit.models import Event, Verification
from mailservers.models import Change, Observation, Server
from support.days import days_of
from support.exporting import as_csv, as_json_lines
from support.reasons import ask_why, names_in, record_look, running_reason
from support.rights import events_open_to, staff
from support.searching import SearchForm, matching

SHOWN_IN_LIST = (
    *("number", "at", "verb", "outcome", "subject", "source_address"),
    *("by_name", "on_behalf_of_name", "who_digest"),
    *(f"change__{name}" for name in ("event", "aspect", "state", "reason", "reason_values", "settled_at")),
    *("change__next_attempt_at", "change__server__name", "change__server__probe_at"),
)
# An attempt to push bears the name of its mailbox.
ABOUT_A_MAILBOX = {model._meta.label_lower for model in (Mailbox, Change)}
ABOUT_SOMEBODY = {*ABOUT_A_MAILBOX, Person._meta.label_lower}
FORMATS: dict[str, tuple[Callable[["QuerySet[Event]", dict[str, str]], Iterator[str]], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "jsonl": (as_json_lines, "application/x-ndjson"),
}


def for_list(events: "QuerySet[Event]") -> "QuerySet[Event]":
    """Only what a list shows, since texts may be long; each with its change, in one query."""
    return events.select_related("change__server").only(*SHOWN_IN_LIST)


def with_changes(events: "QuerySet[Event]") -> "QuerySet[Event]":
    return events.select_related("change__server")


@require_safe
def search_events(request: HttpRequest) -> HttpResponse:
    person = staff(request)
    form = SearchForm(request.GET)
    events = events_open_to(person)
    if form.is_valid() and (names := names_in(form.wanted)):
        if asking := ask_why(request, person, names):
            return asking
        record_look(request, person, form.wanted)
    found = matching(events, form.cleaned_data) if form.is_valid() else events.none()
    page = page_by_number(for_list(found), before=request.GET.get("before", ""))
    context = {
        "form": form,
        "wanted": form.wanted if form.is_valid() else {},
        "chips": _chips(request, form) if form.is_valid() else [],
        "page": page,
        "reason": running_reason(request),
    }
    return render(request, "support/search_events.html", context)


def _chips(request: HttpRequest, form: SearchForm) -> list[tuple[str, str, str]]:
    """What was filled in: its label, its words, and the query of the same search without it."""
    chips = []
    for name in form.wanted:
        others = request.GET.copy()
        for each in (name, "before"):
            others.pop(each, None)
        chips.append((str(form.fields[name].label), form.in_words(name), others.urlencode()))
    return chips


@require_safe
def count_days(request: HttpRequest) -> HttpResponse:
    """The chart above the search: how many of what is searched for each day; a fragment, or a page."""
    person, form = staff(request), SearchForm(request.GET)
    events = events_open_to(person)
    if form.is_valid() and (asking := ask_why(request, person, names_in(form.wanted))):
        return asking
    days = days_of(events, form.cleaned_data) if form.is_valid() else []
    query = (
        {name: value for name, value in form.wanted.items() if name not in ("since", "until")} if days else {}
    )
    template = "support/_days.html" if "HX-Request" in request.headers else "support/show_days.html"
    context = {"days": days, "query": urlencode(query), "form": form, "last": Verification.objects.first()}
    return render(request, template, context)


@require_POST
@steps_up
def export_events(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """A file with all that the search found; that it was taken is an event, with the filter."""
    person = staff(request)
    form = SearchForm(request.POST)
    kind = request.POST.get("format", "")
    if kind not in FORMATS or not form.is_valid():
        raise Http404
    if not has_stepped_up(request):
        query = urlencode(form.wanted)
        return ask_to_step_up(request, back=f"{reverse('support:search-events')}{query and '?'}{query}")
    # A file of everything names people as well.
    if asking := ask_why(request, person, names_in(form.wanted) or [""]):
        return asking
    if fetching := file_after_step_up(request):
        return fetching
    newest = Event.objects.values_list("number", flat=True).first() or 0
    told = {"filter": form.wanted, "format": kind, "reason": running_reason(request)}
    record("audit.exported", by=person, about=person, after=told)
    found = matching(events_open_to(person), form.cleaned_data).filter(number__lte=newest)
    write, content_type = FORMATS[kind]
    answer = StreamingHttpResponse(write(found, form.wanted), content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="events-{timezone.localdate():%Y-%m-%d}.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
def show_event(request: HttpRequest, number: int) -> HttpResponse:
    """An event whole; with its change, if it asked for one, and how each attempt to push it went."""
    person = staff(request)
    events = events_open_to(person)
    event = get_object_or_404(with_changes(events), number=number)
    change = getattr(event, "change", None)
    if event.subject_kind == Change._meta.label_lower:
        # One of the attempts: shown with the change it belongs to.
        change = Change.objects.select_related("server", "event").filter(pk=event.subject_id or 0).first()
    is_person = event.subject_kind == Person._meta.label_lower
    is_oneself = is_person and event.subject_id == person.pk
    if event.subject_kind in ABOUT_SOMEBODY and not is_oneself and event.subject:
        if asking := ask_why(request, person, [event.subject]):
            return asking
        if is_person:
            record_look(request, person, {"event": str(number)})
    around = _around(event, change, events)
    context = {
        "event": event,
        "asked": change.event if change and change.event else event,
        "about_mailbox": event.subject and event.subject_kind in ABOUT_A_MAILBOX,
        "change": change,
        "attempts": around["attempt"],
        "observation": Observation.objects.filter(change=change).first() if change else None,
        "earlier": next(iter(around["earlier"]), None),
        "later": next(iter(around["later"]), None),
        "same_request": around["together"],
    }
    return render(request, "support/show_event.html", context)


def _around(event: Event, change: Change | None, events: "QuerySet[Event]") -> dict[str, list[Event]]:
    """The attempts to push its change, its neighbours, and what the same request did, in one query."""
    number = event.number
    of_subject = events.filter(subject_kind=event.subject_kind, subject_id=event.subject_id)
    wanted = {
        "earlier": of_subject.filter(number__lt=number).order_by("-number")[:1],
        "later": of_subject.filter(number__gt=number).order_by("number")[:1],
    }
    others = events.exclude(number=number)
    if change is not None:
        attempt = Q(subject_kind=Change._meta.label_lower, subject_id=change.pk)
        wanted["attempt"] = Event.objects.filter(attempt).order_by("number")[:200]
        others = others.exclude(attempt)
    if event.request_id:
        wanted["together"] = others.filter(request_id=event.request_id).order_by("number")[:20]
    # What is cut short is picked by its numbers: SQLite takes no limits inside a union.
    parts = [
        Event.objects.filter(number__in=rows.values("number"))
        .annotate(why=Value(why, IntegerField()))
        .order_by()
        for why, rows in enumerate(wanted.values())
    ]
    found: dict[str, list[Event]] = {"earlier": [], "later": [], "attempt": [], "together": []}
    names = list(wanted)
    for each in parts[0].union(*parts[1:], all=True).order_by("number"):
        found[names[each.why]].append(each)
    return found


@require_safe
def show_mailbox_timeline(request: HttpRequest, address: str) -> HttpResponse:
    """By name, so that one that was deleted long ago has a timeline too."""
    person = staff(request)
    events = events_open_to(person).filter(subject=address.casefold())
    mailbox = Mailbox.objects.filter(address=address.casefold()).first()
    if mailbox is None:
        if not events.exists():
            raise Http404
        if asking := ask_why(request, person, [address]):
            return asking
        record_look(request, person, {"subject": address.casefold()})
    link = reverse("accounts:show-mailbox", args=[address]) if mailbox and not mailbox.deleted_at else ""
    return _timeline(request, events, address, _("Everything about this mailbox, its pushes included."), link)


@require_safe
def show_person_timeline(request: HttpRequest, username: str) -> HttpResponse:
    reader = staff(request)
    person = get_object_or_404(Person, username=username)
    if person != reader:
        if asking := ask_why(request, reader, [username]):
            return asking
        record_look(request, reader, {"by_name": username})
    told = Q(by=person) | Q(subject_kind=Person._meta.label_lower, subject_id=person.pk)
    events = events_open_to(reader).filter(told)
    return _timeline(
        request, events, username, _("What this person did, and what was done to their account."), ""
    )


@require_safe
def show_server_timeline(request: HttpRequest, server: str) -> HttpResponse:
    found = get_object_or_404(Server, name=server)
    events = events_open_to(staff(request)).filter(subject_kind=Server._meta.label_lower, subject_id=found.pk)
    link = reverse("accounts:show-server", args=[server])
    return _timeline(request, events, server, _("What staff did to this mail server."), link)


@require_safe
def show_domain_history(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person), name=name)
    events = events_open_to(person).filter(domain=domain.name).exclude(subject_kind=Change._meta.label_lower)
    link = reverse("accounts:list-mailboxes", args=[name])
    return _timeline(request, events, domain.name, _("What was changed in this domain, and by whom."), link)


def _timeline(
    request: HttpRequest, events: "QuerySet[Event]", name: str, explained: str, link: str
) -> HttpResponse:
    context = {
        "name": name,
        "explained": explained,
        "link": link,
        "page": page_by_number(with_changes(events), before=request.GET.get("before", "")),
    }
    return render(request, "support/show_timeline.html", context)
