"""The forwarding as people fill it in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Alias, Mailbox, Person
from accounts.target_addresses import without_tag
from mailservers.drivers.base import Limits
from vacation.addresses import names_known_to, near_miss, read_addresses
from vacation.day_field import DayField
from vacation.forwarding import (
    ASKED_A_DAY,
    MOST,
    TooManyTogether,
    asked_lately,
    is_inside,
    refuse_too_many,
    sends_anew,
)
from vacation.loops import in_words, way_back
from vacation.models import DomainRules, Forwarding, Outside, OwnScripts


class ForwardingForm(forms.ModelForm[Forwarding]):
    """What is typed stays in the form until it is saved, whatever is wrong with it.

    What is only doubtful is said once: saving the same addresses again means it.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    doubted = forms.CharField(widget=forms.HiddenInput, required=False, max_length=10_000)
    addresses = forms.CharField(
        label=gettext_lazy("Forward to"),
        required=False,
        max_length=10_000,
        help_text=gettext_lazy("One or more addresses, separated by commas or on lines of their own."),
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "spellcheck": "false",
                "autocapitalize": "none",
                "autocomplete": "off",
            }
        ),
    )
    ends = DayField(
        is_end=True,
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("The last day, which is included. Empty: until it is switched off."),
    )

    class Meta:
        model = Forwarding
        fields = ("enabled", "keep_copy", "ends", "only_while_away")

    def __init__(self, *args: Any, by: Person, limits: Limits | None = None, **kwargs: Any) -> None:
        """`limits`: what the mailbox's server can hold, where that is known."""
        super().__init__(*args, **kwargs)
        self._by = by
        limits = limits or Limits()
        self._limits = limits
        self._most = limits.redirects or MOST
        self._mailbox: Mailbox = self.instance.mailbox
        self._targets = {target.address: target for target in self.instance.listed_targets()}
        ends = self.fields["ends"]
        assert isinstance(ends, DayField)  # noqa: S101 - tells the type checker
        ends.stands = self.instance.ends
        if not limits.forward_window:
            del self.fields["ends"], self.fields["only_while_away"]
        self.initial["version"] = self.instance.version
        self.initial["addresses"] = ", ".join(self._targets)

    def clean_addresses(self) -> list[str]:
        found = read_addresses(self.cleaned_data["addresses"])
        if len(found) > self._most:
            words = ngettext(
                "The mail server forwards to one address at most.",
                "The mail server forwards to %(most)d addresses at most.",
                self._most,
            )
            told = _("These are %(count)d. Tip: an alias for a group is one address.")
            raise ValidationError(f"{words} {told}", params={"most": self._most, "count": len(found)})
        outside = [address for address in found if address not in self._targets]
        outside = [address for address in outside if not is_inside(self._mailbox, address)]
        if outside and asked_lately(self._mailbox) + len(outside) > ASKED_A_DAY:
            raise ValidationError(
                _("So many new addresses were asked today that the portal asks no more. Try again tomorrow.")
            )
        if problems := [words for address in found if (words := self._problem_with(address))]:
            raise ValidationError(problems)
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("enabled") and "addresses" in given and not given["addresses"]:
            self.add_error("addresses", _("Write where the mail should go."))
        if given.get("enabled"):
            try:
                refuse_too_many(given.get("addresses", []), OwnScripts.of(self._mailbox), self._limits)
            except TooManyTogether as too_many:
                self.add_error("addresses", too_many)
        ends = given.get("ends")
        if given.get("enabled") and ends and ends <= timezone.now():
            self.add_error("ends", _("This has passed already: nothing would be forwarded."))
        if self._by.helps_by_grant and "addresses" in given:
            wanted = Forwarding(mailbox=self._mailbox, enabled=bool(given.get("enabled")), ends=ends)
            wanted.only_while_away = bool(given.get("only_while_away"))
            if sends_anew(Forwarding.of(self._mailbox), wanted, given["addresses"]):
                words = _(
                    "A helper can't send mail to a new address outside the domain. The mailbox's user or a"
                    " webmaster can."
                )
                self.add_error("addresses", words)
        if not self.errors:
            self._doubt(given["addresses"], given.get("doubted", ""))
        return given

    def new_outside(self) -> list[str]:
        """Addresses outside the domain that were not in the list before."""
        given: list[str] = self.cleaned_data.get("addresses", [])
        return [
            address
            for address in given
            if address not in self._targets and not is_inside(self._mailbox, address)
        ]

    def tell_of_newer(self, newer: Forwarding) -> None:
        """Somebody else saved meanwhile: say so, keep what was typed, and let a second save go through."""
        self.data = {**dict(self.data.items()), "version": str(newer.version)}
        theirs = ", ".join(newer.addresses()) if newer.enabled else _("(switched off)")
        self.add_error(
            None,
            ValidationError(
                _(
                    "Somebody else saved this forwarding meanwhile. Nothing of yours is lost: it stands"
                    " below. Save again to replace theirs: %(theirs)s"
                ),
                params={"theirs": theirs},
            ),
        )

    def _problem_with(self, address: str) -> str:
        """Why mail can never go there; empty when it can."""
        there = {"address": address}
        if without_tag(address) == self._mailbox.address:
            return (
                _("%(address)s is this mailbox itself. To keep the mail here, tick “Keep a copy here”.")
                % there
            )
        if path := way_back(self._mailbox.address, address, self._mailbox.domain):
            return _("Mail to %(address)s would come back here: %(path)s.") % {
                **there,
                "path": in_words([self._mailbox.address, *path], self._mailbox.domain),
            }
        target = self._targets.get(address)
        if target is not None and target.answer == "declined":
            return _("%(address)s has answered that it does not want this mail.") % there
        rules = DomainRules.of(self._mailbox.domain)
        if rules.permits(address):
            return ""
        if rules.outside == Outside.INSIDE:
            return _(
                "%(address)s is not allowed: mail of %(domain)s may only go to addresses of %(domain)s."
            ) % {
                **there,
                "domain": self._mailbox.domain.name,
            }
        return _(
            "%(address)s is not allowed: it is not in the list of addresses that mail of %(domain)s may"
            " go to. The domain's webmaster can put it there."
        ) % {**there, "domain": self._mailbox.domain.name}

    def _doubt(self, addresses: list[str], doubted: str) -> None:
        """Say once what looks like a slip."""
        seen = set(doubted.split())
        new = [address for address in addresses if address not in seen and address not in self._targets]
        words = [told for address in new if (told := self._doubt_about(address))]
        if words:
            self.data = {**dict(self.data.items()), "doubted": " ".join(addresses)}
            self.add_error("addresses", [ValidationError(told) for told in words])

    def _doubt_about(self, address: str) -> str:
        if meant := near_miss(address, names_known_to(self._by, self._mailbox.domain)):
            return _("Did you mean %(meant)s? If %(address)s is right, save again.") % {
                "meant": meant,
                "address": address,
            }
        if is_inside(self._mailbox, address) and not self._exists(address):
            return _("The portal knows no mailbox and no alias %(address)s. If it is right, save again.") % {
                "address": address
            }
        return ""

    def _exists(self, address: str) -> bool:
        names = [address, without_tag(address)]
        if Mailbox.objects.alive().filter(address__in=names).exists():
            return True
        catch_all = f"@{self._mailbox.domain.name}"
        return Alias.objects.alive().filter(address__in=[*names, catch_all]).exists()
