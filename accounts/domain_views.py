"""Operators make domains, and say how much of each there may be."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import domains
from accounts.domain_forms import DomainForm, NewDomainForm
from accounts.models import Domain
from accounts.requests import person_of

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@require_http_methods(READ_AND_WRITE)
def create_domain(request: HttpRequest) -> HttpResponse:
    by = person_of(request)
    if not by.is_operator:
        raise Http404
    form = NewDomainForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        domain = form.save(commit=False)
        domains.create_domain(domain, by=by)
        messages.success(request, _("The domain is there. Now invite its webmasters, or make mailboxes."))
        return redirect("accounts:list-webmasters", domain.name)
    return render(request, "accounts/create_domain.html", {"form": form})


@require_http_methods(READ_AND_WRITE)
@transaction.atomic
def edit_domain(request: HttpRequest, name: str) -> HttpResponse:
    by = person_of(request)
    if not by.is_operator:
        raise Http404
    found = Domain.objects.select_for_update(of=("self",)) if request.method == "POST" else Domain.objects
    domain = get_object_or_404(found, name=name)
    form = DomainForm(request.POST if request.method == "POST" else None, instance=domain)
    if form.is_valid():
        domains.change_domain(form.save(commit=False), by=by)
        messages.success(request, _("Saved."))
        return redirect("accounts:list-mailboxes", name)
    return render(request, "accounts/edit_domain.html", {"form": form, "domain": domain})
