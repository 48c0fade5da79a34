"""A day in a form, whole or from or until a time of it: nobody has to know when a day ends."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from mailservers.moments import EARLIEST, LATEST, OUT_OF_RANGE, in_readers_zone, require_likely

# As browsers send it, and as people type it where the browser knows no field for a day.
_DAYS = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y")
_WHOLE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d)?")
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d\d)?)?(?::\d\d)?")
ONE_DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class DayWidget(forms.MultiWidget):
    """The day has the field's own name; the time has `_time` behind it. See templates/vacation/_day.html."""

    def __init__(self, *, is_end: bool) -> None:
        super().__init__(widgets={"": forms.DateInput(), "time": forms.TimeInput()})
        self.is_end = is_end

    def decompress(self, value: Any) -> list[str]:
        if not isinstance(value, datetime):
            return ["", ""] if value is None else [str(value), ""]
        return list(shown(value, is_end=self.is_end))

    def id_for_label(self, id_: str) -> str:
        return id_


class DayField(forms.Field):
    """A moment: without a time the beginning of the day, or with `is_end` its end.

    `stands`: what is stored. Shown and sent back as it is, it stays, whatever the clock does that night.
    """

    widget: Any

    def __init__(self, *, is_end: bool = False, **options: Any) -> None:
        self.is_end = is_end
        self.stands: datetime | None = None
        super().__init__(widget=DayWidget(is_end=is_end), validators=[require_likely], **options)

    def to_python(self, value: Any) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        typed_day, typed_time = parts_of(value)
        if self.stands is not None and (typed_day, typed_time) == shown(self.stands, is_end=self.is_end):
            return self.stands
        if not typed_day and not typed_time:
            return None
        if not typed_day:
            raise ValidationError(_("Give the day too."))
        day = _day(typed_day)
        if typed_time:
            return _at(day, _time(typed_time))
        first = day + ONE_DAY if self.is_end else day
        return _beginning(first, is_end=self.is_end)


def shown(moment: datetime, *, is_end: bool) -> tuple[str, str]:
    """Day and time as the form shows them; no time for a whole day."""
    there = in_readers_zone(moment)
    day = there.date()
    try:
        if _beginning(day, is_end=is_end) == moment:
            return (day - ONE_DAY if is_end else day).isoformat(), ""
    except (ValidationError, OverflowError):
        pass
    return day.isoformat(), f"{there:%H:%M}"


def parts_of(value: Any) -> tuple[str, str]:
    """Day and time as they were typed; scripts may send both in one."""
    parts = [str(part or "").strip() for part in value] if isinstance(value, list | tuple) else [str(value)]
    day, at = (*parts, "", "")[:2]
    if not at and (whole := _WHOLE.fullmatch(day)):
        return whole[1], whole[2]
    return day, at


def is_a_browsers(typed: str) -> bool:
    """Whether a browser's field for days can show it."""
    return re.fullmatch(r"(?:\d{4}-\d\d-\d\d)?", typed) is not None


def is_filled(value: Any) -> bool:
    return any(parts_of(value)) if isinstance(value, tuple) else value not in (None, "", [], ["", ""])


def _day(typed: str) -> date:
    for form in _DAYS:
        try:
            found = datetime.strptime(typed, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
        if not EARLIEST.date() <= found < LATEST.date():
            raise ValidationError(OUT_OF_RANGE, code="out_of_range")
        return found
    raise ValidationError(
        _("“%(typed)s” is not a day. Write it like 2027-03-28, or like 28-03-2027."),
        params={"typed": typed[:40]},
    )


def _time(typed: str) -> time:
    found = _TIME.fullmatch(typed)
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise ValidationError(
            _("“%(typed)s” is not a time. Write it like 09:30."), params={"typed": typed[:40]}
        )
    return time(int(found[1]), int(found[2] or 0))


def _at(day: date, at: time) -> datetime:
    """Raises ValidationError for a time that the clock leaves out or shows twice that day."""
    wall = datetime.combine(day, at)
    first, second = _on_the_clock(wall, 0), _on_the_clock(wall, 1)
    told = f"{at:%H:%M}"
    if not _is_shown(wall):
        later = first.astimezone(timezone.get_current_timezone())
        words = _("The clocks go forward then: %(time)s does not exist that day. Choose %(later)s, say.")
        raise ValidationError(words, params={"time": told, "later": f"{later:%H:%M}"})
    if first != second:
        words = _(
            "The clocks go back then: %(time)s comes twice that day. Choose %(before)s or %(after)s instead."
        )
        before, after = _near(wall, -MINUTE), _near(wall, MINUTE)
        raise ValidationError(
            words, params={"time": told, "before": f"{before:%H:%M}", "after": f"{after:%H:%M}"}
        )
    return first


def _near(wall: datetime, step: timedelta) -> datetime:
    """The nearest time that the clock shows once."""
    while _on_the_clock(wall, 0) != _on_the_clock(wall, 1):
        wall += step
    return wall


def _beginning(day: date, *, is_end: bool) -> datetime:
    """The day's first moment; where midnight comes twice, the second ends the day before."""
    return _on_the_clock(datetime.combine(day, time()), 1 if is_end and _is_shown_at(day) else 0)


def _is_shown_at(day: date) -> bool:
    return _is_shown(datetime.combine(day, time()))


def _on_the_clock(wall: datetime, fold: int) -> datetime:
    return wall.replace(tzinfo=timezone.get_current_timezone(), fold=fold).astimezone(UTC)


def _is_shown(wall: datetime) -> bool:
    zone = timezone.get_current_timezone()
    return _on_the_clock(wall, 0).astimezone(zone).replace(tzinfo=None, fold=0) == wall
