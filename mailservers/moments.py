"""Moments as the portal takes them, and as it survives those that stand somewhere already."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)
MINUTES = "%Y-%m-%dT%H:%M"
OUT_OF_RANGE = _("This is too far away. Choose a day between the years 2000 and 2100.")


def require_likely(moment: datetime) -> None:
    """Raises ValidationError for one that no calendar, server or other zone can be trusted with."""
    known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if not EARLIEST <= known <= LATEST:
        raise ValidationError(OUT_OF_RANGE, code="out_of_range")


def require_likely_periods(periods: Any) -> None:
    """The same for pairs of moments in ISO 8601."""
    for period in periods or ():
        for told in period:
            moment = read_moment(told)
            if moment is None:
                raise ValidationError(OUT_OF_RANGE, code="out_of_range")
            require_likely(moment)


class MomentField(models.DateTimeField):  # type: ignore[type-arg]
    """A moment that somebody sets: forms and services ask for its bounds alike."""

    default_validators = (require_likely,)

    def deconstruct(self) -> Any:
        """A column like any other: bounds are no matter of migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": MomentFormField, **kwargs})


class PeriodsField(models.JSONField):
    """Pairs of moments in ISO 8601."""

    default_validators = (require_likely_periods,)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def require_likely_day(day: date) -> None:
    if not EARLIEST.date() <= day <= LATEST.date():
        raise ValidationError(OUT_OF_RANGE, code="out_of_range")


class DayFormField(forms.DateField):
    """A day, as browsers offer it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [require_likely_day]  # noqa: RUF012 - as Django declares it


class MomentFormField(forms.DateTimeField):
    """A day and a time of day, as browsers offer them."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)
    default_validators = [require_likely]  # noqa: RUF012 - as above

    def prepare_value(self, value: Any) -> Any:
        return in_readers_zone(value).replace(tzinfo=None) if isinstance(value, datetime) else value


def read_moment(told: object) -> datetime | None:
    """What stands in an event or another text, always with a zone; None for what is no moment."""
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else told
    except ValueError:
        return None
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def within(moment: datetime) -> datetime:
    """The nearest that every server and zone can be trusted with."""
    return min(max(moment, EARLIEST), LATEST)


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """There; at the ends of the calendar, where a zone would lead out of it, in UTC."""
    known = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    for place in (zone, UTC):
        try:
            return known.astimezone(place)
        except (OverflowError, ValueError):
            continue
    return known.replace(tzinfo=UTC)


def in_readers_zone(moment: datetime) -> datetime:
    return in_zone(moment, timezone.get_current_timezone())
