"""Choosing passwords: one's own in place of another, what the portal thinks of one, and what it proposes."""

from typing import Any

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import adding_factors, devices, proposing, sessions, stepping_up
from accounts.app_password_rule import RULES, rule_of
from accounts.domains import save_password_rules
from accounts.models import Domain, Mailbox, PasswordRules, Person
from accounts.one_time_links import CHOOSE_PASSWORD, find_link
from accounts.password_forms import ChangePasswordForm, NewPasswordForm, PasswordRulesForm, ProposeForm
from accounts.password_rules import judge, rules_for, words_of
from accounts.people import set_own_password
from accounts.requests import person_of
from accounts.services import change_password as keep_new_password
from audit.origin import current_origin
from mailservers.models import Change
from mailservers.sealed_passwords import NoSealingKey

READ_AND_WRITE = ["GET", "HEAD", "POST"]
# So often a minute from one address, in each of the portal's processes: four people who type without a pause.
MOST_VERDICTS = 600


@never_cache
@sensitive_post_parameters()
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def change_password(request: HttpRequest, address: str) -> HttpResponse:
    """Of the own mailbox."""
    person = person_of(request)
    mine = Mailbox.objects.owned_by(person).select_related("domain__password_rules", "server", "owner")
    mailbox = get_object_or_404(mine, address=address)
    if not stepping_up.has_shown_factor(request):
        return stepping_up.ask_to_step_up(request, wanted=request.path)
    form = ChangePasswordForm(mailbox, _sent(request), request=request, person=person)
    if form.is_valid() and _keep(form, mailbox, person):
        if mailbox.owner:
            auth.update_session_auth_hash(request, mailbox.owner)
        adding_factors.forget_what_was_begun(request)
        stepping_up.note_password(request)
        messages.success(
            request,
            _("Your new password is saved. Use it in your mail programs as soon as the mail server has it."),
        )
        tell_what_was_not_asked(request, form)
        response = redirect("accounts:change-password", address)
        # Others are known no more.
        devices.remember_device(request, response, person)
        return response
    change = Change.objects.newest_of(mailbox.pk, "account")
    context = {"mailbox": mailbox, "change": change}
    return propose_or_show(request, form, "accounts/change_password.html", context)


def _keep(form: ChangePasswordForm, mailbox: Mailbox, person: Person) -> bool:
    try:
        keep_new_password(mailbox, form.cleaned_data["new_password"], by=person)
    except NoSealingKey:
        form.add_error(
            None,
            _(
                "This mailbox's server takes passwords in clear text only, and the portal has no key yet to"
                " keep one safe on its way. Tell the portal's operators. Nothing was changed."
            ),
        )
        return False
    return True


@never_cache
@sensitive_post_parameters()
@require_http_methods(READ_AND_WRITE)
@stepping_up.steps_up
def change_own_password(request: HttpRequest) -> HttpResponse:
    """Staff's and webmasters': who signs in with a mailbox's password changes it on the mailbox's page."""
    person = person_of(request)
    if not person.has_usable_password():
        raise Http404
    if not stepping_up.has_shown_factor(request):
        return stepping_up.ask_to_step_up(request, wanted=request.path)
    form = ChangePasswordForm(person, _sent(request), request=request, person=person)
    if form.is_valid():
        set_own_password(person, form.cleaned_data["new_password"], but=request.session.session_key)
        auth.update_session_auth_hash(request, person)
        adding_factors.forget_what_was_begun(request)
        stepping_up.note_password(request)
        messages.success(request, _("Your new password is saved. Everywhere else you are signed out."))
        tell_what_was_not_asked(request, form)
        response = redirect("accounts:show-account")
        devices.remember_device(request, response, person)
        return response
    return propose_or_show(request, form, "accounts/change_own_password.html", {})


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_POST
def judge_password(request: HttpRequest) -> HttpResponse:
    """What the portal thinks of a password so far; nothing is kept, not even that somebody asked."""
    target = _whose(request)
    if target is None:
        raise Http404
    if _too_many_verdicts():
        return HttpResponse(status=429)
    typed = request.POST.get("new_password", "")
    verdict = judge(typed, rules_for(target), words=words_of(target)) if typed else None
    return render(request, "accounts/_verdict.html", {"verdict": verdict})


@require_http_methods(READ_AND_WRITE)
@transaction.atomic
def edit_password_rules(request: HttpRequest, name: str) -> HttpResponse:
    """What a domain asks of passwords, by its webmasters."""
    by = person_of(request)
    domain = get_object_or_404(Domain.objects.administered_by(by), name=name)
    if request.method == "POST":
        Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk)
    rules = PasswordRules.objects.filter(domain=domain).first() or PasswordRules(domain=domain)
    form = PasswordRulesForm(request.POST if request.method == "POST" else None, instance=rules)
    if form.is_valid():
        save_password_rules(form.save(commit=False), by=by)
        messages.success(request, _("Saved. It holds for every password that is chosen from now on."))
        return redirect("accounts:edit-password-rules", name)
    context = {"form": form, "domain": domain, "mail_programs": RULES[rule_of(rules)]}
    return render(request, "accounts/edit_password_rules.html", context)


def propose_or_show(
    request: HttpRequest, form: NewPasswordForm, page: str, context: dict[str, Any]
) -> HttpResponse:
    """The page; the fields alone, with a proposal, for who pressed the button that asks for one."""
    usual = {"kind": get_language()[:2]}
    choice = ProposeForm(request.POST if "kind" in request.POST else usual)
    if "propose" in request.POST and choice.is_valid():
        form.fill_in(proposing.propose(choice.cleaned_data["kind"], shortest=form.rules.shortest))
        if request.headers.get("HX-Request"):
            page = "accounts/_new_password.html"
    return render(request, page, {**context, "form": form, "choice": choice})


def tell_what_was_not_asked(request: HttpRequest, form: NewPasswordForm) -> None:
    if not form.could_look_up:
        messages.warning(
            request,
            _(
                "It could not be looked up in the list of leaked passwords, which is away just now."
                " If you use it elsewhere too, choose another one."
            ),
        )


def _sent(request: HttpRequest) -> Any:
    """What was typed, unless it was only the wish for a proposal."""
    return request.POST if request.method == "POST" and "propose" not in request.POST else None


def _whose(request: HttpRequest) -> Person | Mailbox | None:
    """Whom the password is for: by a one-time link, or somebody who signed in."""
    if code := request.POST.get("code", ""):
        link = find_link(CHOOSE_PASSWORD, code)
        return (link.person or link.mailbox) if link else None
    if not request.user.is_authenticated or sessions.second_factor_is_due(request):
        return None
    person = person_of(request)
    if address := request.POST.get("mailbox", ""):
        mine = Mailbox.objects.owned_by(person).select_related("domain__password_rules")
        return mine.filter(address=address).first()
    return person


def _too_many_verdicts() -> bool:
    """Counted in memory: a database would cost more than a verdict."""
    key = f"verdicts-{current_origin().address}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) > MOST_VERDICTS
    except ValueError:  # it ran out just now
        return False
