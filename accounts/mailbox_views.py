"""Changing and deleting mailboxes, and bringing them back."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import aliases, lifecycle, stepping_up
from accounts.alias_leads import leading_here, leading_only_to
from accounts.aliases import StillNeeded, is_protected
from accounts.led_here import leads_to
from accounts.mailbox_forms import EditMailboxForm, SwitchesForm
from accounts.models import Domain, Mailbox, Person
from accounts.naming import folded
from accounts.requests import person_of
from accounts.room import NoPlaceLeft, NoRoomLeft
from accounts.sizes import in_words
from accounts.switches import SWITCHES, can_switch, fit_switches
from mailservers.drivers.base import Limits
from mailservers.models import Change
from mailservers.servers import limits_of
from mailservers.words import with_server

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def edit_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = _mailbox(person, address)
    form = EditMailboxForm(mailbox, request.POST or None)
    if form.is_valid():
        # Links to choose a password go there.
        if "recovery_address" in form.changed and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            lifecycle.edit_mailbox(mailbox, form.changed, seen=form.seen, by=person)
        except lifecycle.Stale:
            form.tell_of_newer()
        else:
            messages.success(request, with_server(_("Saved."), mailbox.server))
            return redirect("accounts:show-mailbox", address)
    change = Change.objects.newest_of(mailbox.pk, "account")
    context = {
        "mailbox": mailbox,
        "form": form,
        "change": change,
        "can_stop_sending": can_switch("sends", limits_of(mailbox.server)),
    }
    return render(request, "accounts/edit_mailbox.html", context)


ALL_OFF = dict.fromkeys(SWITCHES, False)
# What the page proposes, by what somebody wants.
PRESETS = {
    "off": {"enabled": False, "sends": False},
    "on": {"enabled": True, "sends": True, "receives": True},
}


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def switch_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    """Signing in, sending and receiving, each apart; a button elsewhere sends one of them alone."""
    person = person_of(request)
    mailbox = _mailbox(person, address)
    to = request.GET.get("to", "")
    form = SwitchesForm(mailbox, request.POST or None, preset=PRESETS.get(to, {}))
    if form.is_valid():
        if _lets_in(mailbox, form.wanted) and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            changed = lifecycle.switch_mailbox(mailbox, form.wanted, seen=form.seen, by=person)
        except lifecycle.Stale:
            if not Mailbox.objects.alive().filter(pk=mailbox.pk).exists():
                messages.info(request, _("The mailbox was deleted meanwhile."))
                return redirect("accounts:list-mailboxes", mailbox.domain.name)
            form.tell_of_newer()
        else:
            for sentence in _what_happens(changed, limits_of(mailbox.server)) or [
                _("Nothing was different, so nothing is changed.")
            ]:
                messages.success(request, sentence)
            return redirect("accounts:show-mailbox", address)
    takes_mail = fit_switches(ALL_OFF, limits_of(mailbox.server))["receives"]
    only_here = [] if takes_mail else leading_only_to(mailbox.address, person)
    context = {
        "mailbox": mailbox,
        "form": form,
        "to": to,
        "only_here": only_here,
        "leads": [] if takes_mail else leads_to([mailbox.address, *only_here], person),
    }
    return render(request, "accounts/switch_mailbox.html", context)


def _lets_in(mailbox: Mailbox, wanted: dict[str, bool]) -> bool:
    """Whether somebody could sign in, or send, who can't now: who it was switched off for, perhaps."""
    return any(wanted.get(name) and not getattr(mailbox, name) for name in ("enabled", "sends"))


def _what_happens(changed: dict[str, bool], limits: Limits | None) -> list[str]:
    """In words, a sentence for each that changed."""
    signed_out = limits is None or limits.ends_sessions
    sentences = {
        ("enabled", False): _("Signing in is switched off, and open mail programs are signed out.")
        if signed_out
        else _("Signing in is switched off. Mail programs that are open go on until they close."),
        ("enabled", True): _("Signing in works again as soon as the mail server has the change."),
        ("sends", False): _("Sending is stopped, and mail programs that are sending now are cut off."),
        ("sends", True): _("Sending is allowed again as soon as the mail server has the change."),
        ("receives", False): _("New mail is refused as soon as the mail server has the change."),
        ("receives", True): _("New mail is taken again as soon as the mail server has the change."),
    }
    return [sentences[each] for each in changed.items()]


