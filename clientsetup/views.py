"""The set-up card of a mailbox: page, sheet for the printer, PDF, profile, and one-time links."""

import time

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.link_codes import ask_for_code, code_in, is_pressed
from accounts.models import Mailbox
from accounts.qr import qr_picture
from accounts.requests import person_of
from branding.looks import look_of
from clientsetup import programs
from clientsetup.checking import CheckForm, look_at_server
from clientsetup.instructions import Instructions, instructions_for
from clientsetup.models import SetupLink
from clientsetup.profiles import CONTENT_TYPE, profile_of
from clientsetup.services import make_link, use_link
from clientsetup.sheets import sheet_as_pdf

# In the session of whoever opened a one-time link: the mailbox, and until when.
OPENED = "opened_set_up"
OPEN_FOR_SECONDS = 30 * 60


@require_safe
def show_card(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _visible(request, address)
    return render(request, "clientsetup/show_card.html", _card(request, mailbox))


@require_safe
def print_sheet(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _visible(request, address)
    return render(request, "clientsetup/print_sheet.html", _sheet(mailbox))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def download_pdf(request: HttpRequest, address: str) -> HttpResponse:
    """POST puts a new one-time link on it, as a QR code."""
    qr = ""
    if request.method == "POST":
        mailbox = _changeable(request, address)
        qr = qr_picture(make_link(mailbox, by=person_of(request)))
    else:
        mailbox = _visible(request, address)
    told = _told(mailbox)
    if not told.is_complete:
        raise Http404
    return _download(sheet_as_pdf(mailbox, told, qr=qr), "application/pdf", f"{_file_name(mailbox)}.pdf")


@require_safe
def download_profile(request: HttpRequest, address: str) -> HttpResponse:
    return _profile(_visible(request, address))


@never_cache
@require_POST
def show_link(request: HttpRequest, address: str) -> HttpResponse:
    """The link is in this one answer and nowhere else."""
    mailbox = _changeable(request, address)
    link = make_link(mailbox, by=person_of(request))
    expires_at = SetupLink.objects.filter(mailbox=mailbox).latest("pk").expires_at
    context = _card(request, mailbox) | {"link": link, "qr": qr_picture(link), "expires_at": expires_at}
    return render(request, "clientsetup/show_link.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def check_settings(request: HttpRequest, address: str) -> HttpResponse:
    """What a program shows, compared with what it should be; POST with `look` also asks the server."""
    mailbox = _visible(request, address)
    told = _told(mailbox)
    form = CheckForm(mailbox, told, request.POST or None)
    context: dict[str, object] = {"mailbox": mailbox, "told": told, "form": form}
    if form.is_valid():
        context["findings"] = form.findings()
        context["is_right"] = all(finding.is_right for finding in form.findings())
        if "look" in request.POST:
            context["looked"] = look_at_server(mailbox.server, form.endpoint)
    return render(request, "clientsetup/check_settings.html", context)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest) -> HttpResponse:
    """A link is used up by a press of a button: programs that look at links beforehand press none."""
    code = code_in(request)
    if is_pressed(request):
        mailbox = use_link(code)
        if mailbox is None:
            return render(request, "clientsetup/link_is_over.html", status=404)
        request.session[OPENED] = [mailbox.pk, time.time() + OPEN_FOR_SECONDS]
        return redirect("clientsetup:show-opened")
    if not code and request.method != "POST":
        return ask_for_code(request)
    if not SetupLink.objects.usable().with_code(code).exists():
        return render(request, "clientsetup/link_is_over.html", status=404)
    return render(request, "clientsetup/open_link.html", {"code": code})


@login_not_required
@never_cache
@require_safe
def show_opened(request: HttpRequest) -> HttpResponse:
    opened = _opened(request)
    if opened is None:
        return render(request, "clientsetup/link_is_over.html", status=404)
    context = {
        "mailbox": opened,
        "told": _told(opened),
        "programs": programs.all_of(opened, _told(opened)),
        "brand": look_of(opened.domain_id),
    }
    return render(request, "clientsetup/show_opened.html", context)


@login_not_required
@never_cache
@require_safe
def download_opened_profile(request: HttpRequest) -> HttpResponse:
    opened = _opened(request)
    if opened is None:
        return render(request, "clientsetup/link_is_over.html", status=404)
    return _profile(opened)


def _visible(request: HttpRequest, address: str) -> Mailbox:
    visible = Mailbox.objects.open_to(person_of(request)).select_related("domain", "server")
    return get_object_or_404(visible, address=address)


def _changeable(request: HttpRequest, address: str) -> Mailbox:
    """A link lets others in, so it is for those who may change the mailbox."""
    changeable = Mailbox.objects.changeable_by(person_of(request)).select_related("domain", "server")
    return get_object_or_404(changeable, address=address)


def _opened(request: HttpRequest) -> Mailbox | None:
    """The mailbox whose one-time link this browser opened a while ago."""
    number, until = request.session.get(OPENED, (0, 0.0))
    if time.time() > until:
        return None
    alive = Mailbox.objects.alive().filter(pk=number, enabled=True)
    return alive.select_related("domain", "server").first()


def _told(mailbox: Mailbox) -> Instructions:
    return instructions_for(mailbox)


def _card(request: HttpRequest, mailbox: Mailbox) -> dict[str, object]:
    told = _told(mailbox)
    changeable = Mailbox.objects.changeable_by(person_of(request)).filter(pk=mailbox.pk).exists()
    return {
        "mailbox": mailbox,
        "told": told,
        "programs": programs.all_of(mailbox, told),
        "changeable": changeable,
    }


def _sheet(mailbox: Mailbox) -> dict[str, object]:
    look = look_of(mailbox.domain_id)
    return {"mailbox": mailbox, "told": _told(mailbox), "brand": look, "logo": look.logo_url}


def _profile(mailbox: Mailbox) -> HttpResponse:
    told = _told(mailbox)
    if not told.is_complete:
        raise Http404
    organization = look_of(mailbox.domain_id).name or mailbox.domain.name
    profile = profile_of(mailbox, told, organization=organization)
    return _download(profile, CONTENT_TYPE, f"{_file_name(mailbox)}.mobileconfig")


def _download(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _file_name(mailbox: Mailbox) -> str:
    return slugify(mailbox.address.replace("@", "-at-").replace(".", "-")) or "mailbox"
