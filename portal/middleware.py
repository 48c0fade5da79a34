"""What happens to every request before any view."""

import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from audit.origin import Origin, coming_from
from portal.source_address import UNBELIEVED, is_trusted, source_address
from portal.views import bad_request


def empty_head(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """HEAD gets the headers alone (RFC 9110, section 9.3.2): gunicorn would send the page after them."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "HEAD":
            if isinstance(response, StreamingHttpResponse):
                response.close()
                response.streaming_content = ()
            else:
                response.setdefault("Content-Length", str(len(response.content)))
                response.content = b""
        return response

    return middleware


def keep_no_copy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """No browser or proxy keeps what does not say itself that it may be kept."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Cache-Control", "no-store, private")
        return response

    return middleware


def refuse_nul(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse addresses with a NUL character: nobody types one, and PostgreSQL takes none in a text."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request)
        return get_response(request)

    return middleware


def believe_proxies_alone(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """That a request came over HTTPS is taken from a trusted proxy and from nobody else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        # Who comes by a socket of this machine has no address.
        if peer and not is_trusted(peer, settings.TRUSTED_PROXIES):
            # Kept aside: that there is a proxy matters all the same (metrics.py).
            request.META[UNBELIEVED] = request.META.pop("HTTP_X_FORWARDED_PROTO", "")
        return get_response(request)

    return middleware


def name_request(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Give the request an id that logs, audit events and the answer share, and note where it came from."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        address = source_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            settings.TRUSTED_PROXIES,
        )
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            coming_from(Origin(address=address, request_id=request_id)),
        ):
            response = get_response(request)
        response["X-Request-Id"] = request_id
        return response

    return middleware
