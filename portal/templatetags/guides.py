"""Which help page belongs to which page of the portal."""

from django import template

from guide.pages import Page, pages

register = template.Library()

HELPS = {
    "vacation:edit-auto-reply": "auto-reply",
    "quotas:show-usage": "room-and-trash",
    "quotas:empty-trash": "room-and-trash",
    "accounts:change-password": "passwords",
    "accounts:list-app-passwords": "app-passwords",
    "accounts:make-app-password": "app-passwords",
    "accounts:sign-in": "passwords",
    "clientsetup:show-card": "set-up",
    "clientsetup:show-link": "set-up",
    "clientsetup:check-settings": "set-up",
}


@register.filter
def help_page(view_name: str) -> Page | None:
    """None where there is none."""
    name = HELPS.get(view_name) or ("forwarding" if "forward" in view_name else "")
    return pages().get(name)
