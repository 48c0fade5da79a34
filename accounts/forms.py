"""What people type about themselves and their passwords."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import passwords
from accounts.models import Mailbox, Person
from mailservers.models import Server


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

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "username" in given and "password" in given:
            found = authenticate(self.request, username=given["username"], password=given["password"])
            if not isinstance(found, Person):
                raise forms.ValidationError(
                    _("This name and password do not belong together. Capitals count in the password.")
                )
            self.person = found
        return given


class CodeForm(forms.Form):
    """The code an authenticator app shows."""

    code = forms.CharField(
        label=_("Code"),
        max_length=10,
        help_text=_("Six digits from the authenticator app on your phone."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).replace(" ", "")


class ChangePasswordForm(forms.Form):
    """The old password, and the new one twice."""

    old_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=passwords.LONGEST_BYTES,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 8 characters. Spaces are welcome: a few unrelated words make a good password."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    new_password_again = forms.CharField(
        label=_("New password, once more"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, mailbox: Mailbox, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mailbox = mailbox

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        if not passwords.matches(typed, self.mailbox.password_hash):
            raise forms.ValidationError(_("This is not the current password."))
        return typed

    def clean_new_password(self) -> str:
        typed: str = self.cleaned_data["new_password"]
        box = self.mailbox
        problems = passwords.problems_with(typed, words=[box.login, box.address, box.name, box.domain.name])
        if problems:
            raise forms.ValidationError(problems)
        return typed

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        new = given.get("new_password")
        if new is not None and "new_password_again" in given:
            if new != given["new_password_again"]:
                self.add_error("new_password_again", _("The two new passwords differ."))
            elif new == given.get("old_password"):
                self.add_error("new_password", _("This is the current password: choose another one."))
        return given


class MaintenanceForm(forms.ModelForm[Server]):
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
