"""A domain's rule which passwords mail programs may use: a plan first, then it is done."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import stepping_up
from accounts.app_password_rule import (
    ANY,
    GRACES,
    RULES,
    is_kept_by,
    reach_of,
    rule_of,
    without_app_password,
)
from accounts.domains import save_app_password_rule
from accounts.models import Domain, PasswordRules
from accounts.requests import person_of
from accounts.seen_values import SeenValues

# So many addresses are named in a plan.
NAMED = 10


class AppPasswordRuleForm(SeenValues):
    """Which passwords mail programs may use, and how long people get ready for it."""

    mail_programs = forms.ChoiceField(label=gettext_lazy("Mail programs sign in with"))
    grace_days = forms.TypedChoiceField(
        label=gettext_lazy("For mailboxes that are there already it holds after"),
        coerce=int,
        choices=list(GRACES.items()),
        help_text=gettext_lazy("Everybody it holds for is told by mail, with the day."),
    )

    def __init__(self, domain: Domain, rules: PasswordRules, *, data: dict[str, str] | None) -> None:
        present = rule_of(rules)
        super().__init__(data, initial={"mail_programs": present, "grace_days": rules.grace_days})
        least = list(RULES).index(rule_of(PasswordRules(domain=domain)))
        choice = self.fields["mail_programs"]
        choice.choices = list(RULES.items())[least:]  # type: ignore[attr-defined]
        if least:
            choice.help_text = _("Less is not possible here: the portal's operators ask for it everywhere.")


@require_http_methods(["GET", "HEAD", "POST"])
@stepping_up.steps_up
def edit_app_password_rule(request: HttpRequest, name: str) -> HttpResponse:
    by = person_of(request)
    administered = Domain.objects.administered_by(by).select_related("server", "password_rules")
    domain = get_object_or_404(administered, name=name)
    rules = PasswordRules.of(domain)
    present, kept_here = rule_of(rules), is_kept_by(domain)
    sent = request.POST.dict() if request.method == "POST" and kept_here else None
    form = AppPasswordRuleForm(domain, rules, data=sent)
    plan = None
    if form.is_valid():
        rule, days = form.cleaned_data["mail_programs"], form.cleaned_data["grace_days"]
        plan = reach_of(domain, rule)
        is_nothing = rule == present or not (plan.holds_for or plan.unknown or plan.goes_back)
        if "confirmed" in request.POST or is_nothing:
            if rule != present and not stepping_up.has_stepped_up(request):
                return stepping_up.ask_to_step_up(request)
            if save_app_password_rule(domain, rule, days, by=by):
                messages.success(request, _("Saved. The portal goes through the mailboxes now."))
            else:
                messages.info(request, _("It is so already."))
            return redirect("accounts:edit-app-password-rule", name)
    shown = form.cleaned_data["mail_programs"] if plan else present
    context = {
        "form": form,
        "domain": domain,
        "kept_here": kept_here,
        "is_on": kept_here and present != ANY,
        "reach": plan or (reach_of(domain, present) if kept_here else None),
        "plan": plan,
        "rule_in_words": RULES[shown],
        "is_any": shown == ANY,
        "grace_in_words": GRACES.get(form.cleaned_data["grace_days"]) if plan else "",
        "without": list(without_app_password(domain, shown).order_by("address")[:NAMED]) if kept_here else [],
    }
    return render(request, "accounts/edit_app_password_rule.html", context)