@never_cache
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def delete_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = _mailbox(person, address)
    typed = folded(request.POST.get("address", ""))
    with_aliases = "with_aliases" in request.POST
    needed = False
    if request.method == "POST" and typed == mailbox.address:
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        try:
            lifecycle.delete_mailbox(mailbox, by=person, with_aliases=with_aliases)
        except StillNeeded:
            needed = True
        else:
            messages.success(
                request,
                _("%(address)s is deleted. It can be brought back from this list.") % {"address": address},
            )
            return redirect("accounts:list-deleted", mailbox.domain.name)
    only_here, also_here = leading_here(mailbox.address, person)
    limits = limits_of(mailbox.server)
    context = {
        "mailbox": mailbox,
        "typed": typed,
        "wrong": request.method == "POST" and not needed,
        "needed": needed,
        "with_aliases": with_aliases,
        "only_here": only_here,
        "protected_here": [each for each in only_here if is_protected(each)],
        "also_here": also_here,
        "leads": leads_to([mailbox.address, *only_here], person),
        "days": settings.KEEP_DELETED_DAYS,
        "erases_mail": limits is None or limits.erases_mail,
        "takes_mail": fit_switches(ALL_OFF, limits)["receives"],
    }
    return render(request, "accounts/delete_mailbox.html", context)


@require_safe
def list_deleted(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person).select_related("server"), name=name)
    # Those whose time is over as well, as long as their server has not removed them.
    deleted = Mailbox.objects.filter(domain=domain, deleted_at__isnull=False)
    mailboxes = list(deleted.order_by("-deleted_at")[:500])
    changes = Change.objects.newest_of_each([mailbox.pk for mailbox in mailboxes])
    context = {
        "domain": domain,
        "rows": [(mailbox, changes.get(mailbox.pk)) for mailbox in mailboxes],
        "administered": Domain.objects.administered_by(person).filter(pk=domain.pk).exists(),
    }
    return render(request, "accounts/list_deleted.html", context)


@require_POST
@stepping_up.steps_up
def restore_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    deleted = Mailbox.objects.administered_by(person).deleted().select_related("domain", "server")
    mailbox = get_object_or_404(deleted, address=address)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    try:
        lacking = lifecycle.restore_mailbox(mailbox, by=person)
    except NoRoomLeft as lack:
        messages.error(request, no_room(lack))
    except NoPlaceLeft as full:
        messages.error(request, no_place(full))
    except lifecycle.Stale:
        messages.info(request, _("Somebody brought it back meanwhile."))
    else:
        if lacking:
            words = _("%(address)s is back, but not these aliases: %(aliases)s")
            messages.warning(request, words % {"address": address, "aliases": aliases.in_words(lacking)})
        else:
            messages.success(request, _("%(address)s is back, as it was.") % {"address": address})
        return redirect("accounts:show-mailbox", address)
    return redirect("accounts:list-deleted", mailbox.domain.name)


def _mailbox(person: Person, address: str) -> Mailbox:
    mine = Mailbox.objects.administered_by(person).alive().select_related("domain", "server", "owner")
    return get_object_or_404(mine, address=address)


def no_room(lack: NoRoomLeft) -> str:
    """Why the domain can't give so much."""
    if not lack.lacking_bytes:
        return _("The domain has a limit for all mailboxes together: give this one a limit too.")
    return _("The domain has %(size)s too little room left. Give it less, or others less.") % {
        "size": in_words(lack.lacking_bytes)
    }


def no_place(full: NoPlaceLeft) -> str:
    """Why the domain can have no mailbox more."""
    return _(
        "The domain may have %(most)s mailboxes, and has them. Delete one, or ask your hoster for more."
    ) % {"most": full.most}
