"""A domain's rules and templates as webmasters fill them in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.seen_values import SeenValues
from mailservers.one_line import OneLineFormField
from vacation.addresses import NoAddress, read_addresses
from vacation.models import DomainRules, ReplyTemplate
from vacation.rendering import reply_entity, reply_subject
from vacation.sieve import UnfitText


class DomainRulesForm(SeenValues, forms.ModelForm[DomainRules]):
    """The allow-list takes domains and whole addresses, one on each line."""

    allowed = forms.CharField(
        label=gettext_lazy("Allowed domains and addresses"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy("One on each line, for example example.org or anna@example.org."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
    )

    class Meta:
        model = DomainRules
        fields = ("auto_reply", "forwarding", "outside")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["allowed"] = "\n".join(self.instance.allow_list)

    def clean_allowed(self) -> list[str]:
        found: list[str] = []
        for line in self.cleaned_data["allowed"].replace(",", "\n").splitlines():
            typed = line.strip().removeprefix("@")
            if not typed:
                continue
            try:
                # A domain is read as that of an address.
                [address] = read_addresses(typed if "@" in typed else f"x@{typed}")
            except (NoAddress, ValueError):
                raise ValidationError(
                    _("“%(typed)s” is neither a domain nor an address."), params={"typed": typed[:100]}
                ) from None
            found.append(address if "@" in typed else address.removeprefix("x@"))
        return sorted(set(found))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("outside") == "listed" and not given.get("allowed") and "allowed" not in self.errors:
            self.add_error("allowed", _("Write which addresses outside are allowed."))
        return given

    def save(self, commit: bool = True) -> DomainRules:
        self.instance.allow_list = self.cleaned_data["allowed"]
        return super().save(commit)


class ReplyTemplateForm(SeenValues, forms.ModelForm[ReplyTemplate]):
    """The places in braces are filled in by whoever uses it."""

    class Meta:
        model = ReplyTemplate
        fields = ("title", "language", "subject", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 7, "dir": "auto"})}  # noqa: RUF012 - Django's way

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n")
        return _fit(reply_entity, text)

    def clean_subject(self) -> str:
        return _fit(reply_subject, self.cleaned_data["subject"])

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        same = ReplyTemplate.objects.filter(domain=self.instance.domain, title=title)
        if same.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a template with this name already."))
        return title


class RefusalForm(forms.Form):
    """The reason; the same form on the page approves without one, so the browser must not ask for it."""

    use_required_attribute = False

    reason = OneLineFormField(
        label=gettext_lazy("Why not"),
        max_length=500,
        error_messages={"required": gettext_lazy("Say in a few words why not: the user reads it.")},
    )


def _fit(rendered: Any, text: str) -> str:
    try:
        rendered(text)
    except UnfitText as unfit:
        raise ValidationError(str(unfit)) from None
    return text
