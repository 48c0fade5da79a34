"""What one mailbox holds, and what its user, its webmaster or an operator can do about it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Mailbox
from accounts.requests import person_of
from accounts.room import HoldsMore, NoRoomLeft
from accounts.sizes import UNITS, in_words
from mailservers.models import Change, Usage, UsageRequest
from mailservers.servers import limits_of
from mailservers.words import with_server
from quotas import asking
from quotas.figures import days_of, days_until_full, fill_of, in_about
from quotas.forms import QuotaForm, TrashForm
from quotas.services import AlreadyAsked, suggested_quota
from quotas.services import change_quota as keep_quota
from quotas.services import empty_trash as order_emptying
from quotas.services import request_quota as ask_for_more
from quotas.tasks import PATIENCE

READ_AND_WRITE = ["GET", "HEAD", "POST"]
# Shown at once; the others are behind a click.
FOLDERS = 12
# What a page about one mailbox shows of it.
JOINED = ("domain__mail_rules", "server", "usage", "usage_request")


@require_safe
def show_usage(request: HttpRequest, address: str) -> HttpResponse:
    mailbox = _open_mailbox(request, address)
    person = person_of(request)
    usage = _usage_of(mailbox)
    days = days_of(mailbox, timezone.localdate())
    changes = Change.objects.newest_by_aspect(mailbox)
    newest_request = mailbox.quota_requests.order_by("-pk").first()
    context = _reading_context(mailbox) | {
        "days": days[::-1],
        "forecast": _forecast(usage, mailbox, days),
        "limit": usage.limit_with(mailbox.quota_bytes) if usage else mailbox.quota_bytes,
        "changeable": bool(mailbox.told("is_changeable")),
        "emptied": bool(mailbox.told("is_changeable")) and not person.helps_by_grant,
        "quota_changeable": bool(mailbox.told("is_quota_changeable")),
        "is_own": mailbox.owner_id == person.pk,
        "limits": limits_of(mailbox.server),
        "account_change": changes.get("account"),
        "trash_change": changes.get("trash"),
        "quota_request": newest_request,
        "suggestion": suggested_quota(mailbox),
        "step": settings.SIZE_STEP,
        "units": UNITS,
    }
    return render(request, "quotas/show_usage.html", context)


@never_cache
@require_safe
def show_reading(request: HttpRequest, address: str) -> HttpResponse:
    """The reading alone; it asks again while a new one is on its way."""
    mailbox = _open_mailbox(request, address)
    return render(request, "quotas/_reading.html", _reading_context(mailbox))


@require_POST
def read_again(request: HttpRequest, address: str) -> HttpResponse:
    """Ask the server what the mailbox holds now; not more often than it can answer."""
    mailbox = _open_mailbox(request, address)
    wish = UsageRequest.objects.filter(mailbox=mailbox).first()
    if wish is None or not _is_awaited(wish):
        asking.ask(mailbox)
    return redirect("quotas:show-usage", address)


@require_http_methods(READ_AND_WRITE)
def empty_trash(request: HttpRequest, address: str) -> HttpResponse:
    """Asks first, with what would be deleted; the server is asked for that where it is not known."""
    mailbox = _emptied_mailbox(request, address)
    limits = limits_of(mailbox.server)
    if limits is not None and not limits.empties_trash:
        raise Http404
    form = TrashForm(request.POST or None, initial={"older_than": "all"})
    if form.is_valid():
        order_emptying(mailbox, older_than=form.cleaned_data["older_than"], by=person_of(request))
        messages.success(request, with_server(_("The trash is to be emptied."), mailbox.server))
        return redirect("quotas:show-usage", address)
    is_part = "HX-Request" in request.headers
    if not is_part and _ask_for_old_trash(mailbox):
        mailbox = _emptied_mailbox(request, address)
    context = _reading_context(mailbox) | {"form": form}
    return render(request, "quotas/_trash.html" if is_part else "quotas/empty_trash.html", context)


@require_http_methods(READ_AND_WRITE)
@transaction.atomic
def change_quota(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    if request.method == "POST":
        # As in domain_views.edit_rules.
        list(Mailbox.objects.alive().select_for_update(of=("self",), no_key=True).filter(address=address))
    givable = Mailbox.objects.quota_changeable_by(person).select_related("domain", "server")
    mailbox = get_object_or_404(givable.select_related("usage"), address=address)
    usage = _usage_of(mailbox)
    form = QuotaForm(
        request.POST or None,
        domain=mailbox.domain,
        quota_bytes=mailbox.quota_bytes,
        least_bytes=usage.bytes_used if usage else 0,
    )
    if form.is_valid():
        try:
            keep_quota(mailbox, form.cleaned_data["quota_bytes"], by=person)
        except (NoRoomLeft, HoldsMore) as lacking:
            form.add_error("quota_bytes", no_room_left(lacking))
        else:
            messages.success(request, with_server(_("Saved."), mailbox.server))
            return redirect("quotas:show-usage", address)
    return render(request, "quotas/change_quota.html", {"mailbox": mailbox, "form": form, "usage": usage})


@require_POST
def request_quota(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mailbox = get_object_or_404(
        Mailbox.objects.owned_by(person).select_related("domain", "server"), address=address
    )
    if not mailbox.quota_bytes:
        raise Http404
    try:
        ask_for_more(mailbox, by=person)
    except AlreadyAsked:
        messages.info(request, _("You have asked already; nobody has decided yet."))
    else:
        messages.success(request, _("Your request is on its way to the webmaster of the domain."))
    return redirect("quotas:show-usage", address)


def no_room_left(lacking: NoRoomLeft | HoldsMore) -> str:
    if isinstance(lacking, HoldsMore):
        words = _("The mailbox holds %(size)s already: with less room it could not take any mail.")
        return words % {"size": in_words(lacking.held_bytes)}
    if not lacking.lacking_bytes:
        return _("The domain has a limit, so each of its mailboxes needs one.")
    return _("The domain has not so much left to give: %(size)s are lacking.") % {
        "size": in_words(lacking.lacking_bytes)
    }


def _open_mailbox(request: HttpRequest, address: str) -> Mailbox:
    person = person_of(request)
    visible = Mailbox.objects.open_to(person).with_rights_of(person).select_related(*JOINED)
    return get_object_or_404(visible, address=address)


def _emptied_mailbox(request: HttpRequest, address: str) -> Mailbox:
    person = person_of(request)
    changeable = Mailbox.objects.emptied_by(person).with_rights_of(person).select_related(*JOINED)
    return get_object_or_404(changeable, address=address)


def _usage_of(mailbox: Mailbox) -> Usage | None:
    return getattr(mailbox, "usage", None)


def _ask_for_old_trash(mailbox: Mailbox) -> bool:
    """Only a mailbox's own reading tells how long mail lies in the trash; whether it had to be asked for."""
    usage = _usage_of(mailbox)
    wish = getattr(mailbox, "usage_request", None)
    if (usage is None or usage.old_trash_messages is None) and (wish is None or not _is_awaited(wish)):
        asking.ask(mailbox)
        return True
    return False


