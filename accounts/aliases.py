"""What happens to aliases: the row with its targets, the audit event and the push, all or nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, Count, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Alias, AliasTarget, Domain, Mailbox
from accounts.room import lock_room
from audit.chain import Actor, Entry, record, record_all
from audit.models import Event
from mailservers import outbox
from mailservers.aspects import TakenBack
from mailservers.models import ALIAS, Change
from mailservers.servers import limits_of

# RFC 2142: where everybody writes who has trouble with a domain. The first two have to be read.
MUST_BE_READ = ("postmaster", "abuse")
PROTECTED = (*MUST_BE_READ, "hostmaster", "webmaster", "security", "noc")


# Why mail to an alias can't go to a target, a sentence; "" when it can. Apps above add what they know when
# they are ready (AppConfig.ready).
PROBLEMS: "list[Callable[[str, str, Domain], str]]" = []


class Stale(Exception):
    """Somebody saved or deleted the alias meanwhile; what they set stands."""


class Taken(Exception):
    """A mailbox has the address, or a deleted one keeps it."""


class NoAliasLeft(Exception):
    """The domain has as many aliases as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class StillNeeded(Exception):
    """Aliases whose mail would have nowhere to go."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(addresses)
        self.addresses = addresses


def is_protected(address: str) -> bool:
    return address.rpartition("@")[0] in PROTECTED


def no_alias_left(most: int) -> str:
    words = ngettext(
        "The domain may have %(most)d alias, and has it. Delete it, or ask your hoster for more.",
        "The domain may have %(most)d aliases, and has them. Delete one, or ask your hoster for more.",
        most,
    )
    return words % {"most": most}


@transaction.atomic
def create_alias(domain: Domain, address: str, targets: Iterable[str], *, by: Actor) -> Alias:
    """Raises Stale when somebody made it just now, Taken or NoAliasLeft."""
    # Until the transaction ends nobody makes a mailbox or another alias in the domain.
    lock_room(domain.pk)
    values = {"domain": domain, "deleted_at": timezone.now()}
    alias = _locked(Alias.objects.get_or_create(address=address, defaults=values)[0].pk)
    if alias.deleted_at is None:
        raise Stale
    _save(alias, "alias.created", targets, by)
    return alias


@transaction.atomic
def save_alias(alias: Alias, targets: Iterable[str], *, seen_version: int, by: Actor) -> Change | None:
    """Raises Stale when it is not as the person saw it; None when nothing is changed by that."""
    current = _locked(alias.pk)
    if current.version != seen_version or current.deleted_at is not None:
        raise Stale
    if current.addresses() == sorted(set(targets)):
        return None
    return _save(current, "alias.changed", targets, by)


@transaction.atomic
def delete_alias(alias: Alias, *, by: Actor | None) -> None:
    """Quiet when it is deleted already. Raises StillNeeded when others lead nowhere else."""
    current = _locked(alias.pk)
    if needing := leading_only_to(current.address):
        raise StillNeeded(needing)
    take_off(current.address, by=by)
    if current.deleted_at is None:
        _save(current, "alias.deleted", [], by)


@transaction.atomic
def restore_alias(alias: Alias, told: dict[str, Any], by: Actor, how: TakenBack) -> Event:
    """To the targets that an event kept, or to none; raises NotAllowed when that can't be any more."""
    return _take(alias, told, f"alias.{how}", by, asks_rules=True)


@transaction.atomic
def keep_alias(alias: Alias, told: dict[str, Any], by: Actor | None) -> Event:
    """Take over what the server holds, mailboxes that only it knows included; raises NotAllowed."""
    return _take(alias, told, "alias.kept_from_server", by)


def aliases_to(mailbox: Mailbox) -> list[Alias]:
    """Those that lead to the mailbox at first hand, the catch-all included."""
    found = Alias.objects.alive().leading_to(mailbox.address).prefetch_related("targets")
    return list(found.order_by("address"))


class Lines(Aggregate):
    """All values together, a line each."""

    template = "string_agg(%(expressions)s, chr(10))"
    output_field = TextField()

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="group_concat(%(expressions)s, char(10))", **extra)


def led_to() -> Subquery:
    """Inside a query of mailboxes, as its `led_here`: what `also_receives` reads."""
    led = AliasTarget.objects.filter(address=OuterRef("address"), alias__deleted_at=None)
    return Subquery(led.order_by().values(one=Value(1)).annotate(all=Lines("alias__address")).values("all"))


def also_receives(mailbox: Mailbox) -> list[str]:
    """All addresses whose mail comes here too, at first hand; the catch-all begins with @."""
    return sorted(str(getattr(mailbox, "led_here", "") or "").split())


def addresses_of(mailbox: Mailbox) -> list[str]:
    """Under which a mail for this mailbox may come as well: what an auto-reply has to know."""
    led = AliasTarget.objects.filter(address=mailbox.address).exclude(alias__address__startswith="@")
    return list(led.order_by("alias__address").values_list("alias__address", flat=True))


def leading_only_to(address: str) -> list[str]:
    """The aliases whose mail would have nowhere to go without this address."""
    led = Alias.objects.alive().annotate(count=Count("targets")).filter(count=1)
    return list(led.filter(pk__in=_led_to(address)).order_by("address").values_list("address", flat=True))


def needing(addresses: Sequence[str]) -> dict[str, str]:
    """The same for many at once: for each address that has some, one of its aliases."""
    led = AliasTarget.objects.filter(address__in=addresses, alias__deleted_at=None)
    alone = led.annotate(count=Count("alias__targets")).filter(count=1)
    return dict(alone.values_list("address", "alias__address"))


