"""Whom the portal writes to about a domain."""

from django.db.models import Q

from accounts.models import Domain, Person


def webmasters_to_tell(domain: Domain) -> list[Person]:
    """Its webmasters who have an address; where nobody has, the operators."""
    return people_to_tell(Q(domains=domain))


def people_to_tell(webmasters: Q) -> list[Person]:
    reachable = Person.objects.filter(is_active=True).exclude(email="").order_by("pk")
    return list(reachable.filter(webmasters)) or list(reachable.filter(is_operator=True))
