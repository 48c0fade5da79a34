"""Mail programs come by names of their own: autoconfig.example.org, Autodiscover/Autodiscover.xml."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Each as it is in urls.py, in small letters; beginnings where more may follow.
MACHINE_PATHS = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
MACHINE_BEGINNING = "/autodiscover/"


def take_asked_host(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """For what only programs ask for: the host they came to is a question, not our name.

    It is kept as `asked_host`; everything after this middleware sees the portal's own name, so that no
    customer's domain has to be in ALLOWED_HOSTS, and a redirect leads to the name that has a certificate.
    """
    own = urlsplit(settings.PUBLIC_URL).netloc

    def middleware(request: HttpRequest) -> HttpResponse:
        path = request.path_info.lower()
        if path in MACHINE_PATHS or path.startswith(MACHINE_BEGINNING):
            request.asked_host = request.META.get("HTTP_HOST", "")  # type: ignore[attr-defined]
            request.META["HTTP_HOST"] = own
            # Outlook writes Autodiscover/Autodiscover.xml; addresses do not care about capitals either.
            request.path_info = path
            request.path = request.META.get("SCRIPT_NAME", "") + path
        return get_response(request)

    return middleware
