"""Who a name leads to, and whether it is free: user names, addresses and logins are one name space.

Each of them signs in at the same field. New ones collide with none, on whatever server and in whatever
domain. Where they do already (a mail server chose a login, or both are older than the rule) a user name or
an address goes before a login, and tries count for everybody whom the name may lead to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models import F
from django.utils.translation import gettext_noop

from accounts.codes import hash_of
from accounts.models import Domain, Mailbox, NameLock, Person
from accounts.naming import BadName, folded
from accounts.slices import slices

# More than one only where names collide already.
MOST = 5
LOCKS = 1024

USERNAME = re.compile(r"[a-z0-9]([a-z0-9._@+-]*[a-z0-9])?")
SIGNS = gettext_noop("Use small letters, digits, and . _ @ + - only, with a letter or digit first and last.")
HAD = gettext_noop("Somebody has this user name already. Choose another one.")
USED = gettext_noop("Somebody already signs in here with the name %(name)s. Choose another one.")
USED_ADDRESS = gettext_noop(
    "Somebody signs in here with %(name)s as user name. Ask your hoster to give them another one first."
)
HOSTED = gettext_noop(
    "%(name)s is an address in a domain of this portal, where it belongs to a mailbox. Choose a user name"
    " without @."
)


class NameTaken(IntegrityError):
    """Somebody signs in with it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a name leads to; nobody, mostly one of both."""

    name: str
    """As it is kept."""
    person: Person | None
    """Who signs in by this user name and a password of their own."""
    mailboxes: tuple[Mailbox, ...]
    """With their owner, server and domain; those that are switched off included."""


def who_is(typed: str) -> Named:
    """As many questions to the database whoever it is: how long it takes tells nothing."""
    name = folded(typed)
    # Who owns a mailbox and has no password of their own comes with it.
    person = Person.objects.signing_in_themselves().filter(username=name).first()
    mailboxes = Mailbox.objects.named(name).select_related("owner", "server", "domain")
    found = list(mailboxes.order_by("pk")[:MOST])
    by_address = [mailbox for mailbox in found if mailbox.address == name]
    if by_address or person is not None:
        found = by_address
    return Named(name, person, tuple(found))


def require_new_username(name: str) -> None:
    """One that somebody may get, written as it is kept; raises BadName."""
    if not USERNAME.fullmatch(name):
        raise BadName(SIGNS)
    if Person.objects.filter(username=name).exists():
        raise BadName(HAD)
    if is_hosted_address(name):
        raise BadName(HOSTED, name=name)
    if taken_names([name]):
        raise BadName(USED, name=name)


def taken_names(names: Iterable[str]) -> set[str]:
    """Those of them with which somebody signs in; deleted mailboxes keep theirs."""
    wanted, taken = sorted({folded(name) for name in names} - {""}), set[str]()
    for some in slices(wanted):
        people = Person.objects.signing_in_themselves().filter(username__in=some)
        taken.update(people.values_list("username", flat=True))
        for field in ("address", "login"):
            taken.update(Mailbox.objects.filter(**{f"{field}__in": some}).values_list(field, flat=True))
    return taken


def require_free(*names: str) -> None:
    """In the transaction that gives them: nobody else gets one of them before its end. Raises NameTaken.

    Of one mailbox address and login may be the same.
    """
    lock_names(names)
    if taken_names(names):
        raise NameTaken


def lock_names(names: Iterable[str]) -> None:
    """A row for each of them, or for several: whoever gives the same name at this moment waits."""
    numbers = sorted({int(hash_of(folded(name))[:8], 16) % LOCKS for name in names})
    NameLock.objects.bulk_create([NameLock(number=number) for number in numbers], ignore_conflicts=True)
    # In this order, so that two never wait for one another.
    list(NameLock.objects.select_for_update().filter(number__in=numbers).order_by("number"))


def is_hosted_address(name: str) -> bool:
    """Whether it is an address in one of the portal's domains, where a mailbox may have it one day."""
    _local_part, sign, host = folded(name).rpartition("@")
    return bool(sign) and Domain.objects.filter(name=host).exists()


def collisions() -> list[tuple[str, str]]:
    """Names that lead to more than one, and what they are: they stand from before the rule."""
    themselves = Person.objects.signing_in_themselves().values("username")
    alive = Mailbox.objects.alive()
    others = alive.exclude(login=F("address"))
    found = [
        (name, "a user name and an address")
        for name in alive.filter(address__in=themselves).values_list("address", flat=True)
    ]
    found += [
        (name, "a user name and a login")
        for name in others.filter(login__in=themselves).values_list("login", flat=True)
    ]
    found += [
        (name, "the login of one mailbox and the address of another")
        for name in others.filter(login__in=alive.values("address")).values_list("login", flat=True)
    ]
    seen = set[str]()
    for name in others.order_by("login").values_list("login", flat=True).iterator():
        if name in seen:
            found.append((name, "a login on two servers"))
        seen = {name}
    return sorted(set(found))
