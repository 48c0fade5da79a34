"""The portal's addresses, and a view that only answers: what every page costs before it does anything."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.requests import person_of
from portal.urls import urlpatterns as portal_urls


def answer(request: HttpRequest) -> HttpResponse:
    person_of(request)
    return HttpResponse("ok")


urlpatterns = [path("bare/", answer, name="bare"), *portal_urls]