@transaction.atomic
def hand_over(mailbox: Mailbox, targets: Iterable[str], *, by: Actor | None) -> int:
    """All that leads to the mailbox leads to these instead; how many aliases that are."""
    return _replace(mailbox.address, list(targets), by)


@transaction.atomic
def take_off(address: str, *, by: Actor | None) -> int:
    """No alias leads to this address any longer. Those that led nowhere else are deleted."""
    return _replace(address, [], by)


def _replace(address: str, instead: list[str], by: Actor | None) -> int:
    count = 0
    # In one order for everybody, so that two never wait for one another.
    for number in Alias.objects.filter(pk__in=_led_to(address)).order_by("pk").values_list("pk", flat=True):
        alias = _locked(number)
        after = {*(each for each in alias.addresses() if each != address), *instead} - {alias.address}
        _save(alias, "alias.changed" if after else "alias.deleted", after, by)
        count += 1
    return count


def _led_to(address: str) -> QuerySet[AliasTarget, int]:
    return AliasTarget.objects.filter(address=address).values_list("alias", flat=True)


def purge_aliases() -> int:
    """Forget those deleted long ago, of which the server was told; how many they were."""
    long_ago = timezone.now() - timedelta(days=settings.KEEP_DELETED_DAYS)
    forgotten = 0
    for alias in Alias.objects.filter(deleted_at__lt=long_ago)[:500]:
        change = Change.objects.newest_of(alias.pk, ALIAS)
        drifted = alias.observations.filter(drifted_since__isnull=False).exists()
        if not drifted and (change is None or change.state in (Change.State.LIVE, Change.State.CANCELLED)):
            alias.delete()
            forgotten += 1
    return forgotten


def _take(
    alias: Alias, told: dict[str, Any], verb: str, by: Actor | None, *, asks_rules: bool = False
) -> Event:
    # The alias is locked already, and others lock the domain first: so this never waits for it.
    domain = Domain.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=alias.domain_id)
    try:
        if domain.first() is None:
            raise outbox.MovedOn
        current = _locked(alias.pk)
        if asks_rules:
            _require_allowed(current, told["leads_to"])
        return _keep(current, verb, told["leads_to"], by)
    except Taken:
        words = _("A mailbox has the address %(address)s meanwhile.") % {"address": alias.address}
        raise outbox.NotAllowed(words) from None
    except NoAliasLeft as full:
        raise outbox.NotAllowed(no_alias_left(full.most)) from None


def _require_allowed(alias: Alias, targets: Sequence[str]) -> None:
    """As on the alias's own page, by the rules as they are now; raises NotAllowed."""
    if not targets and is_protected(alias.address):
        words = _("Somebody has to read this address: name another one that its mail goes to.")
        raise outbox.NotAllowed(words)
    if not targets and (needing := leading_only_to(alias.address)):
        words = _("%(aliases)s leads nowhere else. Give it another target first.")
        raise outbox.NotAllowed(words % {"aliases": ", ".join(needing)})
    before = set(alias.addresses())
    for target in targets:
        if target in before:
            continue
        for problem in PROBLEMS:
            if words := problem(alias.address, target, alias.domain):
                raise outbox.NotAllowed(words)


def _save(alias: Alias, verb: str, targets: Iterable[str], by: Actor | None) -> Change:
    return outbox.request_push(alias, ALIAS, _keep(alias, verb, targets, by))


def _keep(alias: Alias, verb: str, targets: Iterable[str], by: Actor | None) -> Event:
    """The rows and the event, and the scripts that know its address. Wants the alias locked."""
    before, after = alias.addresses(), sorted(set(targets))
    if after and alias.deleted_at is not None:
        _require_free(alias)
    alias.version += 1
    alias.deleted_at = None if after else alias.deleted_at or timezone.now()
    alias.save(update_fields=["version", "deleted_at"])
    alias.targets.exclude(address__in=after).delete()
    AliasTarget.objects.bulk_create(
        [AliasTarget(alias=alias, address=address) for address in after if address not in before]
    )
    alias._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    event = record(
        verb,
        by=by,
        about=alias,
        domain=alias.domain.name,
        before={"leads_to": before},
        after={"leads_to": after},
    )
    if not alias.is_catch_all:
        _tell_scripts(alias, set(before) ^ set(after), by)
    return event


def _require_free(alias: Alias) -> None:
    """Wants the domain locked."""
    if Mailbox.objects.filter(address=alias.address).exists():
        raise Taken
    most = alias.domain.max_aliases
    if most and Alias.objects.alive().filter(domain=alias.domain_id).count() >= most:
        raise NoAliasLeft(most)


def _tell_scripts(alias: Alias, addresses: Iterable[str], by: Actor | None) -> None:
    """An auto-reply answers mail to the mailbox's aliases too: its script lists them."""
    answering = Mailbox.objects.alive().filter(address__in=list(addresses), auto_reply__enabled=True)
    mailboxes: Sequence[Mailbox] = [
        mailbox
        for mailbox in answering.select_related("domain", "server").order_by("pk")
        if (limits := limits_of(mailbox.server)) is not None and limits.sieve
    ]
    events = record_all(
        [
            Entry(
                verb="mailbox.addresses_changed",
                about=mailbox,
                domain=mailbox.domain.name,
                after={"alias": alias.address},
            )
            for mailbox in mailboxes
        ],
        by=by,
    )
    outbox.request_pushes(
        list(zip(mailboxes, events, strict=True)), "script", priority=Change.Priority.PERSON
    )


def _locked(number: int) -> Alias:
    rows = Alias.objects.select_for_update(of=("self",), no_key=True).select_related("domain__server")
    found = rows.filter(pk=number).first()
    if found is None:
        raise Stale
    return found
