"""What people type about themselves and their passwords."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import passwords, stepping_up, throttling
from accounts.models import Person
from accounts.places import Busy
from accounts.seen_values import SeenValues
from accounts.signing_in import person_with
from mailservers.models import Server
from mailservers.one_line import OneLineFormField
from mailservers.signing_in import CannotAsk

BUSY = _("Many people are signing in at this moment. Nothing was looked at: try again in a few seconds.")


class SignInForm(forms.Form):
    """User name, address or server login, and password."""

    username = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=320,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=passwords.LONGEST_BYTES,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.person: Person | None = None
        self.is_busy = False
        """Nothing was looked at."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "username" in given and "password" in given:
            try:
                self.person = person_with(self.request, given["username"], given["password"])
            except throttling.TooManyTries as wait:
                raise forms.ValidationError(stepping_up.too_many(wait)) from None
            except Busy:
                self.is_busy = True
                raise forms.ValidationError(BUSY) from None
            except CannotAsk:
                raise forms.ValidationError(
                    _("The mail server that knows your password cannot be reached. Try again in a while.")
                ) from None
            if self.person is None:
                raise forms.ValidationError(
                    _("This name and password do not belong together. Capitals count in the password.")
                )
        return given


class CodeForm(forms.Form):
    """The code an authenticator app shows, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from the authenticator app on your phone, or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "autofocus": True}
        ),
    )


class AuthenticatorForm(forms.Form):
    """The first code of a new authenticator app, which shows that it has the key."""

    code = forms.CharField(
        label=_("Code"),
        max_length=10,
        help_text=_("The six digits that the app shows now."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    name = OneLineFormField(
        label=_("Name"),
        max_length=64,
        required=False,
        help_text=_("Such as “my phone”: it tells several apart."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MaintenanceForm(SeenValues, forms.ModelForm[Server]):
    """From when until when nothing is pushed to a server, and what its people are told."""

    class Meta:
        model = Server
        fields = ("maintenance_starts", "maintenance_ends", "notice")
        labels: ClassVar = {
            "maintenance_starts": _("From"),
            "maintenance_ends": _("Until"),
            "notice": _("What people are told"),
        }
        help_texts: ClassVar = {
            "maintenance_starts": _("Empty: no maintenance, or from now on if there is an end."),
            "maintenance_ends": _("Empty: until you change it here."),
            "notice": _(
                "Shown to its mailbox users and webmasters while the server is in maintenance, paused or"
                " away, and three days before. The portal adds that nothing they save is lost."
            ),
        }
        widgets: ClassVar = {
            name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("maintenance_starts", "maintenance_ends")
        } | {"notice": forms.Textarea(attrs={"rows": 4, "maxlength": 1000})}

    def clean_notice(self) -> str:
        notice: str = self.cleaned_data["notice"].strip()
        if len(notice) > 1000:
            raise forms.ValidationError(_("People read a few sentences only: at most 1000 characters."))
        return notice

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        starts, ends = given.get("maintenance_starts"), given.get("maintenance_ends")
        if ends and not starts and "maintenance_starts" not in self.errors:
            given["maintenance_starts"] = starts = timezone.now()
        if starts and ends and ends <= starts:
            words = _("This is not after the beginning. Choose a later day or time.")
            self.add_error("maintenance_ends", words)
        return given
