"""A mailbox's forwarding, for its user and for its webmaster; and the link that its targets get."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import stepping_up
from accounts.link_codes import ask_for_code, code_in, is_pressed
from accounts.models import Mailbox
from accounts.requests import person_of
from mailservers.models import Change
from mailservers.servers import limits_of
from mailservers.standing import standing_of
from mailservers.words import with_server
from vacation import forwarding as service
from vacation import ordering, own_rules, proofs, requests
from vacation.forward_forms import ForwardingForm
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget, OwnScripts
from vacation.permission import May, may, must_ask_for
from vacation.phases import told_forwarding
from vacation.services import ChangedMeanwhile
from vacation.standing import with_what_stands

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@never_cache
@stepping_up.steps_up
@require_http_methods(READ_AND_WRITE)
def edit_forwarding(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    visible = with_what_stands(Mailbox.objects.open_to(person).with_rights_of(person), "forwarding")
    joined = ("domain__mail_rules", "server", "own_scripts", "auto_reply", "forwarding")
    mailbox = get_object_or_404(visible.select_related(*joined), address=address)
    allowed = may(person, mailbox, "forwarding")
    if request.method == "POST" and allowed == May.LOOK:
        raise Http404
    limits = limits_of(mailbox.server)
    saved = getattr(mailbox, "forwarding", None) or Forwarding(mailbox=mailbox)
    form = ForwardingForm(request.POST or None, by=person, instance=copy(saved), limits=limits)
    if form.is_valid():
        # Whoever finds an open screen must not send somebody's mail away.
        anew = service.sends_anew(saved, form.instance, form.cleaned_data["addresses"])
        if (form.new_outside() or anew) and not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        if _keep(request, form, ask=allowed == May.ASK):
            return redirect("vacation:edit-forwarding", address)
    rules = DomainRules.of(mailbox.domain)
    targets = saved.listed_targets()
    standing = standing_of(Change.objects.newest_of_features(mailbox, "script"), "forwarding")
    change = standing.shown if standing else None
    drifted = own_rules.drift_of(mailbox) if mailbox.told("has_drift") else None
    differs = drifted is not None and drifted.left_at is None
    context = {
        "mailbox": mailbox,
        "form": form,
        "saved": saved,
        "targets": [
            (target, rules.permits(target.address), service.is_inside(mailbox, target.address))
            for target in targets
        ],
        "auto_reply": getattr(mailbox, "auto_reply", None) or AutoReply(mailbox=mailbox),
        "rules": rules,
        "no_window": limits is not None and not limits.forward_window,
        "told": told_forwarding(saved, targets, change, differs=differs),
        "change": change,
        "own": standing and standing.own,
        "feature": "forwarding",
        "asking": requests.waiting_for(mailbox, "forwarding") if mailbox.told("has_request") else None,
        "proof": proofs.newest(mailbox, "forwarding") if mailbox.told("has_proof") else None,
        "provable": proofs.is_possible(),
        "switched_off": own_rules.switched_off_in(mailbox),
        "own_scripts": OwnScripts.of(mailbox) if limits is None or limits.sieve else None,
        "may_order": ordering.may_order(person, mailbox),
        "drifted": drifted,
        "must_ask": allowed == May.ASK,
        "changeable": allowed != May.LOOK,
    }
    return render(request, "vacation/edit_forwarding.html", context)


@require_POST
def ask_again(request: HttpRequest, address: str) -> HttpResponse:
    """Send a target another link."""
    person = person_of(request)
    mine = Mailbox.objects.changeable_by(person).select_related("domain__mail_rules")
    mailbox = get_object_or_404(mine, address=address)
    if may(person, mailbox, "forwarding") == May.LOOK:
        raise Http404
    waiting = ForwardingTarget.objects.filter(forwarding__mailbox=mailbox, listed=True, confirmed_at=None)
    target = waiting.filter(address=request.POST.get("target", "")).first()
    if target is None:
        messages.info(request, _("There is nobody to ask: the address has answered, or is not in the list."))
    elif not service.ask_again(target, by=person):
        messages.info(request, _("It was asked a moment ago. Give the mail a few minutes."))
    else:
        messages.success(request, _("A new link is on its way to %(address)s.") % {"address": target.address})
    return redirect("vacation:edit-forwarding", address)


@login_not_required
@never_cache
@require_http_methods(READ_AND_WRITE)
def answer_forwarding(request: HttpRequest) -> HttpResponse:
    """Whoever reads mail at a target says whether it is wanted."""
    code = code_in(request)
    if not code and request.method != "POST":
        return ask_for_code(request)
    target = service.target_of(code)
    if target is None:
        return render(request, "vacation/link_over.html", status=404)
    if is_pressed(request):
        agrees = "refuse" not in request.POST
        if not service.answer(target, agrees=agrees):
            return render(request, "vacation/link_over.html", status=404)
        return render(request, "vacation/answered.html", {"target": target, "agrees": agrees})
    return render(request, "vacation/answer_forwarding.html", {"target": target, "code": code})


@login_not_required
@never_cache
@require_safe
def open_older_link(request: HttpRequest, code: str) -> HttpResponse:
    """Mailed before codes stood behind a #; the last of them is over three days after the update."""
    target = service.target_of(code)
    if target is None:
        return render(request, "vacation/link_over.html", status=404)
    return render(request, "vacation/answer_forwarding.html", {"target": target, "code": code})


def _keep(request: HttpRequest, form: ForwardingForm, *, ask: bool) -> bool:
    given, person, mailbox = form.cleaned_data, person_of(request), form.instance.mailbox
    forwarding = form.save(commit=False)
    # Whoever must ask may still switch it off: the mail stays where it belongs.
    if forwarding.enabled and (ask or must_ask_for(person, mailbox, form.new_outside())):
        requests.ask(mailbox, "forwarding", forwarding.as_told(given["addresses"]), by=person)
        messages.success(request, _("Your webmaster is asked. Nothing changes before they approve it."))
        return True
    try:
        service.save_forwarding(forwarding, given["addresses"], seen_version=given["version"], by=person)
    except ChangedMeanwhile:
        form.tell_of_newer(Forwarding.of(form.instance.mailbox))
        return False
    except service.TooManyTogether as too_many:
        form.add_error("addresses", too_many)
        return False
    if form.new_outside():
        messages.success(
            request,
            _("Saved. The new addresses get a mail with a link; nothing goes there before they agree."),
        )
    else:
        messages.success(request, with_server(_("Saved."), mailbox.server))
    return True
