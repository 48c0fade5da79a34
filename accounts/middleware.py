"""Who asks; and keeps people at the second step of signing in until they took it."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import AuthenticationMiddleware, LoginRequiredMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts import sessions
from accounts.backends import at_hand
from accounts.places import COME_BACK_SECONDS, Busy
from accounts.refusals import note_refusal

Handler = Callable[[HttpRequest], HttpResponse]
OPEN_VIEWS = {
    "accounts:enter-code",
    "accounts:add-authenticator",
    "accounts:add-passkey",
    "accounts:begin-adding-passkey",
    "accounts:begin-passkey",
    "accounts:choose-language",
    "accounts:sign-out",
    "live",
    "ready",
    "metrics",
}


class PersonMiddleware(AuthenticationMiddleware):
    """Django's own, which does not read the person again that came with the session (session_store.py)."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _whose(request))  # type: ignore[assignment]


def _whose(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    request.session.get("")  # reads it, if nobody has yet
    with at_hand(getattr(request.session, "person", None)):
        return get_user(request)


class SignedInMiddleware(LoginRequiredMiddleware):
    """Django's own; who was signed out while typing is told so, and comes back to where they typed."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        if request.method != "POST":
            return super().handle_no_permission(request, view_func)
        # The page of the form, as the address it goes to may take posts alone; `wanted_page` looks at it.
        page = urlsplit(request.headers.get("Referer", ""))._replace(scheme="", netloc="").geturl()
        return redirect(f"{reverse('accounts:sign-in')}?{urlencode({'next': page, 'unsaved': 'yes'})}")


def note_refused_access(get_response: Handler) -> Handler:
    """What is not open to somebody is not found, and that they asked for it is noted."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        match = request.resolver_match
        if response.status_code in (403, 404) and match is not None:
            who = f"person {request.user.pk}" if request.user.is_authenticated else ""
            note_refusal("access", who, view=match.view_name, status=response.status_code)
        return response

    return middleware


class BusyMiddleware:
    """A class because only an exception's hook knows what a view raised."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, trouble: Exception) -> HttpResponse | None:
        """Where costly work found no place: the page that asks to come back, and when."""
        if not isinstance(trouble, Busy):
            return None
        response = render(request, "accounts/busy.html", status=503)
        response["Retry-After"] = str(COME_BACK_SECONDS)
        return response


class SecondFactorMiddleware:
    """A class because only a view hook knows which view was asked for."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not request.user.is_authenticated:
            return None
        # What is open to everybody is open to them: help, and the colours and the logo of these very pages.
        is_open = name in OPEN_VIEWS or not getattr(view, "login_required", True)
        if not is_open and sessions.second_factor_is_due(request):
            if not sessions.owes_code(request):
                return redirect("accounts:add-authenticator")
            # Afterwards they get to the page they wanted.
            wanted = {"next": request.get_full_path()} if request.method == "GET" and name != "home" else {}
            return redirect(f"{reverse('accounts:enter-code')}{'?' if wanted else ''}{urlencode(wanted)}")
        sessions.note_visit(request)
        return None
