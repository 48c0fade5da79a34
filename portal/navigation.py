"""The entries at the top of every page, for whoever looks at it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`navigation`: a list of (title, address, is_current); empty for people who did not sign in."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {"navigation": []}
    entries = [(_("Home"), reverse("home"))]
    return {"navigation": [(title, url, request.path == url) for title, url in entries]}
