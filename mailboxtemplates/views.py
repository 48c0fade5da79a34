"""New mailboxes, and the templates they begin with."""

from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import stepping_up
from accounts.logins import propose_login
from accounts.mailbox_views import no_place, no_room
from accounts.models import Domain, Mailbox, Person
from accounts.requests import person_of
from accounts.room import NoPlaceLeft, NoRoomLeft, given_to
from accounts.sizes import in_words
from mailboxtemplates.addresses import style_of
from mailboxtemplates.forms import MailboxTemplateForm, NewMailboxForm
from mailboxtemplates.models import MailboxTemplate
from mailboxtemplates.services import Stale, delete_template, make_mailbox, save_template
from mailservers.words import with_server

READ_AND_WRITE = ["GET", "HEAD", "POST"]
# As many as anybody can choose from.
MOST = 50


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def create_mailbox(request: HttpRequest, name: str) -> HttpResponse:
    """Choosing a template (`choose`) fills the form in anew; what was typed already stays."""
    person = person_of(request)
    domain = _domain(person, name)
    templates = MailboxTemplate.objects.of(domain)
    asked = (request.POST if request.method == "POST" else request.GET).get("template", "")
    template = _named(templates, asked)
    if request.method != "POST" and not asked:
        template = templates[0] if templates and templates[0].is_default else None
    login = propose_login(domain)
    form = NewMailboxForm(request.POST or None, domain=domain, login=login, template=template)
    if "choose" in request.POST:
        template = _named(templates, request.POST["choose"])
        if not form.typed:
            # A page of its own, so that the browser can go back to it.
            return redirect(f"{request.path}?template={template.pk if template else 0}")
        form = NewMailboxForm(domain=domain, login=login, template=template, typed=form.typed)
    elif form.is_valid():
        if asked not in ("", "0") and template is None:
            form.add_error(
                None, _("The template was deleted meanwhile. Look at what is filled in, and save again.")
            )
            form.data = {**form.data, "template": "0"}
        elif form.cleaned_data["recovery_address"] and not stepping_up.has_stepped_up(request):
            # Whoever reads mail there chooses its password.
            return stepping_up.ask_to_step_up(request)
        else:
            mailbox = _make(form, domain, template, person)
            if mailbox is not None:
                messages.success(
                    request,
                    with_server(_("%(address)s is made.") % {"address": mailbox.address}, mailbox.server),
                )
                return redirect("accounts:show-mailbox", mailbox.address)
    context = {
        "domain": domain,
        "form": form,
        "templates": templates,
        "template": template,
        "lack": "" if form.is_bound or template is None else _lack(domain, template),
    }
    return render(request, "mailboxtemplates/create_mailbox.html", context)


def _make(
    form: NewMailboxForm, domain: Domain, template: MailboxTemplate | None, person: Person
) -> Mailbox | None:
    given = form.cleaned_data
    try:
        return make_mailbox(
            domain,
            template,
            given["local_part"],
            login=given.get("login", ""),
            name=given["name"],
            by=person,
            quota_bytes=given["quota_bytes"],
            recovery_address=given["recovery_address"],
            language=given["language"],
        )
    except NoRoomLeft as lack:
        form.add_error("quota_bytes", no_room(lack))
    except NoPlaceLeft as full:
        form.add_error(None, no_place(full))
    except IntegrityError:
        form.add_error(None, _("Somebody made a mailbox with this address or login just now. Try again."))
    return None


@require_safe
def list_templates(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person).select_related("server"), name=name)
    templates = MailboxTemplate.objects.of(domain)
    context = {
        "domain": domain,
        "templates": templates,
        "most": MOST if len(templates) >= MOST else 0,
        "administered": Domain.objects.administered_by(person).filter(pk=domain.pk).exists(),
    }
    return render(request, "mailboxtemplates/list_templates.html", context)


