"""Who is invited, and what they may do."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import names
from accounts.address_field import AddressField
from accounts.domain_names import BadDomainName, in_ascii
from accounts.models import Domain, Person
from accounts.naming import BadName, folded
from accounts.seen_values import SeenValues

ROLES = [
    ("webmaster", gettext_lazy("Webmaster: the mailboxes of the domains below")),
    ("support", gettext_lazy("Support: reads everything but secrets, changes nothing")),
    ("operator", gettext_lazy("Operator: everything")),
]


class InviteWebmasterForm(forms.ModelForm[Person]):
    """Somebody new."""

    email = AddressField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("Warnings about their domains go there."),
    )

    class Meta:
        model = Person
        fields = ("username", "name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        username, name = self.fields["username"], self.fields["name"]
        username.label = _("User name")
        username.help_text = _("What they sign in with: small letters, digits, and . _ @ + -")
        username.widget.attrs.update(autocomplete="off", autocapitalize="none", spellcheck="false")
        name.label, name.required = _("Name"), True

    def clean_username(self) -> str:
        typed = folded(str(self.cleaned_data["username"]))
        try:
            names.require_new_username(typed)
        except BadName as wrong:
            raise forms.ValidationError(_(wrong.sentence), params=wrong.values) from None
        return typed


class _RoleFields(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES)
    domain_names = forms.CharField(
        label=gettext_lazy("Domains"),
        required=False,
        help_text=gettext_lazy("For a webmaster: one a line."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
    )

    def clean_domain_names(self) -> list[Domain]:
        names = str(self.cleaned_data["domain_names"]).replace(",", " ").split()
        try:
            wanted = {in_ascii(name): name for name in names}
        except BadDomainName as bad:
            raise forms.ValidationError(str(bad)) from None
        found = list(Domain.objects.filter(name__in=wanted))
        missing = [typed for name, typed in wanted.items() if name not in {each.name for each in found}]
        if missing:
            words = ngettext(
                "There is no domain %(names)s here.", "There are no domains %(names)s here.", len(missing)
            )
            raise forms.ValidationError(words % {"names": ", ".join(missing)})
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("role") == "webmaster" and given.get("domain_names") == []:
            self.add_error("domain_names", _("A webmaster needs at least one domain."))
        if given.get("role") != "webmaster" and given.get("domain_names"):
            self.add_error(
                "domain_names", _("Only webmasters have domains: leave this empty, or choose that role.")
            )
        return given


class InviteForm(_RoleFields, InviteWebmasterForm):
    """Somebody new, in any role."""

    field_order = ("username", "name", "email", "role", "domain_names")

    def save(self, commit: bool = True) -> Person:
        person = super().save(commit=False)
        person.is_operator = self.cleaned_data["role"] == "operator"
        person.is_support = self.cleaned_data["role"] == "support"
        if commit:
            person.save()
        return person


class RightsForm(SeenValues, _RoleFields):
    """What somebody may do who is there already."""

    def __init__(self, data: Any = None, *, person: Person) -> None:
        role = "operator" if person.is_operator else "support" if person.is_support else "webmaster"
        names = "\n".join(person.domains.order_by("name").values_list("name", flat=True))
        super().__init__(data, initial={"role": role, "domain_names": names})
