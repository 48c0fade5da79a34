"""Who a request is from."""

from django.http import Http404, HttpRequest

from accounts.models import Person


def person_of(request: HttpRequest) -> Person:
    """The person who signed in; every view but those marked otherwise has one."""
    if not isinstance(request.user, Person):
        raise Http404
    return request.user
