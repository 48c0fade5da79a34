"""Icons from static/portal/icons.svg. They decorate: the words beside them say the same."""

from functools import lru_cache

from django import template
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    return _drawn(staticfiles_storage.url("portal/icons.svg"), name)


@lru_cache(500)
def _drawn(file: str, name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', file, name
    )
