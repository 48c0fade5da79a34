"""Forms that notice when somebody else saved the same while they were being filled in."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _


class SeenValues(forms.Form):
    """Keeps along what the person saw. Who saves later is told what was saved meanwhile, and may replace it.

    For forms about something that is there: its values as they are now are the form's initial ones. The view
    locks that from before the form is made until it is saved.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """Of `seen` it is made when it is asked for: all other initial values are there by then."""
        if field_name == "seen":
            return self._print_of_seen()
        return super().get_initial_for_field(field, field_name)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        now = self._print_of_seen()
        if given.get("seen") and not constant_time_compare(given["seen"], now) and not self.errors:
            theirs = [
                self._told(name)
                for name in self._watched()
                if self[name].field.has_changed(self[name].initial, self[name].data)
            ]
            if theirs:
                self.data = _with(self.data, "seen", now)
                words = _(
                    "Somebody else saved this meanwhile. Nothing of yours is lost: it stands below. Save"
                    " again to replace theirs: %(theirs)s"
                )
                raise ValidationError(words, params={"theirs": "; ".join(theirs)})
        return given

    def _watched(self) -> list[str]:
        return [name for name, field in self.fields.items() if name != "seen" and not field.disabled]

    def _print_of_seen(self) -> str:
        values = {name: str(self[name].initial) for name in self._watched()}
        return salted_hmac("accounts.seen_values", json.dumps(values), algorithm="sha256").hexdigest()

    def _told(self, name: str) -> str:
        field = self[name]
        value = field.field.prepare_value(field.initial)
        if isinstance(field.field, forms.ChoiceField):
            options = [
                option
                for _group, some, _place in field.field.widget.optgroups(name, [str(value)])
                for option in some
            ]
            value = next((option["label"] for option in options if option["selected"]), value)
        elif isinstance(value, bool):
            value = _("yes") if value else _("no")
        words = ", ".join(str("" if value is None else value).split("\n"))
        return f"{field.label}: {words or '–'}"


def _with(data: Any, name: str, value: str) -> Any:
    """As posted, one value of it another one."""
    changed = data.copy()
    changed[name] = value
    return changed
