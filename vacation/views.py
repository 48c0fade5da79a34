"""A mailbox's auto-reply, for its user and for its webmaster."""

from copy import copy

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Mailbox
from accounts.requests import person_of
from mailservers.models import Change
from mailservers.servers import limits_of
from mailservers.standing import standing_of
from mailservers.words import with_server
from vacation import ordering, own_rules, proofs, requests
from vacation.forms import AutoReplyForm, FillInForm
from vacation.limits import as_held, sentences_about
from vacation.models import AutoReply, DomainRules, OwnScripts, ReplyTemplate
from vacation.permission import May, may
from vacation.preview import previews_of
from vacation.reply_templates import filled_in
from vacation.services import ChangedMeanwhile, save_auto_reply
from vacation.standing import with_what_stands


@require_http_methods(["GET", "HEAD", "POST"])
def edit_auto_reply(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    visible = with_what_stands(Mailbox.objects.open_to(person).with_rights_of(person), "auto_reply")
    mailbox = get_object_or_404(
        visible.select_related("domain__mail_rules", "server", "auto_reply", "own_scripts"), address=address
    )
    allowed = may(person, mailbox, "auto_reply")
    if request.method == "POST" and allowed == May.LOOK:
        raise Http404
    # Before the form fills in what is typed: the page tells what happens, not what may be meant to.
    saved = getattr(mailbox, "auto_reply", None)
    limits = limits_of(mailbox.server)
    filling = FillInForm(
        request.GET if "template" in request.GET else None,
        templates=ReplyTemplate.objects.filter(domain=mailbox.domain)
        if mailbox.told("has_templates")
        else ReplyTemplate.objects.none(),
    )
    form = AutoReplyForm(
        request.POST or None,
        instance=copy(saved) if saved else AutoReply(mailbox=mailbox),
        limits=limits,
        initial=_from_template(filling, mailbox) if request.method != "POST" else None,
    )
    previews = []
    if form.is_valid():
        if "preview" in request.POST:
            previews = previews_of(form.instance) if form.instance.text.strip() else []
        elif _keep(request, form, saved, ask=allowed == May.ASK):
            return redirect("vacation:edit-auto-reply", address)
    drifted = own_rules.drift_of(mailbox) if mailbox.told("has_drift") else None
    standing = standing_of(Change.objects.newest_of_features(mailbox, "script"), "auto_reply")
    context = {
        "mailbox": mailbox,
        "form": form,
        "filling": filling,
        "previews": previews,
        "saved": as_held(saved, limits),
        "limits": sentences_about(limits) if limits else [],
        "change": standing and standing.shown,
        "own": standing and standing.own,
        "feature": "auto_reply",
        "asking": requests.waiting_for(mailbox, "auto_reply") if mailbox.told("has_request") else None,
        "proof": proofs.newest(mailbox, "auto_reply") if mailbox.told("has_proof") else None,
        "provable": proofs.is_possible(),
        "switched_off": own_rules.switched_off_in(mailbox),
        "own_scripts": OwnScripts.of(mailbox) if limits is None or limits.sieve else None,
        "may_order": ordering.may_order(person, mailbox),
        "drifted": drifted,
        "differs": drifted is not None and drifted.left_at is None,
        "must_ask": allowed == May.ASK,
        "only_webmaster": DomainRules.of(mailbox.domain).auto_reply == "webmaster",
        "changeable": allowed != May.LOOK,
    }
    return render(request, "vacation/edit_auto_reply.html", context)


@require_POST
def order_own_rules(request: HttpRequest, address: str) -> HttpResponse:
    """Have rules made in webmail run before what is set here, or after it."""
    person = person_of(request)
    mine = Mailbox.objects.changeable_by(person).select_related("domain__mail_rules", "server")
    mailbox = get_object_or_404(mine, address=address)
    if not ordering.may_order(person, mailbox):
        raise Http404
    if ordering.order_own_rules(mailbox, first=request.POST.get("order") != "last", by=person) is None:
        messages.info(request, _("It is so already: nothing was changed."))
    else:
        messages.success(request, with_server(_("Saved."), mailbox.server))
    page = "edit-forwarding" if request.POST.get("page") == "forwarding" else "edit-auto-reply"
    return redirect(f"vacation:{page}", address)


def _says_something_new(before: AutoReply | None, after: AutoReply) -> bool:
    """Whether some who had an answer while it was on would be told something else now."""
    if before is None or not before.enabled:
        return False
    return any(getattr(before, name) != getattr(after, name) for name in ("text", "subject", "outside_text"))


def _keep(request: HttpRequest, form: AutoReplyForm, saved: AutoReply | None, *, ask: bool) -> bool:
    person, mailbox = person_of(request), form.instance.mailbox
    auto_reply = form.save(commit=False)
    # Whoever must ask may still switch it off: that tells nobody anything.
    again = bool(form.cleaned_data.get("again"))
    if ask and auto_reply.enabled:
        wanted = auto_reply.as_told() | ({"again": True} if again else {})
        requests.ask(mailbox, "auto_reply", wanted, by=person)
        messages.success(request, _("Your webmaster is asked. Nothing changes before they approve it."))
        return True
    try:
        save_auto_reply(auto_reply, seen_version=form.cleaned_data["version"], by=person, again=again)
    except ChangedMeanwhile:
        form.tell_of_newer(AutoReply.of(mailbox))
        return False
    messages.success(request, with_server(_("Saved."), mailbox.server))
    if auto_reply.enabled and not again and _says_something_new(saved, auto_reply):
        messages.info(
            request,
            _(
                "People who have had an answer lately do not get the new text. To tell them too, tick “Tell"
                " everybody once more” and save again."
            ),
        )
    return True


def _from_template(filling: FillInForm, mailbox: Mailbox) -> dict[str, object]:
    """What the form begins with: nothing, or the texts of one or two templates."""
    if not filling.is_bound or not filling.is_valid():
        return {}
    given = filling.cleaned_data
    chosen = [template for template in (given["template"], given["second"]) if template]
    subject, text = filled_in(
        chosen, mailbox, until=given["until"], replacement=given["replacement"], phone=given["phone"]
    )
    found: dict[str, object] = {"subject": subject, "text": text, "enabled": True}
    return found | ({"ends": given["until"]} if given["until"] else {})
