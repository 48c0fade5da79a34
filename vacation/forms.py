"""The auto-reply as people fill it in."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dates import WEEKDAYS as DAY_NAMES
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.alias_leads import led_here_with_others
from mailservers.drivers.base import Limits, Refused
from mailservers.models import say
from mailservers.one_line import OneLineFormField, SubjectFormField
from vacation.addresses import read_addresses
from vacation.answered import Alias, aliases_of, choose
from vacation.content import content_of
from vacation.day_field import DayField, is_filled
from vacation.limits import refuse_unfit
from vacation.models import AutoReply, ReplyTemplate
from vacation.rendering import DAYS, fit_subject, render_script, reply_entity
from vacation.sieve import UnfitText

MOST_PERIODS = 12
MOST_ADDRESSES = 20
USUAL_DAYS = 7
# 1 is Monday, as in ISO 8601.
WEEKDAYS = dict(enumerate(DAY_NAMES.values(), start=1))


class TickedField(forms.MultipleChoiceField):
    """An alias may be gone since it was shown: then its tick means nothing, and costs nothing."""

    def validate(self, value: list[str]) -> None:
        pass


class AutoReplyForm(forms.ModelForm[AutoReply]):
    """What is typed stays in the form until it is saved, whatever is wrong with it."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    # Not stripped: what somebody wrote goes out to the letter.
    text = forms.CharField(
        label=gettext_lazy("Text"),
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
    )
    subject = SubjectFormField(
        label=gettext_lazy("Subject"),
        required=False,
        strip=False,
        max_length=250,
        help_text=gettext_lazy(
            "Leave it empty to answer with “Auto:” and the subject of the mail. {subject} stands for it, too:"
            " “Away: {subject}”."
        ),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    starts = DayField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("Empty: from now on.")
    )
    ends = DayField(
        is_end=True,
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("The last day, which is included. Empty: until it is switched off."),
    )
    again = forms.BooleanField(
        label=gettext_lazy("Tell everybody once more"),
        required=False,
        help_text=gettext_lazy("People who have had an answer already get the new one, too."),
    )
    # Of those that were shown; what is not shown stays as it is.
    answered = TickedField(
        label=gettext_lazy("Mail to these addresses is answered"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100_000)

    days = forms.IntegerField(
        label=gettext_lazy("Days between two replies to one sender"),
        required=False,
        min_value=DAYS[0],
        max_value=DAYS[-1],
    )
    addresses = forms.CharField(
        label=gettext_lazy("Other addresses of yours"),
        required=False,
        max_length=2_000,
        help_text=gettext_lazy(
            "Mail that is sent on to this mailbox from elsewhere names another address. Give that address"
            " here, and such mail is answered as well."
        ),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    outside_text = forms.CharField(
        label=gettext_lazy("Another text for people outside the domain"),
        strip=False,
        required=False,
        help_text=gettext_lazy("Empty: everybody gets the text above."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Only on these days of the week"),
        choices=tuple(WEEKDAYS.items()),
        coerce=int,
        required=False,
        help_text=gettext_lazy("None: every day."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = AutoReply
        fields = ("enabled", "subject", "text", "starts", "ends", "outside_text", "days")

    def __init__(self, *args: Any, limits: Limits | None = None, **kwargs: Any) -> None:
        """`limits`: what the mailbox's server can hold, where that is known."""
        super().__init__(*args, **kwargs)
        self._limits = limits or Limits()
        if not self._limits.sieve and not self._limits.reply_subject:
            del self.fields["subject"]
        self.further: list[int] = []
        self._show("starts", self.instance.starts)
        self._show("ends", self.instance.ends)
        if not self.instance.enabled:
            del self.fields["again"]
        if self._limits.sieve:
            self._add_periods()
            self.initial["weekdays"] = self.instance.weekdays
            self.initial["addresses"] = ", ".join(self.instance.addresses)
        else:
            del self.fields["outside_text"], self.fields["weekdays"], self.fields["addresses"]
        self.aliases: list[Alias] = []
        self._led_here: dict[str, int] = {}
        if self._limits.sieve and self.instance.mailbox.pk:
            self._add_aliases()
        if not self.aliases:
            del self.fields["answered"], self.fields["shown"]
        self.initial["version"] = self.instance.version

    def _show(self, name: str, stands: datetime | None) -> None:
        field = self.fields[name]
        assert isinstance(field, DayField)  # noqa: S101 - tells the type checker
        field.stands = stands

    def _add_aliases(self) -> None:
        self._led_here = led_here_with_others(self.instance.mailbox)
        self.aliases = aliases_of(self.instance, self._led_here)
        choosable = [alias for alias in self.aliases if alias.can_be_answered]
        field = self.fields["answered"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - tells the type checker
        field.choices = [(alias.address, alias.address) for alias in choosable]
        self.initial["answered"] = [alias.address for alias in choosable if alias.is_answered]
        self.initial["shown"] = " ".join(alias.address for alias in choosable)

    def choices(self) -> list[tuple[Alias, bool]]:
        """The aliases that can be answered, and whether each is ticked."""
        ticked = self["answered"].value() or [] if "answered" in self.fields else []
        return [(alias, alias.address in ticked) for alias in self.aliases if alias.can_be_answered]

    def not_answered(self) -> list[Alias]:
        """As it stands: groups, and what can't be answered. What somebody left out they know."""
        return [
            alias
            for alias in self.aliases
            if not alias.is_answered and (alias.others or not alias.can_be_answered)
        ]

    def _add_periods(self) -> None:
        """Those there are, and two to fill in."""
        there = self.instance.further()
        for number in range(min(len(there) + 2, MOST_PERIODS)):
            words = {"number": number + 2}
            labels = {"starts": _("From (period %(number)d)"), "ends": _("Until (period %(number)d)")}
            for name, label in labels.items():
                field = DayField(is_end=name == "ends", label=label % words, required=False)
                self.fields[f"{name}_{number}"] = field
            if number < len(there):
                for name, moment in zip(("starts", "ends"), there[number], strict=True):
                    self.initial[f"{name}_{number}"] = moment
                    self._show(f"{name}_{number}", moment)
            self.further.append(number)

    def periods(self) -> list[tuple[int, forms.BoundField, forms.BoundField]]:
        """The further periods: which one it is, and its two fields."""
        return [(number + 2, self[f"starts_{number}"], self[f"ends_{number}"]) for number in self.further]

    def has_more(self) -> bool:
        """Whether something is filled in, or wrong, that the page would otherwise keep folded."""
        if self["days"].errors or (self["days"].value() or USUAL_DAYS) not in (USUAL_DAYS, str(USUAL_DAYS)):
            return True
        names = [
            "outside_text",
            "weekdays",
            "addresses",
            *(f"{name}_{n}" for n in self.further for name in ("starts", "ends")),
        ]
        if any(alias.is_answered == bool(alias.others) for alias, _ticked in self.choices()):
            return True
        return any(
            name in self.fields and (is_filled(self[name].value()) or self[name].errors) for name in names
        )

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        _must_fit(fit_subject, subject)
        return subject

    def clean_text(self) -> str:
        return _fit_text(self.cleaned_data["text"])

    def clean_outside_text(self) -> str:
        text = _fit_text(self.cleaned_data["outside_text"])
        return text if text.strip() else ""

    def clean_days(self) -> int:
        days: int | None = self.cleaned_data["days"]
        return self.instance.days if days is None else days

    def clean_addresses(self) -> list[str]:
        found = read_addresses(self.cleaned_data["addresses"])
        if len(found) > MOST_ADDRESSES:
            raise ValidationError(
                _("These are %(count)d addresses; %(most)d are possible."),
                params={"count": len(found), "most": MOST_ADDRESSES},
            )
        return [address for address in found if address != self.instance.mailbox.address]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        starts, ends = given.get("starts"), given.get("ends")
        if starts and ends and ends <= starts:
            self.add_error("ends", _("This is not after the beginning. Choose a later day or time."))
        elif given.get("enabled") and ends and ends <= timezone.now():
            self.add_error("ends", _("This has passed already: nobody would get an answer."))
        self._clean_periods(given)
        if given.get("enabled") and "text" in given and not given["text"].strip():
            self.add_error("text", _("Write what people who write to this mailbox should be told."))
        return given

    def _clean_periods(self, given: dict[str, Any]) -> None:
        periods = []
        for number in self.further:
            starts, ends = given.get(f"starts_{number}"), given.get(f"ends_{number}")
            if starts and ends and ends <= starts:
                self.add_error(
                    f"ends_{number}", _("This is not after the beginning. Choose a later day or time.")
                )
            elif bool(starts) != bool(ends) and not self.errors:
                missing = "ends" if starts else "starts"
                self.add_error(
                    f"{missing}_{number}", _("A further period needs both a beginning and an end.")
                )
            elif starts and ends:
                periods.append([starts.astimezone(UTC).isoformat(), ends.astimezone(UTC).isoformat()])
        if periods and not given.get("ends") and "ends" not in self.errors:
            self.add_error(
                "ends", _("Give the first period an end too; otherwise it would swallow the others.")
            )
        given["periods"] = sorted(periods)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, unknown to the stubs
        if self.errors:
            return
        if self._limits.sieve:
            self.instance.periods = self.cleaned_data["periods"]
            self.instance.addresses = self.cleaned_data["addresses"]
            self.instance.weekdays = sorted(self.cleaned_data["weekdays"])
            if "answered" in self.fields:
                shown = self.cleaned_data["shown"].split()
                ticked = self.cleaned_data["answered"]
                choose(self.instance, self._led_here, shown=shown, ticked=ticked)
            self.instance.zone = timezone.get_current_timezone_name() if self.instance.weekdays else ""
        try:
            refuse_unfit(self.instance, self._limits)
            if self.instance.text.strip():
                render_script(content_of(self.instance, self._led_here))
        except Refused as refusal:
            self.add_error("text", say(refusal.reason, refusal.values))
        except UnfitText as unfit:
            self.add_error("text", say(unfit.reason, unfit.values))

    def tell_of_newer(self, newer: AutoReply) -> None:
        """Somebody else saved meanwhile: say so, keep what was typed, and let a second save go through."""
        self.data = {**dict(self.data.items()), "version": str(newer.version)}
        self.add_error(
            None,
            ValidationError(
                _(
                    "Somebody else saved this auto-reply while you were writing. Nothing of yours is lost: "
                    "it stands below. Save again to replace theirs: %(theirs)s"
                ),
                params={"theirs": f"“{newer.text}”" if newer.enabled else _("(switched off)")},
            ),
        )


def _fit_text(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _must_fit(reply_entity, text)
    return text


def _must_fit(rendered: Any, text: str) -> None:
    try:
        rendered(text)
    except UnfitText as unfit:
        raise ValidationError(say(unfit.reason, unfit.values)) from None


class FillInForm(forms.Form):
    """One or two of the domain's templates, and what stands in their places."""

    template = forms.ModelChoiceField(
        ReplyTemplate.objects.none(), label=gettext_lazy("Template"), empty_label=None
    )
    second = forms.ModelChoiceField(
        ReplyTemplate.objects.none(),
        label=gettext_lazy("Below it, in another language"),
        required=False,
        empty_label=gettext_lazy("nothing"),
    )
    until = DayField(label=gettext_lazy("Back on"), required=False)
    replacement = OneLineFormField(label=gettext_lazy("Who helps meanwhile"), required=False, max_length=200)
    phone = OneLineFormField(label=gettext_lazy("Their telephone number"), required=False, max_length=60)

    def __init__(self, *args: Any, templates: QuerySet[ReplyTemplate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "fill_%s"
        for name in ("template", "second"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
            field.queryset = templates
        self.has_templates = templates.exists()