def _is_awaited(wish: UsageRequest) -> bool:
    """Whether an answer may still come."""
    return wish.is_open and timezone.now() - wish.asked_at < timedelta(seconds=PATIENCE)


def _reading_context(mailbox: Mailbox) -> dict[str, Any]:
    usage = _usage_of(mailbox)
    wish = getattr(mailbox, "usage_request", None)
    folders = usage.folders if usage else []
    largest = max((folder["bytes"] for folder in folders), default=0) or 1
    rows = [
        folder | {"width": f"{folder['bytes'] * 100 / largest:.3f}%", "told_kind": _kind_to_tell(folder)}
        for folder in folders
    ]
    return {
        "mailbox": mailbox,
        "usage": usage,
        "fill": fill_of(usage, mailbox.quota_bytes) if usage else None,
        "server_differs": usage is not None and _server_differs(usage, mailbox),
        "folders": rows[:FOLDERS],
        "more_folders": rows[FOLDERS:],
        "untold_folders": usage.folder_count - len(folders) if usage else 0,
        "wish": wish,
        "is_awaited": wish is not None and _is_awaited(wish),
        "is_unanswered": wish is not None and wish.is_open and not _is_awaited(wish),
    }


def _kind_to_tell(folder: dict[str, Any]) -> str:
    """What a folder is for, unless its name tells it already."""
    kind = {"trash": _("trash"), "junk": _("junk")}.get(folder["kind"], "")
    return "" if kind.casefold() == folder["name"].casefold() else kind


def _server_differs(usage: Usage, mailbox: Mailbox) -> bool:
    """Whether the server counts with another limit than the portal gave it."""
    is_current = usage.wanted_bytes == mailbox.quota_bytes
    return is_current and usage.limit_bytes not in (None, mailbox.quota_bytes)


def _forecast(usage: Usage | None, mailbox: Mailbox, days: list[Any]) -> dict[str, Any] | None:
    if usage is None:
        return None
    left = days_until_full(days, usage.bytes_used, usage.limit_with(mailbox.quota_bytes))
    if left is None:
        return None
    return {"words": in_about(left), "day": timezone.localdate() + timedelta(days=round(left))}
