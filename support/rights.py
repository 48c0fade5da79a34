"""Which events a person may look at."""

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from accounts.models import Domain, Person
from accounts.requests import person_of
from audit.models import Event


def events_open_to(person: Person) -> "QuerySet[Event]":
    """Staff all, webmasters those of their domains, everybody those of the own mailboxes."""
    if person.sees_everything:
        return Event.objects.all()
    own = Q(subject_kind="accounts.mailbox", subject_id__in=person.mailboxes.alive().values("pk"))
    return Event.objects.filter(own | Q(domain__in=Domain.objects.open_to(person).values("name")))


def staff(request: HttpRequest) -> Person:
    """Who asks, if they may look at everything; else there is no such page."""
    person = person_of(request)
    if not person.sees_everything:
        raise Http404
    return person
