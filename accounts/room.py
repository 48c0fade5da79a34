"""What a domain may give its mailboxes together; whoever gives room asks here first."""

from collections.abc import Sequence

from django.db.models import Sum

from accounts.models import Domain, Mailbox


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
