"""The search over all events: exact values only, each with an index, so that ten million are no trouble."""

from datetime import date, datetime, time
from functools import cache
from typing import Any

from django import forms
from django.core.validators import validate_ipv46_address
from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts.naming import folded
from audit.models import Event
from audit.sentences import is_verb, told_without_names, verbs
from mailservers.moments import DayFormField

# The clock may have gone back: so many events may be out of its order.
OUT_OF_ORDER = 10_000
# The time of an event, in a way that no index serves: PostgreSQL would fetch and sort whole days by it, while
# the numbers lead straight to the page.
UNINDEXED_AT = Coalesce("at", "at")
OFTEN = ("subject", "verb", "since", "until")


class VerbSelect(forms.Select):
    """Its options, a hundred verbs in their sentences, are drawn once for each language."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:  # noqa: ARG002
        given = flatatt({**self.build_attrs(self.attrs, attrs), "name": name})
        options = _verb_options(get_language())
        chosen = format_html('<option value="{}"', value or "")
        # A verb stands in one option alone.
        before, found, after = options.partition(chosen)
        drawn = SafeString(f"{before}{found} selected{after}" if found else options)
        return format_html("<select{}>{}</select>", given, drawn)


@cache
def _verb_options(_language: str | None) -> str:
    return format_html_join("", '<option value="{}">{}</option>', [("", gettext("everything")), *verbs()])


class SearchForm(forms.Form):
    """What events are looked for by; everything may be left empty."""

    subject = forms.CharField(
        label=_("About"),
        required=False,
        max_length=320,
        help_text=_("The whole address of a mailbox, or the name of a domain, person or server."),
    )
    by_name = forms.CharField(label=_("Done by"), required=False, max_length=320)
    domain = forms.CharField(label=_("Domain"), required=False, max_length=255)
    source_address = forms.CharField(label=_("From IP address"), required=False, max_length=45)
    verb = forms.CharField(label=_("What happened"), required=False, widget=VerbSelect)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("all")), *Event.Outcome.choices]
    )
    since = DayFormField(label=_("From day"), required=False)
    until = DayFormField(label=_("Until day"), required=False)

    def clean_verb(self) -> str:
        verb = str(self.cleaned_data["verb"])
        if verb and not is_verb(verb):
            raise forms.ValidationError(_("Nothing of this kind is ever recorded."))
        return verb

    def clean_subject(self) -> str:
        return _as_kept(str(self.cleaned_data["subject"]))

    def clean_by_name(self) -> str:
        return _as_kept(str(self.cleaned_data["by_name"]))

    def clean_domain(self) -> str:
        typed = str(self.cleaned_data["domain"])
        return folded(f"@{typed}").removeprefix("@") if typed else ""

    def clean_source_address(self) -> str:
        address = str(self.cleaned_data["source_address"]).strip()
        if address:
            validate_ipv46_address(address)
        return address

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        return given

    @property
    def wanted(self) -> dict[str, str]:
        """What was filled in, as text: for events, files and links."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    @property
    def often(self) -> list[forms.BoundField]:
        """What most searches are for."""
        return [self[name] for name in OFTEN]

    @property
    def seldom(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in OFTEN]

    @property
    def asks_for_more(self) -> bool:
        """Whether one of the seldom ones is filled in, or wrong."""
        return any(field.value() or field.errors for field in self.seldom)

    def in_words(self, name: str) -> str:
        """What was filled in, for people."""
        value = self.cleaned_data[name]
        if name == "verb":
            return told_without_names(value)
        if name == "outcome":
            return str(Event.Outcome(value).label)
        return date_format(value) if isinstance(value, date) else str(value)


def matching(events: "QuerySet[Event]", given: dict[str, Any]) -> "QuerySet[Event]":
    """Those that a valid form asks for, newest first."""
    for name in ("subject", "by_name", "domain", "source_address", "verb", "outcome"):
        if given.get(name):
            events = events.filter(**{name: given[name]})
    if given.get("since"):
        events = _from(events, timezone.make_aware(datetime.combine(given["since"], time.min)))
    if given.get("until"):
        events = _until(events, timezone.make_aware(datetime.combine(given["until"], time.max)))
    return events.order_by("-number")


# Pages go by number, so days are turned into numbers as well: a long time ago is found at once.


def _from(events: "QuerySet[Event]", moment: datetime) -> "QuerySet[Event]":
    first = Event.objects.filter(at__gte=moment).order_by("at", "number").values_list("number").first()
    if first is None:
        return events.none()
    return events.filter(GreaterThanOrEqual(UNINDEXED_AT, moment), number__gte=first[0] - OUT_OF_ORDER)


def _until(events: "QuerySet[Event]", moment: datetime) -> "QuerySet[Event]":
    # Pages begin here, so the bound is exact: else ten thousand rows would be read to be left out.
    latest = Event.objects.filter(at__lte=moment).order_by("-at", "-number").values("number")[:OUT_OF_ORDER]
    last = latest.aggregate(last=Max("number"))["last"]
    if not last:
        return events.none()
    return events.filter(LessThanOrEqual(UNINDEXED_AT, moment), number__lte=last)


def _as_kept(typed: str) -> str:
    """An address however somebody knows it; other subjects have capitals and signs of their own."""
    return folded(typed) if "@" in typed else typed.casefold()
