"""Addresses that belong to everybody who has trouble with a domain (RFC 2142): not given away unknowingly."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.aliases import is_protected


class ProtectedName(forms.Form):
    """A form that gives such an address away only when somebody says to know what it is."""

    knows_protected = forms.BooleanField(
        label=gettext_lazy("Yes, I want to use this address"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Shown once it matters: most people never see it.
        self._knows = self.fields["knows_protected"]
        if not self.data.get("knows_protected"):
            del self.fields["knows_protected"]

    def require_knowing(self, address: str) -> None:
        """Raises ValidationError, and shows the field, unless it was ticked."""
        if not is_protected(address) or self.data.get("knows_protected"):
            return
        self.fields["knows_protected"] = self._knows
        self.order_fields(self.field_order)
        raise ValidationError(
            _(
                "%(name)s is no ordinary address: everybody may write there about trouble with the domain, so"
                " somebody has to read it. If that is what you want, say so below and save again."
            ),
            params={"name": address},
        )
