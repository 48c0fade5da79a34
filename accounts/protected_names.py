"""Addresses that belong to everybody who has trouble with a domain (RFC 2142): not given away unknowingly."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.aliases import PROTECTED, is_protected


class ProtectedName(forms.Form):
    """A form that gives such an address away only when somebody says to know what it is."""

    knows_protected = forms.BooleanField(
        label=gettext_lazy("Yes, I want to use this address"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Shown where it matters: most people never see it.
        typed = str(self.data.get("local_part", "")).strip().casefold().partition("@")[0]
        if typed not in PROTECTED:
            del self.fields["knows_protected"]

    def require_knowing(self, address: str) -> None:
        """Raises ValidationError unless the field was ticked, or the address is an ordinary one."""
        if is_protected(address) and not self.data.get("knows_protected"):
            raise ValidationError(
                _(
                    "%(name)s is no ordinary address: everybody may write there about trouble with the"
                    " domain, so somebody has to read it. If that is what you want, say so below and save"
                    " again."
                ),
                params={"name": address},
            )
