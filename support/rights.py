"""Which events a person may look at."""

from django.db.models import Q, QuerySet

from accounts.models import Domain, Person
from audit.models import Event


def events_open_to(person: Person) -> "QuerySet[Event]":
    """Staff all, webmasters those of their domains, everybody those of the own mailboxes."""
    if person.sees_everything:
        return Event.objects.all()
    own = Q(subject_kind="accounts.mailbox", subject_id__in=person.mailboxes.alive().values("pk"))
    return Event.objects.filter(own | Q(domain__in=Domain.objects.open_to(person).values("name")))