@never_cache
@require_http_methods(READ_AND_WRITE)
def create_template(request: HttpRequest, name: str) -> HttpResponse:
    """Empty, or (`like`) as one of the domain's mailboxes is."""
    person = person_of(request)
    domain = _domain(person, name)
    if MailboxTemplate.objects.filter(domain=domain).count() >= MOST:
        return redirect("mailboxtemplates:list-templates", name)
    like = request.GET.get("like", "")
    model = get_object_or_404(Mailbox.objects.alive().filter(domain=domain), address=like) if like else None
    form = MailboxTemplateForm(
        request.POST or None,
        instance=MailboxTemplate(domain=domain),
        initial=_as_it_is(model, domain) if model else None,
    )
    if form.is_valid() and _keep(form, person):
        messages.success(request, _("The template is made. New mailboxes can begin with it now."))
        return redirect("mailboxtemplates:list-templates", name)
    return render(
        request, "mailboxtemplates/edit_template.html", {"domain": domain, "form": form, "model": model}
    )


@never_cache
@require_http_methods(READ_AND_WRITE)
def edit_template(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    template = _template(person, number)
    domain, title = template.domain, template.title
    form = MailboxTemplateForm(request.POST or None, instance=template)
    if form.is_valid() and _keep(form, person):
        messages.success(request, _("Saved. Mailboxes that were made with it stay as they are."))
        return redirect("mailboxtemplates:list-templates", domain.name)
    context = {"domain": domain, "form": form, "template": template, "title": title}
    return render(request, "mailboxtemplates/edit_template.html", context)


@never_cache
@require_http_methods(READ_AND_WRITE)
def remove_template(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    template = _template(person, number)
    if request.method == "POST":
        delete_template(template, by=person)
        messages.success(request, _("The template “%(title)s” is deleted.") % {"title": template.title})
        return redirect("mailboxtemplates:list-templates", template.domain.name)
    context = {"domain": template.domain, "template": template}
    return render(request, "mailboxtemplates/remove_template.html", context)


def _keep(form: MailboxTemplateForm, person: Person) -> bool:
    try:
        save_template(form.save(commit=False), seen_version=form.cleaned_data["seen_version"] or 0, by=person)
    except Stale as stale:
        if stale.now is None:
            form.add_error(None, _("Somebody deleted this template meanwhile."))
        else:
            form.add_error(
                None,
                _(
                    "Somebody changed this template while you were typing. What you typed stands below;"
                    " save again to replace theirs."
                ),
            )
            form.data = {**form.data, "seen_version": str(stale.now.version)}
        return False
    except IntegrityError:
        form.add_error("title", _("There is a template with this name already."))
        return False
    return True


def _as_it_is(mailbox: Mailbox, domain: Domain) -> dict[str, Any]:
    """What a template has of a mailbox."""
    language = mailbox.language or domain.language
    return {
        "quota_bytes": None if mailbox.quota_bytes == domain.default_quota_bytes else mailbox.quota_bytes,
        "language": "" if language == domain.language else language,
        "address_style": style_of(mailbox.address.partition("@")[0], mailbox.name, language),
    }


def _lack(domain: Domain, template: MailboxTemplate) -> str:
    """Why no mailbox can begin with it as it is; "" when one can."""
    if not domain.max_quota_bytes:
        return ""
    left = max(domain.max_quota_bytes - given_to(domain), 0)
    if template.room_bytes <= left:
        return ""
    return _(
        "The template gives %(wanted)s of room, and the domain has %(left)s left to give. Give this mailbox"
        " less, or others less."
    ) % {"wanted": in_words(template.room_bytes), "left": in_words(left)}


def _named(templates: list[MailboxTemplate], number: str) -> MailboxTemplate | None:
    return next((template for template in templates if str(template.pk) == number), None)


def _domain(person: Person, name: str) -> Domain:
    return get_object_or_404(Domain.objects.administered_by(person).select_related("server"), name=name)


def _template(person: Person, number: int) -> MailboxTemplate:
    mine = MailboxTemplate.objects.administered_by(person).select_related("domain__server", "reply")
    return get_object_or_404(mine, pk=number)
