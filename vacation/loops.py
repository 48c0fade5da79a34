"""Follows the portal's own aliases and forwardings, to find those that lead mail back."""

from accounts.models import Alias, AliasTarget, Domain, Mailbox
from accounts.target_addresses import without_tag
from vacation.models import ForwardingTarget

# Further than any sensible chain of aliases.
DEEPEST = 20


def way_back(home: str, target: str, domain: Domain) -> list[str]:
    """The addresses on the way from this target back to a mailbox or an alias; empty when there is none.

    It is followed through the domain and others of the same customer; what leads where beyond is not told.
    What a forwarding waits for counts as well: it may be confirmed tomorrow. Home may be a catch-all
    (``@example.test``): then whatever leads to an address that nobody has in that domain leads home.
    """
    came_from: dict[str, str] = {}
    level = [without_tag(target)]
    hands = Domain.objects.in_the_hands_of(domain)
    names = set(hands.values_list("name", flat=True))
    for _ in range(DEEPEST):
        if home in level:
            return _path(came_from, home, target)
        if home.startswith("@") and (caught := _caught_by(home, level)):
            return [*_path(came_from, caught, target), home]
        following: list[str] = []
        for source, address in _next(level, names):
            there = without_tag(address)
            if there not in came_from and there != without_tag(target):
                came_from[there] = source
                following.append(there)
        if not following:
            return []
        level = following
    return []


def in_words(path: list[str], domain: Domain) -> str:
    """A way, as told to whoever looks after this domain: what is outside of it is left out."""
    told = [address if address.rpartition("@")[2] == domain.name else "…" for address in path[:-1]]
    return " → ".join([*told, path[-1]])


def _next(level: list[str], names: set[str]) -> list[tuple[str, str]]:
    """Where mail for these goes on to, as (from, to), as far as they are in the domains of these names."""
    addresses = [address for address in level if address.rpartition("@")[2] in names]
    if not addresses:
        return []
    aliases = AliasTarget.objects.filter(alias__address__in=addresses)
    found = list(aliases.values_list("alias__address", "address"))
    forwardings = ForwardingTarget.objects.filter(
        forwarding__mailbox__address__in=addresses,
        forwarding__mailbox__deleted_at=None,
        forwarding__enabled=True,
        listed=True,
        declined_at=None,
    )
    found += forwardings.values_list("forwarding__mailbox__address", "address")
    # What is neither goes to the domain's catch-all.
    known = {source for source, _ in found}
    known |= set(Mailbox.objects.alive().filter(address__in=addresses).values_list("address", flat=True))
    lost = {f"@{address.rpartition('@')[2]}": address for address in addresses if address not in known}
    catching = AliasTarget.objects.filter(alias__address__in=lost)
    found += [
        (lost[domain], address) for domain, address in catching.values_list("alias__address", "address")
    ]
    return found


def _caught_by(catch_all: str, addresses: list[str]) -> str:
    """One of these that nobody has in the domain; empty when there is none."""
    inside = [address for address in addresses if address.endswith(catch_all)]
    known = set(Mailbox.objects.alive().filter(address__in=inside).values_list("address", flat=True))
    known |= set(Alias.objects.alive().filter(address__in=inside).values_list("address", flat=True))
    return next((address for address in inside if address not in known), "")


def _path(came_from: dict[str, str], home: str, target: str) -> list[str]:
    path = [home]
    while path[0] in came_from:
        path.insert(0, came_from[path[0]])
    return path if path[0] == without_tag(target) else [target, *path]
