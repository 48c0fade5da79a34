"""Mail servers for the hoster's staff: how each goes, and what operators do about it. Support only looks."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import MaintenanceForm
from accounts.models import Person
from accounts.paging import page_by_id
from accounts.requests import person_of
from audit.models import Event
from mailservers import figures, operating
from mailservers.models import Change, Observation, Server

NEWEST_EVENTS = 10


def servers_open_to(person: Person) -> QuerySet[Server]:
    """Those a person may look at: staff all, others none."""
    return Server.objects.all() if person.sees_everything else Server.objects.none()


def servers_run_by(person: Person) -> QuerySet[Server]:
    """Those whose pushing a person may steer."""
    return Server.objects.all() if person.is_operator else Server.objects.none()


@never_cache
@require_safe
def list_servers(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    if not person.sees_everything:
        # An empty list is a page for staff only.
        raise Http404
    servers = list(servers_open_to(person))
    found = figures.figures_of(servers)
    context = {
        "rows": [(server, found[server.pk]) for server in servers],
        "still": "still" in request.GET,
    }
    return render(request, _whole_or_live(request, "list_servers"), context)


@never_cache
@require_safe
def show_server(request: HttpRequest, server: str) -> HttpResponse:
    person = person_of(request)
    row = get_object_or_404(servers_open_to(person), name=server)
    events = Event.objects.filter(subject_kind=row._meta.label_lower, subject_id=row.pk)
    context = {
        "server": row,
        "figures": figures.figures_of([row])[row.pk],
        "day": figures.last_day(row),
        "comparison": figures.last_comparison(row),
        "events": events.order_by("-number")[:NEWEST_EVENTS],
        "steerable": servers_run_by(person).filter(pk=row.pk).exists(),
        "still": "still" in request.GET,
    }
    return render(request, _whole_or_live(request, "show_server"), context)


@never_cache
@require_safe
def list_waiting(request: HttpRequest, server: str) -> HttpResponse:
    return _list_changes(request, server, "waiting")


@never_cache
@require_safe
def list_failed(request: HttpRequest, server: str) -> HttpResponse:
    return _list_changes(request, server, "failed")


@never_cache
@require_safe
def list_drifted(request: HttpRequest, server: str) -> HttpResponse:
    """What somebody changed on the server, of mailboxes and aliases, and what could not be read."""
    row = get_object_or_404(servers_open_to(person_of(request)), name=server)
    mine = Q(mailbox__server=row, mailbox__deleted_at=None) | Q(alias__domain__server=row)
    told = Observation.objects.drifted() | Observation.objects.unread()
    told = told.filter(mine).select_related("mailbox", "alias__domain")
    page = page_by_id(told, before=request.GET.get("before", ""))
    context = {"server": row, "figures": figures.figures_of([row])[row.pk], "page": page, "tab": "drifted"}
    return render(request, "accounts/list_drifted.html", context)


@never_cache
@require_safe
def show_check(request: HttpRequest, server: str) -> HttpResponse:
    """The answer to the last check alone; it asks again until there is one."""
    row = get_object_or_404(servers_open_to(person_of(request)), name=server)
    asked = request.GET.get("asked", "")
    times = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    return render(request, "mailservers/_check.html", {"server": row, "asked": times})


@require_POST
def check_server(request: HttpRequest, server: str) -> HttpResponse:
    return _steer(request, server, operating.request_check, _("The server is being checked."))


@require_POST
def pause_server(request: HttpRequest, server: str) -> HttpResponse:
    return _steer(request, server, operating.pause, _("Paused: changes wait until you resume."))


@require_POST
def resume_server(request: HttpRequest, server: str) -> HttpResponse:
    return _steer(request, server, operating.resume, _("Resumed: what waits is pushed now."))


@require_POST
def push_server(request: HttpRequest, server: str) -> HttpResponse:
    row = get_object_or_404(servers_run_by(person_of(request)), name=server)
    if row.paused_at or row.is_in_maintenance:
        messages.warning(request, _("Nothing is pushed while the server is paused or in maintenance."))
        return redirect("accounts:show-server", row.name)
    return _steer(request, server, operating.push_what_waits, _("What waits is pushed now."))


@require_POST
def compare_server(request: HttpRequest, server: str) -> HttpResponse:
    return _steer(request, server, operating.request_comparison, _("The server is being compared."))


@require_POST
def try_failed_again(request: HttpRequest, server: str) -> HttpResponse:
    person = person_of(request)
    row = get_object_or_404(servers_run_by(person), name=server)
    if count := operating.try_failed_again(row, by=person):
        said = ngettext("%(count)d change is tried again.", "%(count)d changes are tried again.", count)
        messages.success(request, said % {"count": count})
    else:
        messages.info(request, _("There is nothing to try again: no failed change stands any more."))
    return redirect("accounts:show-server", row.name)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def plan_maintenance(request: HttpRequest, server: str) -> HttpResponse:
    person = person_of(request)
    if request.method == "POST":
        # Until it is saved: who saves at the same moment waits, and is then told.
        list(servers_run_by(person).select_for_update(no_key=True).filter(name=server))
    row = get_object_or_404(servers_run_by(person), name=server)
    form = MaintenanceForm(request.POST if request.method == "POST" else None, instance=row)
    if form.is_valid():
        operating.plan_maintenance(
            row,
            starts=form.cleaned_data["maintenance_starts"],
            ends=form.cleaned_data["maintenance_ends"],
            notice=form.cleaned_data["notice"],
            by=person,
        )
        messages.success(request, _("Saved."))
        return redirect("accounts:show-server", server)
    # Not the row that the form has filled in: the page's head tells what is saved.
    return render(request, "accounts/plan_maintenance.html", {"name": server, "form": form})


def _list_changes(request: HttpRequest, name: str, tab: str) -> HttpResponse:
    person = person_of(request)
    server = get_object_or_404(servers_open_to(person), name=name)
    changes = Change.objects.filter(server=server)
    changes = changes.open() if tab == "waiting" else changes.filter(state="failed").without_newer()
    changes = changes.select_related("mailbox", "alias", "server", "event")
    context = {
        "server": server,
        "figures": figures.figures_of([server])[server.pk],
        "page": page_by_id(
            changes.select_related("mailbox", "alias", "server", "event"),
            before=request.GET.get("before", ""),
        ),
        "tab": tab,
        "steerable": servers_run_by(person).filter(pk=server.pk).exists(),
    }
    return render(request, "accounts/list_changes.html", context)


def _whole_or_live(request: HttpRequest, page: str) -> str:
    """The template of the whole page, or of what the page asks htmx to refresh."""
    is_live = request.headers.get("HX-Request") == "true"
    return f"accounts/_{page}_live.html" if is_live else f"accounts/{page}.html"


def _steer(request: HttpRequest, name: str, act: Callable[..., None], done: str) -> HttpResponse:
    person = person_of(request)
    row = get_object_or_404(servers_run_by(person), name=name)
    act(row, by=person)
    messages.success(request, done)
    return redirect("accounts:show-server", row.name)
