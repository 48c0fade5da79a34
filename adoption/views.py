"""Taking over what a server holds: for operators alone. Nobody else finds these pages."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Person
from accounts.requests import person_of
from adoption import services
from adoption.forms import AdoptionForm
from adoption.models import Adoption
from adoption.tasks import announce

ROWS = 20


def operator_of(request: HttpRequest) -> Person:
    person = person_of(request)
    if not person.is_operator:
        raise Http404
    return person


@require_http_methods(["GET", "HEAD", "POST"])
def list_adoptions(request: HttpRequest) -> HttpResponse:
    operator = operator_of(request)
    form = AdoptionForm(request.POST or None, initial={"server": request.GET.get("server", "")})
    if form.is_valid():
        given = form.cleaned_data
        adoption = services.ask(
            given["server"],
            given["only_domain"],
            returning=given["returning"],
            by=operator,
            announce=announce,
        )
        return redirect("adoption:show-adoption", adoption.pk)
    adoptions = Adoption.objects.select_related("server", "asked_by")[:ROWS]
    return render(request, "adoption/list_adoptions.html", {"form": form, "adoptions": adoptions})


@require_safe
def show_adoption(request: HttpRequest, number: int) -> HttpResponse:
    operator_of(request)
    adoption = get_object_or_404(Adoption.objects.select_related("server", "asked_by"), pk=number)
    return render(request, "adoption/show_adoption.html", {"adoption": adoption})


@never_cache
@require_safe
def show_progress(request: HttpRequest, number: int) -> HttpResponse:
    """The middle of the page alone; it asks again until there is nothing to wait for."""
    operator_of(request)
    adoption = get_object_or_404(Adoption.objects.select_related("server", "asked_by"), pk=number)
    return render(request, "adoption/_progress.html", {"adoption": adoption})


@require_POST
def begin_adoption(request: HttpRequest, number: int) -> HttpResponse:
    operator = operator_of(request)
    adoption = get_object_or_404(Adoption.objects.select_related("server"), pk=number)
    try:
        services.begin(adoption, by=operator, announce=announce)
    except services.NotNow:
        messages.info(request, _("This cannot begin now: it runs already, or is done."))
    return redirect("adoption:show-adoption", number)


@require_POST
def stop_adoption(request: HttpRequest, number: int) -> HttpResponse:
    operator_of(request)
    adoption = get_object_or_404(Adoption, pk=number)
    try:
        services.stop(adoption)
    except services.NotNow:
        messages.info(request, _("There is nothing to stop."))
    return redirect("adoption:show-adoption", number)
