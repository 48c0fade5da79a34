"""Which server to take over, as operators fill it in."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailservers.models import Server


class AdoptionForm(forms.Form):
    server = forms.ModelChoiceField(Server.objects.all(), label=gettext_lazy("Mail server"))
    only_domain = forms.CharField(
        label=gettext_lazy("Only this domain"),
        required=False,
        max_length=253,
        help_text=gettext_lazy("Empty: all domains on the server."),
    )

    def clean_only_domain(self) -> str:
        name: str = self.cleaned_data["only_domain"].strip().casefold().rstrip(".")
        try:
            return name.encode("idna").decode("ascii") if name else ""
        except UnicodeError:
            raise forms.ValidationError(_("This is no name of a domain.")) from None
