"""What people type about room for mail."""

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain
from accounts.seen_values import SeenValues
from accounts.size_field import SizeField
from accounts.sizes import in_words
from quotas.reading import OLD_TRASH

EXAMPLES = _("For example 500 MB or 1.5 GB.")


class QuotaForm(SeenValues):
    """How much room a mailbox gets; without a limit only in a domain that has none itself."""

    quota_bytes = SizeField(label=_("Room for mail"), required=False, help_text=EXAMPLES)
    unlimited = forms.BooleanField(label=_("No limit"), required=False)

    def __init__(self, data: Any = None, *, domain: Domain, quota_bytes: int, least_bytes: int = 0) -> None:
        """`least_bytes`: what the mailbox holds; with less room it could not take any mail."""
        initial = {"quota_bytes": quota_bytes, "unlimited": not quota_bytes}
        super().__init__(data, initial=initial)
        self.least_bytes = least_bytes
        if domain.max_quota_bytes:
            del self.fields["unlimited"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("unlimited"):
            given["quota_bytes"] = 0
            self.errors.pop("quota_bytes", None)
            return given
        if "quota_bytes" not in given:
            return given
        if "quota_bytes" not in self.changed_data and self.initial["quota_bytes"]:
            # What was shown was rounded.
            given["quota_bytes"] = self.initial["quota_bytes"]
        if not given["quota_bytes"]:
            self.add_error("quota_bytes", _("Write how much room the mailbox gets."))
        elif given["quota_bytes"] < self.least_bytes:
            problem = _("The mailbox holds %(size)s already: with less room it could not take any mail.")
            self.add_error(
                "quota_bytes", forms.ValidationError(problem, params={"size": in_words(self.least_bytes)})
            )
        return given


class ManyQuotasForm(forms.Form):
    """The same for many mailboxes: those that are ticked, or all that the list's filter finds."""

    quota_bytes = SizeField(label=_("Room for each"), help_text=EXAMPLES)


class TrashForm(forms.Form):
    """Which part of the trash goes."""

    older_than = forms.ChoiceField(
        label=_("What to delete"),
        choices=[("all", _("everything")), ("30", _("what lies there for more than 30 days"))],
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )

    def clean_older_than(self) -> timedelta:
        return OLD_TRASH if self.cleaned_data["older_than"] == "30" else timedelta(0)


class DomainRulesForm(SeenValues):
    """When people are warned, and how much the whole domain may be given; the latter is the operators'."""

    warning_thresholds = forms.CharField(
        label=_("Warn at these percentages"),
        max_length=60,
        required=False,
        help_text=_("Separated by blanks, for example 80 95 100. Empty: nobody is warned."),
    )
    warn_webmasters = forms.BooleanField(label=_("Warn the webmasters as well"), required=False)
    max_quota_bytes = SizeField(
        label=_("Limit of all mailboxes together"),
        required=False,
        help_text=_("Empty: no limit for the domain."),
    )

    def __init__(self, data: Any = None, *, domain: Domain, operator: bool) -> None:
        super().__init__(
            data,
            initial={
                "warning_thresholds": " ".join(str(each) for each in domain.warning_thresholds),
                "warn_webmasters": domain.warn_webmasters,
                "max_quota_bytes": domain.max_quota_bytes,
            },
        )
        if not operator:
            del self.fields["max_quota_bytes"]

    @property
    def rules(self) -> dict[str, Any]:
        """What a valid form says, by the domain's fields."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    def clean_warning_thresholds(self) -> list[int]:
        words = [word for word in re.split(r"[\s,;%]+", self.cleaned_data["warning_thresholds"]) if word]
        if not all(re.fullmatch(r"[0-9]{1,3}", word) and 1 <= int(word) <= 100 for word in words):
            raise forms.ValidationError(_("Write whole numbers from 1 to 100."))
        found = sorted({int(word) for word in words})
        if len(found) > 5:
            raise forms.ValidationError(_("Five are enough: who is warned too often reads none."))
        return found

    def clean_max_quota_bytes(self) -> int:
        if "max_quota_bytes" not in self.changed_data:
            return int(self.initial["max_quota_bytes"])
        return int(self.cleaned_data["max_quota_bytes"])
