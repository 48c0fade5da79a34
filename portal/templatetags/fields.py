"""Inputs of forms, with the classes the style sheet knows them by."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()

CLASSES = {"checkbox": "form-check-input", "select": "form-select"}


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's input. Django itself ties it to its help and its errors (aria-describedby)."""
    classes = CLASSES.get(field.widget_type, "form-control")
    if field.errors:
        classes += " is-invalid"
    return field.as_widget(attrs={"class": classes})
