"""A mailbox's app passwords: listed, made, ended, and whether mail programs get in by them alone."""

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import app_password_rule, app_passwords, stepping_up
from accounts.models import Mailbox, MailboxQuerySet, Person
from accounts.requests import person_of
from mailservers.models import Change
from mailservers.one_line import OneLineFormField


class AppPasswordForm(forms.Form):
    """What a new app password is for."""

    name = OneLineFormField(
        label=gettext_lazy("Which device or program is it for?"),
        max_length=60,
        help_text=gettext_lazy(
            "For example “phone” or “Thunderbird at home”: by this name you end it later."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@never_cache
@require_safe
def list_app_passwords(request: HttpRequest, address: str) -> HttpResponse:
    return _page(request, _visible(person_of(request), address), AppPasswordForm())


@never_cache
@require_POST
@stepping_up.step_up_required
def make_app_password(request: HttpRequest, address: str) -> HttpResponse:
    """Its text is in this one answer and nowhere else."""
    person = person_of(request)
    mailbox = _own(person, address)
    form = AppPasswordForm(request.POST)
    if form.is_valid():
        try:
            row, clear = app_passwords.make_app_password(mailbox, form.cleaned_data["name"], by=person)
        except app_passwords.TooMany:
            form.add_error(
                None,
                _("There are %(most)d app passwords already. End one that is not used any more.")
                % {"most": app_passwords.MOST},
            )
        except app_passwords.NotHere:
            form.add_error(None, _("The mail server of this mailbox keeps no app passwords just now."))
        else:
            context = {
                "mailbox": mailbox,
                "app_password": row,
                "clear": clear,
                "change": Change.objects.newest_of(mailbox.pk, "account"),
            }
            return render(request, "accounts/show_app_password.html", context)
    return _page(request, mailbox, form)


@require_POST
def end_app_password(request: HttpRequest, address: str) -> HttpResponse:
    """Without stepping up: who has lost a phone is in a hurry, and nothing is opened by it."""
    person = person_of(request)
    mailbox = _endable(person, address)
    number = request.POST.get("number", "")
    if not number.isdecimal() or not app_passwords.end_app_password(mailbox, int(number[:18]), by=person):
        messages.info(request, _("This app password had been ended already."))
    else:
        messages.success(
            request,
            _("Ended. Mail programs that used it are signed out as soon as the mail server has this."),
        )
    return redirect("accounts:list-app-passwords", address)


@require_POST
def end_all_app_passwords(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = _endable(person, address)
    count = app_passwords.end_all_app_passwords(mailbox, by=person)
    messages.success(
        request,
        ngettext("%(count)d app password is ended.", "%(count)d app passwords are ended.", count)
        % {"count": count},
    )
    return redirect("accounts:list-app-passwords", address)


@never_cache
@require_POST
@stepping_up.step_up_required
def switch_app_passwords(request: HttpRequest, address: str) -> HttpResponse:
    """Whether mail programs are let in by app passwords alone."""
    person = person_of(request)
    mailbox = _own(person, address)
    if "alone" not in request.POST:
        try:
            app_passwords.let_in_by_password_too(mailbox, by=person)
        except app_passwords.HeldByRule:
            messages.error(
                request,
                _("Your domain asks for app passwords in mail programs. Your webmaster can tell you why."),
            )
        else:
            messages.success(
                request, _("Mail programs may use your password again as soon as the mail server has this.")
            )
    elif not mailbox.app_passwords.exists():
        messages.error(request, _("Make an app password first, or none of your mail programs could sign in."))
    else:
        try:
            app_passwords.let_in_by_app_passwords_alone(mailbox, by=person)
        except app_passwords.NotHere:
            messages.error(request, _("The mail server of this mailbox keeps no app passwords just now."))
        else:
            messages.success(
                request,
                _("As soon as the mail server has this, mail programs get in with app passwords only."),
            )
    return redirect("accounts:list-app-passwords", address)


def _page(request: HttpRequest, mailbox: Mailbox, form: AppPasswordForm) -> HttpResponse:
    person = person_of(request)
    context = {
        "mailbox": mailbox,
        "form": form,
        "app_passwords": list(mailbox.app_passwords.all()),
        "is_own": mailbox.owner_id == person.pk,
        "endable": _endable_by(person).filter(pk=mailbox.pk).exists(),
        "kept_here": app_passwords.can_have(mailbox),
        "is_held": mailbox.only_app_passwords and app_password_rule.holds_for(mailbox),
        "knows_password": app_passwords.knows_password(mailbox),
        "change": Change.objects.newest_by_aspect(mailbox).get("account"),
    }
    return render(request, "accounts/list_app_passwords.html", context)


def _visible(person: Person, address: str) -> Mailbox:
    """Staff and webmasters see names and when they were used."""
    found = Mailbox.objects.open_to(person).with_rights_of(person)
    found = found.select_related(
        "domain__mail_rules", "domain__password_rules", "domain__server", "server", "owner"
    )
    return get_object_or_404(found, address=address)


def _own(person: Person, address: str) -> Mailbox:
    """Nobody else makes one: whoever knows it reads the mail."""
    found = Mailbox.objects.owned_by(person).select_related("domain__password_rules", "server", "owner")
    return get_object_or_404(found, address=address)


def _endable_by(person: Person) -> MailboxQuerySet:
    administered = Mailbox.objects.administered_by(person).values("pk")
    return Mailbox.objects.alive().filter(Q(owner=person) | Q(pk__in=administered))


def _endable(person: Person, address: str) -> Mailbox:
    """Their own, and those in domains they look after."""
    found = _endable_by(person).select_related("domain", "server", "owner").filter(address=address).first()
    if found is None:
        raise Http404
    return found
