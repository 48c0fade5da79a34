"""Aliases as people fill them in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Alias, Domain, Mailbox, Person
from accounts.naming import BadName, new_local_part_of
from accounts.protected_names import ProtectedName
from aliases.targets import MOST, doubt_about, doubt_about_copies, outside_of, problem_with, read_targets
from mailservers.servers import limits_of


class TargetsForm(forms.Form):
    """Where mail goes. What is typed stays in the form until it is saved, whatever is wrong with it.

    What is only doubtful is said once: saving the same addresses again means it.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    doubted = forms.CharField(widget=forms.HiddenInput, required=False, max_length=20_000)
    targets = forms.CharField(
        label=gettext_lazy("Its mail goes to"),
        max_length=20_000,
        help_text=gettext_lazy(
            "One address on each line, or commas between them. For one of this domain the name is enough."
        ),
        widget=forms.Textarea(
            attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
        ),
    )

    def __init__(
        self, data: Any = None, *, domain: Domain, by: Person, alias: Alias | None = None, address: str = ""
    ) -> None:
        """`address`: of an alias that is not there yet, where it is known already."""
        self.domain, self.by, self.address = domain, by, alias.address if alias else address
        self.before = alias.addresses() if alias is not None else []
        initial = {"targets": "\n".join(self.before), "version": alias.version if alias is not None else 0}
        super().__init__(data, initial=initial)

    def clean_targets(self) -> list[str]:
        found = read_targets(self.cleaned_data["targets"], self.domain)
        if len(found) > MOST:
            words = _(
                "These are %(count)d addresses. An alias leads to %(most)d at most: use a mailing list."
            )
            raise ValidationError(words, params={"count": len(found), "most": MOST})
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "targets" not in given:
            return given
        # Those that were there before are judged as well: what they lead to may have changed meanwhile.
        if self.address and (wrong := [w for each in given["targets"] if (w := self._problem(each))]):
            self.add_error("targets", [ValidationError(words) for words in wrong])
        if not self.errors:
            self._doubt(given["targets"], given.get("doubted", ""))
        return given

    def new_outside(self) -> list[str]:
        """Addresses outside the domain that it did not lead to before."""
        given: list[str] = self.cleaned_data.get("targets", [])
        return [address for address in outside_of(given, self.domain) if address not in self.before]

    def tell_of_newer(self, newer: Alias) -> None:
        """Somebody else saved meanwhile: say so, keep what was typed, and let a second save go through."""
        self.data = {**dict(self.data.items()), "version": str(newer.version)}
        theirs = ", ".join(newer.addresses()) or _("(deleted)")
        words = _(
            "Somebody else saved this meanwhile. Nothing of yours is lost: it stands below. Save again to"
            " replace theirs: %(theirs)s"
        )
        self.add_error(None, ValidationError(words, params={"theirs": theirs}))

    def _problem(self, target: str) -> str:
        return problem_with(self.address, target, self.domain)

    def _doubt(self, targets: list[str], doubted: str) -> None:
        seen = {*doubted.split(), *self.before}
        words = [
            told for each in targets if each not in seen and (told := doubt_about(each, self.domain, self.by))
        ]
        if not seen.issuperset(targets) and (told := doubt_about_copies(targets)):
            words.append(told)
        if words:
            self.data = {**dict(self.data.items()), "doubted": " ".join(targets)}
            self.add_error("targets", [ValidationError(told) for told in words])


class CreateAliasForm(ProtectedName, TargetsForm):
    """A new alias of a domain."""

    local_part = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=320,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    field_order = ("local_part", "knows_protected", "targets")

    def __init__(self, data: Any = None, *, domain: Domain, by: Person, local_part: str = "") -> None:
        super().__init__(data, domain=domain, by=by)
        self.initial["local_part"] = local_part
        self.initial["version"] = 0
        self.fields["local_part"].help_text = _("The part before @%(domain)s.") % {"domain": domain.name}
        self.deleted: Mailbox | None = None
        """The deleted mailbox that has the address, if one has."""

    def clean_local_part(self) -> str:
        try:
            typed = str(self.cleaned_data["local_part"])
            local_part = new_local_part_of(typed, self.domain.name, limits_of(self.domain.server))
        except BadName as wrong:
            raise ValidationError(gettext(wrong.sentence), params=wrong.values) from None
        self.address = f"{local_part}@{self.domain.name}"
        found = Mailbox.objects.filter(address=self.address).first()
        if found is not None and found.purge_after is not None:
            self.deleted = found
            raise ValidationError(_("A deleted mailbox keeps this address for a while."))
        if found is not None:
            raise ValidationError(
                _("There is a mailbox with this address. To send its mail on, use the mailbox's forwarding.")
            )
        if Alias.objects.alive().filter(address=self.address).exists():
            raise ValidationError(_("There is an alias with this address already."))
        self.require_knowing(self.address)
        return local_part


class CatchAllForm(TargetsForm):
    """Where everything goes that has no address of its own in the domain; empty: it is refused."""

    def __init__(self, data: Any = None, *, domain: Domain, by: Person, alias: Alias | None) -> None:
        super().__init__(data, domain=domain, by=by, alias=alias, address=f"@{domain.name}")
        field = self.fields["targets"]
        field.required, field.label = False, _("Whatever else comes to the domain goes to")
        field.help_text = _("One mailbox is enough. Empty: mail to addresses that do not exist is refused.")
        field.widget.attrs["rows"] = 2


class HandOverForm(TargetsForm):
    """Where the mail of several aliases should go instead of a mailbox. Each by its own domain's rules."""

    def __init__(self, data: Any = None, *, leaving: Mailbox, by: Person, aliases: list[Alias]) -> None:
        super().__init__(data, domain=leaving.domain, by=by)
        self.leaving, self.aliases = leaving.address, aliases
        self.initial["version"] = 0
        self.fields["targets"].label = _("Their mail goes instead to")
        self.fields["targets"].widget.attrs["rows"] = 2

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        wrong = []
        for target in given.get("targets", []):
            if target == self.leaving:
                wrong.append(_("%(address)s is the mailbox that they lead to now.") % {"address": target})
                continue
            problems = [problem_with(alias.address, target, alias.domain) for alias in self.aliases]
            wrong += [words for words in dict.fromkeys(problems) if words]
        if wrong:
            self.add_error("targets", [ValidationError(words) for words in wrong])
        return given

    def new_outside(self) -> list[str]:
        given: list[str] = self.cleaned_data.get("targets", [])
        return [
            target
            for target in given
            if any(
                outside_of([target], alias.domain) and target not in alias.addresses()
                for alias in self.aliases
            )
        ]


class GiveNamesForm(TargetsForm):
    """To whom the names go that somebody has to read."""

    def __init__(self, data: Any = None, *, domain: Domain, by: Person, missing: list[str]) -> None:
        super().__init__(data, domain=domain, by=by)
        self.addresses = [f"{name}@{domain.name}" for name in missing]
        self.initial["version"] = 0

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        problems = [
            problem_with(address, target, self.domain)
            for address in self.addresses
            for target in given.get("targets", [])
        ]
        if wrong := [words for words in dict.fromkeys(problems) if words]:
            self.add_error("targets", [ValidationError(words) for words in wrong])
        return given
