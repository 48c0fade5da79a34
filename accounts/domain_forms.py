"""A domain: its name, its server, and how much of it there may be."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain_names import BadDomainName, in_ascii
from accounts.models import Domain
from accounts.seen_values import SeenValues
from accounts.size_field import SizeField


class DomainForm(SeenValues, forms.ModelForm[Domain]):
    """What an operator decides about a domain."""

    default_quota_bytes = SizeField(
        label=gettext_lazy("Room for a new mailbox"), help_text=gettext_lazy("For example 500 MB or 1.5 GB.")
    )
    max_quota_bytes = SizeField(
        label=gettext_lazy("All mailboxes together"),
        required=False,
        help_text=gettext_lazy("What they may be given; empty: no limit."),
    )

    class Meta:
        model = Domain
        fields = (
            *("server", "default_quota_bytes", "max_quota_bytes", "max_mailboxes", "max_aliases", "language"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        server, most, language = (self.fields[each] for each in ("server", "max_mailboxes", "language"))
        server.label = _("Mail server")
        most.label, most.help_text = _("Most mailboxes"), _("0 means no limit.")
        aliases = self.fields["max_aliases"]
        aliases.label, aliases.help_text, aliases.required = _("Most aliases"), _("0 means no limit."), False
        language.label = _("Language")
        language.help_text = _("In which its people are written to, unless they choose another one.")
        self.fields["language"] = forms.ChoiceField(
            label=language.label, help_text=language.help_text, choices=settings.LANGUAGES
        )
        if self.instance.pk and self.instance.mailboxes.exists():
            server.disabled = True
            server.help_text = _("It stays: the mail of its mailboxes is there.")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        given["max_aliases"] = given.get("max_aliases") or 0
        # What was shown was rounded.
        for name in ("default_quota_bytes", "max_quota_bytes"):
            if name in given and name not in self.changed_data and self.instance.pk:
                given[name] = self.initial[name]
        return given


class NewDomainForm(DomainForm):
    """With its name, which never changes afterwards: addresses are made of it."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=253,
        help_text=gettext_lazy("Such as example.org, or bücher.example."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    field_order = ("name",)

    class Meta:
        model = Domain
        fields = ("name", *DomainForm.Meta.fields)

    def clean_name(self) -> str:
        try:
            name = in_ascii(self.cleaned_data["name"])
        except BadDomainName as bad:
            raise forms.ValidationError(str(bad)) from None
        if Domain.objects.filter(name=name).exists():
            raise forms.ValidationError(_("This domain is here already."))
        return name
