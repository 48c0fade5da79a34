"""Pages on which a password is chosen: by a one-time link, or in place of the present one."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts import earlier_passwords, leaked_passwords, passwords, proposing, stepping_up, throttling
from accounts.backends import is_mailbox_password
from accounts.models import Mailbox, PasswordRules, Person
from accounts.password_rules import Verdict, judge, rules_for, rules_of, words_of
from accounts.seen_values import SeenValues
from mailservers.signing_in import CannotAsk

# What the field sends while somebody types: itself, and whose password it is to be.
_JUDGED = {
    "hx-post": reverse_lazy("accounts:judge-password"),
    "hx-trigger": "input changed delay:300ms",
    "hx-target": "#verdict",
    "hx-params": "csrfmiddlewaretoken,new_password,code,mailbox",
    "hx-sync": "this:replace",
}
# How hard it must be, as webmasters choose it.
ASKED = {
    2: _("not found by trying on the page"),
    3: _("good: holds for a while even if a hash is stolen"),
    4: _("very good: holds for long even if a hash is stolen"),
}
# A webmaster who asks for more gets passwords on slips of paper.
LONGEST_MINIMUM = 32
_PLAIN = {"autocomplete": "new-password", "autocapitalize": "none", "spellcheck": "false"}


class NewPasswordForm(forms.Form):
    """A new password, twice, for a person or a mailbox."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={**_PLAIN, **_JUDGED}),
    )
    new_password_again = forms.CharField(
        label=_("New password, once more"),
        strip=False,
        widget=forms.PasswordInput(attrs=_PLAIN),
    )

    def __init__(self, target: Person | Mailbox, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target, self.rules = target, rules_for(target)
        self.verdict: Verdict | None = None
        self.proposal: proposing.Proposal | None = None
        self.could_look_up = True
        """Whether the list of leaked passwords answered, where one is asked."""
        self.fields["new_password"].help_text = ngettext_lazy(
            "At least %(count)d character. Spaces are welcome: a few unrelated words make a good password.",
            "At least %(count)d characters. Spaces are welcome: a few unrelated words make a good password.",
            self.rules.shortest,
        ) % {"count": self.rules.shortest}

    def fill_in(self, proposal: proposing.Proposal) -> None:
        """Show it in both fields, to be written down."""
        self.proposal = proposal
        for name in ("new_password", "new_password_again"):
            widget = self.fields[name].widget
            assert isinstance(widget, forms.PasswordInput)  # noqa: S101 - see above
            widget.render_value, widget.input_type = True, "text"
            self.initial[name] = proposal.text

    def clean_new_password(self) -> str:
        typed: str = self.cleaned_data["new_password"]
        self.verdict = judge(typed, self.rules, words=words_of(self.target))
        if not self.verdict.is_good:
            raise forms.ValidationError([*self.verdict.problems, *self.verdict.advice])
        return typed

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        new = given.get("new_password")
        if new is not None and "new_password_again" in given and new != given["new_password_again"]:
            self.add_error("new_password_again", gettext("The two new passwords differ."))
        elif new is not None and not self.errors:
            self._look_up(new)
        return given

    def _look_up(self, new: str) -> None:
        """What takes time is asked last, and only once all else is right."""
        if earlier_passwords.was_used(self.target, new, self.rules.history):
            self.add_error("new_password", gettext("You have had this password before: choose another one."))
            return
        try:
            if leaked_passwords.is_leaked(new):
                self.add_error(
                    "new_password",
                    gettext(
                        "This password is in a list of leaked ones, which are tried first. Choose another."
                    ),
                )
        except leaked_passwords.CannotTell:
            self.could_look_up = False


class ChangePasswordForm(NewPasswordForm):
    """The old password, and the new one twice. Tries at the old one are counted as at signing in."""

    old_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=passwords.LONGEST_BYTES,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("old_password", "new_password", "new_password_again")

    def __init__(
        self, target: Person | Mailbox, *args: Any, request: HttpRequest, person: Person, **kwargs: Any
    ) -> None:
        super().__init__(target, *args, **kwargs)
        self.request, self.person = request, person

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        try:
            this_try = throttling.begin_try(self.request, "password", self.person)
            right = self._is_present(typed)
        except throttling.TooManyTries as wait:
            raise forms.ValidationError(stepping_up.too_many(wait)) from None
        except CannotAsk:
            this_try.was_right()
            raise forms.ValidationError(
                gettext("The mail server that knows your password cannot be reached. Try again in a while.")
            ) from None
        if not right:
            raise forms.ValidationError(gettext("This is not the current password."))
        this_try.was_right()
        return typed

    def _is_present(self, typed: str) -> bool:
        """Raises CannotAsk."""
        if isinstance(self.target, Mailbox):
            return is_mailbox_password(self.target, typed)
        return check_password(passwords.normalise(typed), self.target.password)

    def _look_up(self, new: str) -> None:
        if passwords.normalise(new) == passwords.normalise(self.cleaned_data["old_password"]):
            self.add_error("new_password", gettext("This is the current password: choose another one."))
        else:
            super()._look_up(new)


class ProposeForm(forms.Form):
    """Which kind of password the portal is to propose."""

    kind = forms.ChoiceField(
        label=_("Made of"),
        choices=list(proposing.KINDS.items()),
        widget=forms.Select(attrs={"form": "propose"}),
    )


class PasswordRulesForm(SeenValues, forms.ModelForm[PasswordRules]):
    """What a domain asks for beyond the portal's own rules, which it can't fall below."""

    class Meta:
        model = PasswordRules
        fields = ("shortest", "strength", "history")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        least, most = settings.PASSWORD_SHORTEST, max(LONGEST_MINIMUM, settings.PASSWORD_SHORTEST)
        self.fields["shortest"] = forms.IntegerField(
            label=gettext("At least so many characters"),
            min_value=least,
            max_value=most,
            help_text=gettext("From %(least)d to %(most)d.") % {"least": least, "most": most},
            widget=forms.NumberInput(attrs={"class": "short"}),
        )
        self.fields["strength"] = forms.TypedChoiceField(
            label=gettext("How hard it must be to guess"),
            coerce=int,
            choices=[(score, ASKED[score]) for score in ASKED if score >= settings.PASSWORD_STRENGTH],
            help_text=gettext("Judged by the words, names, dates and patterns in it, while it is typed."),
        )
        least, most = settings.PASSWORD_HISTORY, earlier_passwords.MOST
        self.fields["history"] = forms.IntegerField(
            label=gettext("None of the last so many passwords"),
            min_value=least,
            max_value=most,
            help_text=gettext("From %(least)d to %(most)d, the present one included.")
            % {"least": least, "most": most},
            widget=forms.NumberInput(attrs={"class": "short"}),
        )
        rules = rules_of(self.instance)
        self.initial = {"shortest": rules.shortest, "strength": rules.strength, "history": rules.history}
