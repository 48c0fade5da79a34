"""Somebody's address in a form."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from accounts.naming import LONGEST_ADDRESS, BadName, whole_address


class AddressField(forms.EmailField):
    """A whole address that mail can be sent to; its value has the domain in ASCII."""

    default_validators = []  # noqa: RUF012 - Django's way; to_python tells more

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST_ADDRESS, **options})
        # Browsers refuse in a field for addresses what programs copy with them, in words of their own.
        self.widget.input_type = "text"
        self.widget.attrs = {
            "inputmode": "email",
            "autocapitalize": "none",
            "spellcheck": "false",
            **self.widget.attrs,
        }
        # What is pasted may be longer than the address in it.
        self.widget.attrs.pop("maxlength", None)

    def to_python(self, value: Any) -> str:
        typed = str(super().to_python(value) or "")
        if not typed:
            return ""
        try:
            return whole_address(typed)
        except BadName as wrong:
            raise ValidationError(gettext(wrong.sentence), params=wrong.values) from None
