"""Which language and time zone somebody reads the portal in.

The person's own choice comes first, then the one made in this browser before signing in, then the
language of the domain, then what the browser asks for.
"""

import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import Domain, Mailbox, Person

Handler = Callable[[HttpRequest], HttpResponse]
# In the session since signing in, so that a page costs no query more.
OF_DOMAIN = "language_of_domain"
CODES = [code for code, _name in settings.LANGUAGES]


def speak_their_language(get_response: Handler) -> Handler:
    """For people who signed in; for everybody else Django's LocaleMiddleware has chosen already."""

    def middleware(request: HttpRequest) -> HttpResponse:
        person = request.user
        if not isinstance(person, Person):
            return get_response(request)
        language = person.language or _chosen_here(request) or request.session.get(OF_DOMAIN, "")
        if language in CODES:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        with timezone.override(_zone(person.time_zone)):
            return get_response(request)

    return middleware


def time_zones() -> list[str]:
    """Those that name a place, in order, and UTC."""
    places = {name for name in zoneinfo.available_timezones() if "/" in name}
    return ["UTC", *sorted(name for name in places if not name.startswith(("Etc/", "SystemV/", "US/")))]


def language_of(person: Person) -> str:
    """The language the person is written to in: their own, or their domain's."""
    return person.language or domain_language(person) or settings.LANGUAGE_CODE


@contextmanager
def writing_to(reader: Person | Mailbox) -> Iterator[None]:
    """Mails are in the reader's own language and time zone; a mailbox's reader is its user."""
    if isinstance(reader, Mailbox):
        own, zone = (reader.owner.language, reader.owner.time_zone) if reader.owner else ("", "")
        language = own or reader.language or reader.domain.language
    else:
        language, zone = language_of(reader), reader.time_zone
    with translation.override(language), timezone.override(_zone(zone)):
        yield


def domain_language(person: Person) -> str:
    """That of the person's mailbox or its domain, or of the domains they run, if those agree; else ""."""
    return language_and_domain(person)[0]


def language_and_domain(person: Person) -> tuple[str, int | None]:
    """The language as above; and the id of the one domain they belong to, None for several, and for staff."""
    if person.sees_everything:
        return "", None
    own = person.mailboxes.alive().values_list("language", "domain__language", "domain_id")
    found = [(chosen or domains, domain) for chosen, domains, domain in own]
    found = found or list(Domain.objects.open_to(person).values_list("language", "pk"))
    languages, domains = {language for language, _pk in found}, {pk for _language, pk in found}
    return (
        languages.pop() if len(languages) == 1 else "",
        domains.pop() if len(domains) == 1 else None,
    )


def remember_language(response: HttpResponse, language: str) -> None:
    """In this browser, for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _chosen_here(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    """None: the portal's own."""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
