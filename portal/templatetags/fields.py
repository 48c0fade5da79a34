"""Inputs of forms, with the classes the style sheet knows them by."""

from django import template
from django.forms import BoundField, Select
from django.utils.safestring import SafeString

register = template.Library()

CLASSES = {"checkbox": "form-check-input", "select": "form-select"}


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's input. Django itself ties it to its help and its errors (aria-describedby)."""
    kind = "select" if isinstance(field.field.widget, Select) else field.widget_type
    classes = CLASSES.get(kind, "form-control")
    if field.errors:
        classes += " is-invalid"
    return field.as_widget(attrs={"class": classes})
