"""The entries at the top of every page, for whoever looks at it."""

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.models import Person
from accounts.sessions import ends_in_seconds, second_factor_is_due


class Entry(NamedTuple):
    title: str
    url: str
    is_current: bool
    """Whether the page belongs to it."""


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`navigation`, and how long the session lasts; looked up only by templates that show them: a badge that
    refreshes does not."""
    return {
        "navigation": SimpleLazyObject(lambda: _entries(request)),
        "session_ends_in": SimpleLazyObject(lambda: _ends_in(request)),
    }


def _ends_in(request: HttpRequest) -> int:
    """Seconds; 0 for who did not sign in."""
    return ends_in_seconds(request) if isinstance(getattr(request, "user", None), Person) else 0


def _entries(request: HttpRequest) -> list[Entry]:
    """None for people who did not sign in, or not yet wholly."""
    person = getattr(request, "user", None)
    if not isinstance(person, Person) or second_factor_is_due(request):
        return []
    return _entries_for(person, request.path)


def _entries_for(person: Person, path: str) -> list[Entry]:
    # Staff have no mailboxes here: a mailbox's password never opens more than its mailbox.
    has_domains, own = (True, []) if person.sees_everything else (person.has_domains, person.first_addresses)
    own_urls = [reverse("accounts:show-mailbox", args=[address]) for address in own]
    in_own = any(path.startswith(url) for url in own_urls)
    entries = []
    if has_domains:
        domains = reverse("accounts:list-domains")
        in_domains = (
            path.startswith((domains, "/aliases/", "/mailboxes/", "/mailbox-templates/", "/batches/"))
            and not in_own
        )
        entries.append(Entry(_("Domains"), domains, in_domains))
    if person.sees_everything:
        people = reverse("accounts:list-people")
        entries.append(Entry(_("People"), people, path.startswith(people)))
        room = reverse("quotas:list-servers")
        entries.append(Entry(_("Room for mail"), room, path == room))
        servers = reverse("accounts:list-servers")
        in_servers = path.startswith((servers, reverse("adoption:list-adoptions")))
        entries.append(Entry(_("Servers"), servers, in_servers))
        audit = reverse("support:search-events")
        entries.append(Entry(_("Audit"), audit, path.startswith(audit)))
    if len(own) == 1:
        entries.append(Entry(_("My mailbox"), own_urls[0], in_own))
    elif own and not has_domains:
        home = reverse("home")
        entries.append(Entry(_("My mailboxes"), home, path == home or path.startswith("/mailboxes/")))
    entries.append(Entry(_("Help"), reverse("guide:list-pages"), path.startswith("/help/")))
    return entries
