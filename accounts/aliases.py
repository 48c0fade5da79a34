"""What happens to aliases: the row with its targets, the audit event and the push, all or nothing."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, Count, OuterRef, Q, Subquery, TextField, Value
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.answering import tell_scripts
from accounts.models import Alias, AliasQuerySet, AliasTarget, Domain, Mailbox, Person
from accounts.room import lock_room
from audit.chain import Actor, record
from audit.models import Event
from mailservers import outbox
from mailservers.aspects import TakenBack
from mailservers.models import ALIAS, Change

# RFC 2142: where everybody writes who has trouble with a domain. The first two have to be read.
MUST_BE_READ = ("postmaster", "abuse")
PROTECTED = (*MUST_BE_READ, "hostmaster", "webmaster", "security", "noc")


AT_ONCE = 500

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
    if needing := leading_only_to(current.address, by):
        raise StillNeeded(needing)
    take_off([current.address], by=by)
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


def changed_by(by: Actor | None, addresses: Collection[str]) -> AliasQuerySet:
    """Those that may be changed because of these addresses; nobody changes another customer's.

    The portal by itself touches those of the addresses' own domains alone.
    """
    if isinstance(by, Person):
        return Alias.objects.administered_by(by)
    return Alias.objects.filter(domain__name__in={address.rpartition("@")[2] for address in addresses})


def aliases_to(mailbox: Mailbox, by: Person) -> list[Alias]:
    """Those of the person's that lead to the mailbox at first hand, the catch-all included."""
    found = Alias.objects.administered_by(by).alive().leading_to(mailbox.address)
    found = found.select_related("domain__mail_rules").prefetch_related("targets")
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


def also_receives(mailbox: Mailbox, person: Person) -> list[str]:
    """All addresses whose mail comes here too, at first hand; the catch-all begins with @.

    Those of another customer are theirs to know of.
    """
    led = sorted(str(getattr(mailbox, "led_here", "") or "").split())
    names = {address.rpartition("@")[2] for address in led} - {mailbox.domain.name}
    known = {mailbox.domain.name}
    if names:
        same, theirs = Domain.objects.in_the_hands_of(mailbox.domain), Domain.objects.open_to(person)
        may_be_told = Q(pk__in=same.values("pk")) | Q(pk__in=theirs.values("pk"))
        known.update(Domain.objects.filter(may_be_told, name__in=names).values_list("name", flat=True))
    return [address for address in led if address.rpartition("@")[2] in known]


def addresses_of(mailbox: Mailbox) -> list[str]:
    """Under which a mail for this mailbox may come as well, the catch-all left out."""
    return [address for address in led_here_with_others(mailbox) if not address.startswith("@")]


def led_here_with_others(mailbox: Mailbox) -> dict[str, int]:
    """The aliases that lead here, and to how many others each leads too: what an auto-reply has to know.

    Nobody writes an alias of another customer into this mailbox's script.
    """
    led = AliasTarget.objects.filter(
        address=mailbox.address, alias__domain__in=Domain.objects.in_the_hands_of(mailbox.domain)
    )
    rows = led.annotate(count=Count("alias__targets")).order_by("alias__address")
    return {address: count - 1 for address, count in rows.values_list("alias__address", "count")}


def leading_only_to(address: str, by: Actor | None) -> list[str]:
    """The aliases that `by` may change whose mail would have nowhere to go without this address."""
    return sorted(left_without([address], by))


def left_without(gone: Collection[str], by: Actor | None) -> dict[str, set[str]]:
    """The same for many that go together: each such alias, with those of its targets that would be gone.

    A target that takes no mail as it is does not count, and an alias that is left without takes others along.
    """
    left: dict[str, set[str]] = {}
    reach, going, fresh = changed_by(by, gone).alive(), set(gone), set(gone)
    while fresh:
        led = _leading_to_any(reach, fresh)
        found = {alias.address: set(alias.addresses()) for alias in led if alias.address not in left}
        others = {target for targets in found.values() for target in targets} - going
        dead = going | _taking_no_mail(others)
        fresh = {address for address, targets in found.items() if targets <= dead}
        left |= {address: found[address] & going for address in fresh}
        going |= fresh
    return left


def last_readers(addresses: Sequence[str], by: Actor | None) -> dict[str, str]:
    """Of those that are to go together: each that an alias would have no reader without, and that alias.

    The last of an alias's targets has to stay, the others may go.
    """
    going, needed = list(dict.fromkeys(addresses)), dict[str, str]()
    places = {address: place for place, address in enumerate(going)}
    while going and (left := left_without(going, by)):
        for alias, targets in left.items():
            direct = [target for target in targets if target in places]
            if direct:
                needed.setdefault(max(direct, key=places.__getitem__), alias)
        going = [address for address in going if address not in needed]
    return needed


