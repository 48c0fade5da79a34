"""What a domain may give its mailboxes together; whoever gives room asks here first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Sum

from accounts.models import Domain, Mailbox
from accounts.slices import slices
from mailservers.models import Usage


class NoRoomLeft(Exception):
    """The domain has less left to give than this takes; 0 bytes lack where a limit itself is what lacks."""

    def __init__(self, lacking_bytes: int) -> None:
        super().__init__(lacking_bytes)
        self.lacking_bytes = lacking_bytes


class NoPlaceLeft(Exception):
    """The domain has as many mailboxes as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class HoldsMore(Exception):
    """The mailbox holds more than it would have room for: it could not take any mail."""

    def __init__(self, held_bytes: int) -> None:
        super().__init__(held_bytes)
        self.held_bytes = held_bytes


def held_by(mailboxes: Iterable[int]) -> dict[int, int]:
    """What each holds as it was last read; those that were never read are missing."""
    found: dict[int, int] = {}
    for some in slices(mailboxes):
        read = Usage.objects.filter(mailbox__in=some, bytes_used__gt=0)
        found |= dict(read.values_list("mailbox", "bytes_used"))
    return found


def require_fits(held_bytes: int, quota_bytes: int) -> None:
    """A mailbox that holds so much gets so much room (0: no limit); raises HoldsMore."""
    if quota_bytes and quota_bytes < held_bytes:
        raise HoldsMore(held_bytes)


def lock_room(domain_id: int) -> Domain:
    """The domain as it is now; until the transaction ends nobody else gives of its room."""
    return Domain.objects.select_for_update(no_key=True).get(pk=domain_id)


def given_to(domain: Domain) -> int:
    """What all mailboxes of the domain may hold together; those without a limit count as nothing."""
    found = Mailbox.objects.alive().filter(domain=domain).aggregate(total=Sum("quota_bytes"))
    return int(found["total"] or 0)


def require_room(domain: Domain, quota_bytes: int, *, instead_of: Sequence[int]) -> None:
    """Each of these amounts becomes so much (0: no limit); raises NoRoomLeft. Wants the domain locked.

    Less is always possible, also in a domain that has given too much already.
    """
    if not domain.max_quota_bytes:
        return
    if not quota_bytes and instead_of:
        raise NoRoomLeft(0)
    before = given_to(domain)
    after = before + sum(quota_bytes - had for had in instead_of)
    if after > max(domain.max_quota_bytes, before):
        raise NoRoomLeft(after - domain.max_quota_bytes)


def require_place(domain: Domain) -> None:
    """One more mailbox is to be; raises NoPlaceLeft. Wants the domain locked."""
    if domain.max_mailboxes and Mailbox.objects.alive().filter(domain=domain).count() >= domain.max_mailboxes:
        raise NoPlaceLeft(domain.max_mailboxes)


@dataclass(slots=True)
class Ledger:
    """What a domain has given, counted once and kept up over many steps. Wants the domain locked, to hold."""

    domain: Domain
    mailboxes: int
    given: int

    @classmethod
    def of(cls, domain: Domain) -> "Ledger":
        return cls(domain, Mailbox.objects.alive().filter(domain=domain).count(), given_to(domain))

    def add(self, quota_bytes: int) -> None:
        """One more mailbox with so much room; raises NoPlaceLeft or NoRoomLeft."""
        if self.domain.max_mailboxes and self.mailboxes >= self.domain.max_mailboxes:
            raise NoPlaceLeft(self.domain.max_mailboxes)
        self.change(0, quota_bytes)
        self.mailboxes += 1

    def change(self, before: int, after: int) -> None:
        """So much room instead of that (0: no limit); less is always possible. Raises NoRoomLeft."""
        most = self.domain.max_quota_bytes
        if most and not after:
            raise NoRoomLeft(0)
        total = self.given + after - before
        if most and total > max(most, self.given):
            raise NoRoomLeft(total - most)
        self.given = total

    def remove(self, quota_bytes: int) -> None:
        """A mailbox is deleted."""
        self.mailboxes -= 1
        self.given -= quota_bytes
