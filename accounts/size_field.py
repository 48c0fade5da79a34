"""A size in a form."""

from typing import Any

from django import forms

from accounts import sizes
from accounts.sizes import in_words


class SizeField(forms.CharField):
    """A size as people write it; its value is bytes. 0, when it is not required, stands for nothing typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"max_length": 40, "widget": forms.TextInput(attrs={"autocomplete": "off"}), **options}
        )

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            return in_words(value).replace("\N{NO-BREAK SPACE}", " ") if value else ""
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Against what was shown, which is rounded."""
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value))
        if not text:
            return 0
        try:
            return sizes.parse(text)
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None
