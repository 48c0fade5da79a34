"""What people type about mailboxes."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from accounts import names
from accounts.address_field import AddressField
from accounts.logins import not_free
from accounts.models import Alias, Domain, Mailbox
from accounts.naming import BadName, login_of, new_local_part_of
from accounts.protected_names import ProtectedName
from accounts.size_field import SizeField
from accounts.switches import SWITCHES, can_switch, switches_of, why_not_apart
from mailservers.one_line import OneLineFormField
from mailservers.servers import limits_of


class CreateMailboxForm(ProtectedName):
    """A new mailbox of a domain."""

    field_order = ("local_part", "knows_protected")

    local_part = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "autofocus": True}),
    )
    name = OneLineFormField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Of the person, or of what the mailbox is for."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    recovery_address = AddressField(
        label=gettext_lazy("Recovery address"),
        required=False,
        help_text=gettext_lazy("Another address of the same person: links and warnings are sent there too."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    quota_bytes = SizeField(
        label=gettext_lazy("Room for mail"),
        required=False,
        help_text=gettext_lazy("Empty: as much as the domain gives by default."),
    )
    login = forms.CharField(
        label=gettext_lazy("Login on the mail server"),
        max_length=200,
        required=False,
        help_text=gettext_lazy(
            "The user name in mail programs. It can't be changed later. Empty: the next free one."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    proposed_login = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, domain: Domain, login: str) -> None:
        super().__init__(
            data,
            initial={
                "login": login,
                "proposed_login": login,
                "quota_bytes": domain.default_quota_bytes,
            },
        )
        self.domain = domain
        self.deleted: Mailbox | None = None
        """The deleted mailbox that has the address, if one has."""
        self.fields["local_part"].help_text = _("The part before @%(domain)s.") % {"domain": domain.name}
        limits = limits_of(domain.server)
        if limits is not None and limits.chooses_logins:
            del self.fields["login"], self.fields["proposed_login"]

    def clean_local_part(self) -> str:
        try:
            typed = str(self.cleaned_data["local_part"])
            local_part = new_local_part_of(typed, self.domain.name, limits_of(self.domain.server))
        except BadName as wrong:
            raise ValidationError(gettext(wrong.sentence), params=wrong.values) from None
        address = f"{local_part}@{self.domain.name}"
        validate_email(address)
        self._refuse_taken(address)
        self.require_knowing(address)
        return local_part

    def _refuse_taken(self, address: str) -> None:
        found = Mailbox.objects.filter(address=address).first()
        if found is not None and found.is_gone:
            self.deleted = found
            raise ValidationError(
                _("The deleted mailbox with this address is being removed just now. Try again later.")
            )
        if found is not None and found.purge_after is not None:
            self.deleted = found
            raise ValidationError(
                _("A deleted mailbox keeps this address until %(day)s. You can bring it back instead."),
                params={"day": date_format(timezone.localtime(found.purge_after), "DATE_FORMAT")},
            )
        if found is not None:
            raise ValidationError(_("There is a mailbox with this address already."))
        if Alias.objects.alive().filter(address=address).exists():
            raise ValidationError(_("This address is an alias already. Remove the alias first."))
        if names.taken_names([address]):
            raise ValidationError(_(names.USED_ADDRESS), params={"name": address})

    def clean_login(self) -> str:
        """Empty where nobody chose one: somebody else may have got the proposed one since."""
        typed = str(self.cleaned_data["login"]).strip()
        if typed == self.data.get("proposed_login", "") or not typed:
            return ""
        try:
            login = login_of(typed)
        except BadName as wrong:
            raise ValidationError(gettext(wrong.sentence), params=wrong.values) from None
        if not_free(self.domain.server, [login]):
            raise ValidationError(
                _(
                    "This login is not free, or was somebody's before. Choose another one, or leave the field"
                    " empty to get the next free one."
                )
            )
        return login

    def clean_quota_bytes(self) -> int:
        return int(self.cleaned_data["quota_bytes"]) or self.domain.default_quota_bytes

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        recovery, local_part = given.get("recovery_address"), given.get("local_part")
        if recovery and recovery.casefold() == f"{local_part}@{self.domain.name}":
            self.add_error("recovery_address", _not_itself())
        return given


class EditMailboxForm(forms.Form):
    """What can be changed of a mailbox; what the person saw goes along, so that nobody's change is lost."""

    name = OneLineFormField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    recovery_address = AddressField(
        label=gettext_lazy("Recovery address"),
        required=False,
        help_text=gettext_lazy("Another address of the same person: links and warnings are sent there too."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    seen_name = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    seen_recovery_address = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, mailbox: Mailbox, data: Any = None) -> None:
        self.mailbox = mailbox
        name, recovery = mailbox.name, mailbox.recovery_address
        super().__init__(
            data,
            initial={
                "name": name,
                "recovery_address": recovery,
                "seen_name": name,
                "seen_recovery_address": recovery,
            },
        )

    def clean_recovery_address(self) -> str:
        recovery = str(self.cleaned_data["recovery_address"])
        if recovery.casefold() == self.mailbox.address:
            raise ValidationError(_not_itself())
        return recovery

    def tell_of_newer(self) -> None:
        """Somebody else saved meanwhile: say so, keep what was typed, and let a second save go through."""
        self.mailbox.refresh_from_db(fields=list(self.seen))
        newer = {name: str(getattr(self.mailbox, name)) for name in self.seen}
        untouched = {name: newer[name] for name in self.seen if name not in self.changed}
        seen = {f"seen_{name}": value for name, value in newer.items()}
        self.data = {**dict(self.data.items()), **untouched, **seen}
        words = _(
            "Somebody changed this mailbox while you were typing. What is set now: name “%(name)s”, recovery"
            " address “%(recovery)s”. Nothing of yours is lost: it stands below. Save again to replace"
            " theirs."
        )
        self.add_error(
            None,
            ValidationError(words, params={"name": newer["name"], "recovery": newer["recovery_address"]}),
        )

    @property
    def changed(self) -> dict[str, str]:
        """The fields that differ from what the person saw."""
        return {
            name: self.cleaned_data[name] for name in self.seen if self.cleaned_data[name] != self.seen[name]
        }

    @property
    def seen(self) -> dict[str, str]:
        return {name: self.cleaned_data[f"seen_{name}"] for name in ("name", "recovery_address")}


SIGNED_OUT = gettext_lazy("is switched off: nobody can sign in, and who is signed in is signed out")
# On a server that can't end what is open.
SIGNED_OUT_HERE = gettext_lazy(
    "is switched off: nobody can sign in, and who is signed in to this portal is signed out; this mail server"
    " lets mail programs that are open go on until they close"
)
SIGNING_IN = [
    ("on", gettext_lazy("works, in mail programs, in webmail and in this portal")),
    ("off", SIGNED_OUT),
]


class SwitchesForm(forms.Form):
    """Signing in, sending and receiving; what is not sent along stays as it is.

    `told` has, for each that the server can't do apart, a sentence instead of a field.
    """

    enabled = forms.ChoiceField(
        label=gettext_lazy("Signing in"),
        required=False,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        choices=SIGNING_IN,
    )
    sends = forms.ChoiceField(
        label=gettext_lazy("Sending"),
        required=False,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        choices=[
            ("on", gettext_lazy("is allowed to whoever can sign in")),
            (
                "off",
                gettext_lazy(
                    "is stopped: nobody can send with this mailbox, and mail programs that are sending"
                    " now are cut off"
                ),
            ),
        ],
    )
    receives = forms.ChoiceField(
        label=gettext_lazy("Receiving"),
        required=False,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        choices=[
            ("on", gettext_lazy("stays: new mail arrives and is kept, also while nobody can sign in")),
            ("off", gettext_lazy("ends: new mail is refused, and its senders get it back")),
        ],
    )

    def __init__(self, mailbox: Mailbox, data: Any = None, *, preset: Mapping[str, bool]) -> None:
        """`preset`: what the page proposes."""
        self.mailbox = mailbox
        now = switches_of(mailbox)
        proposed = {name: _on_or_off(preset.get(name, value)) for name, value in now.items()}
        super().__init__(data, initial=proposed)
        limits = limits_of(mailbox.server)
        if limits is not None and not limits.ends_sessions:
            enabled = self.fields["enabled"]
            assert isinstance(enabled, forms.ChoiceField)  # noqa: S101 - for the types alone
            works, _off = SIGNING_IN
            enabled.choices = [works, ("off", SIGNED_OUT_HERE)]
        self.told: dict[str, str] = {}
        for name in SWITCHES:
            if not can_switch(name, limits):
                del self.fields[name]
                self.told[name] = _(why_not_apart(name, limits))
                continue
            self.fields[f"seen_{name}"] = forms.ChoiceField(
                required=False,
                choices=[("on", ""), ("off", "")],
                initial=_on_or_off(now[name]),
                widget=forms.HiddenInput,
            )

    def tell_of_newer(self) -> None:
        """Somebody else switched meanwhile: say so, keep what was chosen; a second save goes through."""
        self.mailbox.refresh_from_db(fields=list(SWITCHES))
        now = switches_of(self.mailbox)
        self.data = {**dict(self.data.items()), **{f"seen_{name}": _on_or_off(now[name]) for name in now}}
        self.add_error(
            None,
            _(
                "Somebody switched something while you were looking at this page. What you chose stands"
                " below. Save again to replace theirs."
            ),
        )

    @property
    def wanted(self) -> dict[str, bool]:
        return self._sent("")

    @property
    def seen(self) -> dict[str, bool]:
        return self._sent("seen_")

    def _sent(self, prefix: str) -> dict[str, bool]:
        sent = {name: self.cleaned_data.get(f"{prefix}{name}") for name in SWITCHES}
        return {name: value == "on" for name, value in sent.items() if value}


def _on_or_off(value: bool) -> str:
    return "on" if value else "off"


def _not_itself() -> str:
    return _("This is the mailbox itself: who can't open it could not read it there either.")
