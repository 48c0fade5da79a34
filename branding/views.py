"""Editing brands, and what pages load of them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import stepping_up
from accounts.models import Domain
from accounts.requests import person_of
from branding import colours
from branding.forms import BrandForm
from branding.looks import HOSTER
from branding.models import Brand
from branding.services import brand_to_edit, save_brand

# Whom people turn to, and where they type their password.
WAYS_TO_PEOPLE = {"support_email", "support_phone", "webmail_url"}
A_DAY = "public, max-age=86400"


@require_http_methods(["GET", "HEAD", "POST"])
@stepping_up.steps_up
def edit_hosters_brand(request: HttpRequest) -> HttpResponse:
    if not person_of(request).is_operator:
        raise Http404
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@stepping_up.steps_up
def edit_brand(request: HttpRequest, name: str) -> HttpResponse:
    return _edit(request, get_object_or_404(Domain.objects.administered_by(person_of(request)), name=name))


@login_not_required
@require_safe
def logo(_request: HttpRequest, name: str) -> HttpResponse:
    brand = _brand_named(name)
    if not brand.logo:
        raise Http404
    return HttpResponse(bytes(brand.logo), content_type="image/png", headers={"Cache-Control": A_DAY})


@login_not_required
@require_safe
def show_colours(_request: HttpRequest, name: str) -> HttpResponse:
    """A style sheet: the pages' own policy lets no style stand in them."""
    brand = _brand_named(name)
    if not brand.accent:
        raise Http404
    accent = colours.parse(brand.accent)
    sheet = (
        f":root {{ --accent: {brand.accent};"
        f" --tblr-primary-darken: {colours.written(colours.darkened(accent, 0.8))};"
        f" --tblr-primary-rgb: {', '.join(map(str, accent))}; }}\n"
    )
    return HttpResponse(sheet, content_type="text/css; charset=utf-8", headers={"Cache-Control": A_DAY})


def _edit(request: HttpRequest, domain: Domain | None) -> HttpResponse:
    brand = brand_to_edit(domain)
    form = BrandForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        instance=brand,
    )
    if form.is_valid():
        if WAYS_TO_PEOPLE & set(form.changed_data) and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        save_brand(form.save(commit=False), png=form.png, by=person_of(request))
        messages.success(request, _("Saved."))
        return redirect(request.path)
    return render(request, "branding/edit_brand.html", {"form": form, "domain": domain, "edited": brand})


def _brand_named(name: str) -> Brand:
    if name == HOSTER:
        return get_object_or_404(Brand, domain=None)
    return get_object_or_404(Brand, domain__name=name)
