"""The portal's addresses, and a view that only answers: what every page costs before it does anything."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from passlib.hash import argon2

from accounts import passwords
from accounts.requests import person_of
from portal.urls import handler400, handler403, handler404, handler500
from portal.urls import urlpatterns as portal_urls

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

# A request with this header is told in the answer how often it asked the database.
QUERIES = "X-Bench-Queries"


class CheapHasher(Argon2PasswordHasher):
    """How slow a hash is, is chosen on purpose: signing in is measured without it."""

    time_cost, memory_cost, parallelism = 1, 8, 1


passwords.SCHEMES[passwords.PREFERRED] = argon2.using(type="ID", memory_cost=8, time_cost=1, parallelism=1)


def answer(request: HttpRequest) -> HttpResponse:
    person_of(request)
    return HttpResponse("ok")


def count_queries(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Those of the whole request, middleware included."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if QUERIES not in request.headers:
            return get_response(request)
        count = 0

        def counted(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal count
            count += 1
            return execute(*arguments)

        with connection.execute_wrapper(counted):
            response = get_response(request)
        response[QUERIES] = str(count)
        return response

    return middleware


urlpatterns = [path("bare/", answer, name="bare"), *portal_urls]
