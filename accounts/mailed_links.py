"""How many links are mailed to one address in a day: nobody is pestered by way of the portal.

Whoever manages a domain chooses to whom invitations and links go, in as many names as they like; so they
are counted for the address itself, whoever sends them and whatever they are for.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import SignInAttempt
from accounts.names import lock_names
from accounts.naming import folded

# A family, or a school's office: several mailboxes may have one recovery address.
MOST_A_DAY = 20
DAY = timedelta(days=1)


class AskedOften(Exception):
    """So many links went out today, for it or to this address, that no more do."""


def count_link(address: str) -> None:
    """In the transaction that plans it, each after the other; raises AskedOften."""
    lock_names([_key(address)])
    if not count_links([address])[0]:
        raise AskedOften


def count_links(addresses: Sequence[str]) -> list[bool]:
    """For each of these links, in their order, whether it may go."""
    now = timezone.now()
    keys = [_key(address) for address in addresses]
    SignInAttempt.objects.filter(at__lt=now - DAY).delete()
    counted = _counted(set(keys), now)
    allowed = []
    for key in keys:
        counted[key] = counted.get(key, 0) + 1
        allowed.append(counted[key] <= MOST_A_DAY)
    going = [key for key, may_go in zip(keys, allowed, strict=True) if may_go]
    SignInAttempt.objects.bulk_create([SignInAttempt(key=key, at=now) for key in going])
    return allowed


def _counted(keys: set[str], now: datetime) -> dict[str, int]:
    rows = SignInAttempt.objects.filter(key__in=keys, at__gt=now - DAY)
    return dict(rows.values_list("key").annotate(Count("pk")))


def _key(address: str) -> str:
    """What stands behind a plus is one person's too."""
    local_part, _sign, host = folded(address).rpartition("@")
    text = f"{local_part.partition('+')[0]}@{host}"
    return salted_hmac("accounts.mailed_links", text, algorithm="sha256").hexdigest()