@transaction.atomic
def hand_over(mailbox: Mailbox, targets: Iterable[str], *, by: Person) -> int:
    """All of theirs that leads to the mailbox leads to these instead; how many aliases that are.

    Raises NotAllowed when the rules of one of the aliases' own domains do not have it.
    """
    instead = set(targets)
    # In one order for everybody, so that two never wait for one another.
    aliases = [_locked(alias.pk) for alias in sorted(aliases_to(mailbox, by), key=lambda alias: alias.pk)]
    for alias in aliases:
        after = {*(each for each in alias.addresses() if each != mailbox.address), *instead} - {alias.address}
        _require_allowed(alias, sorted(after), by)
        _save(alias, "alias.changed", after, by)
    return len(aliases)


@transaction.atomic
def take_off(addresses: Collection[str], *, by: Actor | None) -> int:
    """No alias of theirs leads to these any longer; those that led nowhere else are deleted. How many."""
    count, gone = 0, set(addresses)
    while gone:
        deleted = set()
        for number in sorted(alias.pk for alias in _leading_to_any(changed_by(by, addresses), gone)):
            alias = _locked(number)
            after = set(alias.addresses()) - gone
            _save(alias, "alias.changed" if after else "alias.deleted", after, by)
            deleted |= set() if after else {alias.address}
            count += 1
        gone = deleted
    return count


def _leading_to_any(aliases: AliasQuerySet, addresses: Collection[str]) -> list[Alias]:
    found: dict[int, Alias] = {}
    for some in _slices(addresses):
        led = aliases.filter(targets__address__in=some).distinct().prefetch_related("targets")
        found |= {alias.pk: alias for alias in led}
    return list(found.values())


def _taking_no_mail(addresses: Collection[str]) -> set[str]:
    silent = Mailbox.objects.filter(Q(deleted_at__isnull=False) | Q(receives=False))
    return {
        address
        for some in _slices(addresses)
        for address in silent.filter(address__in=some).values_list("address", flat=True)
    }


def _slices(whole: Collection[str]) -> Iterator[list[str]]:
    """A database takes no endless list."""
    ordered = sorted(whole)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


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
            _require_allowed(current, told["leads_to"], by)
        return _keep(current, verb, told["leads_to"], by)
    except Taken:
        words = _("A mailbox has the address %(address)s meanwhile.") % {"address": alias.address}
        raise outbox.NotAllowed(words) from None
    except NoAliasLeft as full:
        raise outbox.NotAllowed(no_alias_left(full.most)) from None


def _require_allowed(alias: Alias, targets: Sequence[str], by: Actor | None) -> None:
    """As on the alias's own page, by the rules as they are now; raises NotAllowed."""
    if not targets and is_protected(alias.address):
        words = _("Somebody has to read this address: name another one that its mail goes to.")
        raise outbox.NotAllowed(words)
    if not targets and (needing := leading_only_to(alias.address, by)):
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
        _tell_scripts(alias, before, after, by)
    return event


def _require_free(alias: Alias) -> None:
    """Wants the domain locked."""
    if Mailbox.objects.filter(address=alias.address).exists():
        raise Taken
    most = alias.domain.max_aliases
    if most and Alias.objects.alive().filter(domain=alias.domain_id).count() >= most:
        raise NoAliasLeft(most)


def _tell_scripts(alias: Alias, before: Sequence[str], after: Sequence[str], by: Actor | None) -> None:
    """An auto-reply answers mail to the mailbox's aliases too: its script lists them, see `addresses_of`.

    It need not answer for a group: so those that stay hear of it as well when it becomes one.
    """
    touched = set(before) ^ set(after)
    if (len(before) > 1) != (len(after) > 1):
        touched = {*before, *after}
    led_here = Mailbox.objects.filter(address__in=touched).select_related("domain")
    ours = [mailbox for mailbox in led_here if _are_in_the_same_hands(alias, mailbox)]
    tell_scripts(ours, "mailbox.addresses_changed", {"alias": alias.address}, by=by)


def _are_in_the_same_hands(alias: Alias, mailbox: Mailbox) -> bool:
    if alias.domain_id == mailbox.domain_id:
        return True
    return Domain.objects.in_the_hands_of(mailbox.domain).filter(pk=alias.domain_id).exists()


def _locked(number: int) -> Alias:
    rows = Alias.objects.select_for_update(of=("self",), no_key=True).select_related("domain__server")
    found = rows.filter(pk=number).first()
    if found is None:
        raise Stale
    return found
