"""`brand`: how the page looks, for whoever reads it."""

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.sessions import OWN_DOMAIN
from branding.looks import Look, look_of


def brand(request: HttpRequest) -> dict[str, Any]:
    """That of the reader's domain, looked up only by templates that show it; a view may give another one."""
    return {"brand": SimpleLazyObject(lambda: _look(request))}


def _look(request: HttpRequest) -> Look:
    # A request that is refused early has no session yet.
    session = getattr(request, "session", {})
    try:
        return look_of(session.get(OWN_DOMAIN))
    except DatabaseError:
        # Pages for when something is wrong must not be wrong themselves.
        return Look()
