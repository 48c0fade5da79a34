"""What sends mail on to an address, or names it: told before the address takes no mail any more, and after.

Aliases are known here. Apps above add what they know of when they are ready (AppConfig.ready).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from accounts.models import Alias, AliasTarget, DomainAdmin, Mailbox, Person, RedirectAlarm
from accounts.target_addresses import is_among, leading_to
from audit.chain import Actor

# An alarm of this kind: a target takes no mail any more.
GONE = "gone"
# Nobody is mailed more often about one target, however often somebody switches it.
PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lead:
    """Something that leads to an address or names it, with the page where that is mended."""

    kind: str
    """"forwarding" sends mail there; "text" and "template" only name it."""
    name: str
    to: str
    page: str
    of: str
    """What the page's address names."""

    @property
    def url(self) -> str:
        return reverse(self.page, args=[self.of])


@dataclass(frozen=True, slots=True)
class Watcher:
    """What an app knows of addresses that others lead to."""

    find: Callable[[Collection[str], Person], list[Lead]]
    """What of the person's leads to these."""
    gone: Callable[[Collection[str], Actor | None], None] | None = None
    """Hears, in the transaction, that they take no mail any more."""
    back: Callable[[Collection[str], Actor | None], None] | None = None
    """And that they, the same as before, take mail again."""


WATCHERS: list[Watcher] = []


def leads_to(addresses: Collection[str], by: Person) -> list[Lead]:
    """What of the person's leads to these addresses or names them, aliases left out."""
    found = [lead for watcher in WATCHERS for lead in watcher.find(addresses, by)] if addresses else []
    return sorted(found, key=lambda lead: (lead.kind, lead.name, lead.to))


def tell_gone(addresses: Collection[str], by: Actor | None) -> None:
    """They take no mail from now on: what leads there is mended where it can be, and its people are told.

    To be called before aliases are taken off, so that those who look after them hear of that as well.
    """
    if not addresses:
        return
    rows = AliasTarget.objects.filter(alias__deleted_at=None).select_related("alias__domain")
    led = [(row.alias, row.address) for row in leading_to(rows, addresses)]
    # In a domain of its own it is seen by whoever looks after the address.
    elsewhere = [(alias, to) for alias, to in led if to.rpartition("@")[2] != alias.domain.name]
    raise_gone(elsewhere, by)
    for watcher in WATCHERS:
        if watcher.gone is not None:
            watcher.gone(addresses, by)


def tell_back(addresses: Collection[str], by: Actor | None) -> None:
    """The same mailboxes or aliases as before take mail again."""
    if not addresses:
        return
    for alarm in RedirectAlarm.objects.filter(kind=GONE, acknowledged_at=None):
        if all(is_among(target, addresses) for target in alarm.targets):
            RedirectAlarm.objects.filter(pk=alarm.pk).update(acknowledged_at=timezone.now(), mail_due_at=None)
    for watcher in WATCHERS:
        if watcher.back is not None:
            watcher.back(addresses, by)


def raise_gone(found: Iterable[tuple[Mailbox | Alias, str]], by: Actor | None) -> None:
    """Alarms for who looks after these, each with its target that is gone, unless that is who does it."""
    own = set[int]()
    if isinstance(by, Person):
        own = set(DomainAdmin.objects.filter(person=by).values_list("domain", flat=True))
    now = timezone.now()
    for subject, target in found:
        key = {"alias" if isinstance(subject, Alias) else "mailbox": subject}
        known = RedirectAlarm.objects.filter(kind=GONE, targets=[target], **key)
        if subject.domain_id not in own and not known.filter(acknowledged_at=None).exists():
            is_new = not known.filter(found_at__gt=now - PAUSE).exists()
            RedirectAlarm.objects.create(
                kind=GONE, targets=[target], mail_due_at=now if is_new else None, **key
            )
