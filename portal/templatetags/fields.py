"""Inputs of forms, with the classes the style sheet knows them by."""

import re

from django import template
from django.forms import BoundField, Select
from django.utils.safestring import SafeString

register = template.Library()

_DAY, _TIME = re.compile(r"(\d{4}-\d\d-\d\d)?"), re.compile(r"(\d\d:\d\d)?")
CLASSES = {"checkbox": "form-check-input", "select": "form-select"}


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's input. Django itself ties it to its help and its errors (aria-describedby)."""
    kind = "select" if isinstance(field.field.widget, Select) else field.widget_type
    classes = CLASSES.get(kind, "form-control")
    if field.errors:
        classes += " is-invalid"
    return field.as_widget(attrs={"class": classes})


@register.filter
def day_parts(field: BoundField) -> dict[str, object]:
    """Names and values of a DayField's day and time, and whether browsers' own fields can show them."""
    widget, value = field.field.widget, field.value()
    day, time = value if isinstance(value, list) else widget.decompress(value)
    day, time = day or "", time or ""
    return {
        "day_name": field.html_name,
        "time_name": f"{field.html_name}_time",
        "day": day,
        "time": time,
        "fits": bool(_DAY.fullmatch(day)),
        "time_fits": bool(_TIME.fullmatch(time)),
    }
