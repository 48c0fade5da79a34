"""Which server to take over, as operators fill it in."""

import re

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain_names import BadDomainName, in_ascii
from mailservers.models import Server

_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


class AdoptionForm(forms.Form):
    server = forms.ModelChoiceField(
        Server.objects.all(), label=gettext_lazy("Mail server"), empty_label=gettext_lazy("Choose a server")
    )
    only_domain = forms.CharField(
        label=gettext_lazy("Only this domain"),
        required=False,
        max_length=253,
        help_text=gettext_lazy("Empty: all domains on the server."),
    )

    returning = forms.BooleanField(
        label=gettext_lazy("Mailboxes that were removed for good here come back"),
        required=False,
        help_text=gettext_lazy(
            "Otherwise a mailbox is left out if another one had its login: that one's mail may be in it."
        ),
    )

    def clean_only_domain(self) -> str:
        name: str = self.cleaned_data["only_domain"].strip().lower().rstrip(".")
        try:
            found = name if name.isascii() else in_ascii(name)
        except BadDomainName:
            found = " "
        if found and not _DOMAIN.fullmatch(found):
            raise forms.ValidationError(
                _("“%(name)s” is no name of a domain. Write it as in example.org, or leave the field empty."),
                params={"name": name},
            )
        return found
