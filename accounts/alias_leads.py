"""Which aliases lead to an address, and which are left without a reader when it goes."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, Count, Exists, OuterRef, Q, Subquery, TextField, Value
from django.db.models.sql.compiler import SQLCompiler

from accounts.models import Alias, AliasQuerySet, AliasTarget, Domain, Mailbox, Person
from accounts.slices import slices
from accounts.target_addresses import is_among, leading_to, targets_in, without_tag
from audit.chain import Actor


def changed_by(by: Actor | None, addresses: Collection[str]) -> AliasQuerySet:
    """Those that may be changed because of these addresses; nobody changes another customer's.

    The portal by itself touches those of the addresses' own domains alone.
    """
    if isinstance(by, Person):
        return Alias.objects.administered_by(by)
    return Alias.objects.filter(domain__name__in={address.rpartition("@")[2] for address in addresses})


def aliases_to(mailbox: Mailbox, by: Person) -> list[Alias]:
    """Those of the person's that lead to the mailbox at first hand, the catch-all included."""
    found = aliases_with_targets(Alias.objects.administered_by(by).alive(), [mailbox.address])
    return sorted(found, key=lambda alias: alias.address)


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


def leading_here(address: str, by: Person) -> tuple[list[str], list[str]]:
    """The same, and those that lead to others as well and go on without it."""
    led = _leading(changed_by(by, [address]), {address})
    only_here = sorted(_left_without(led, {address}, by)) if led else []
    return only_here, sorted(led.keys() - set(only_here))


def left_without(gone: Collection[str], by: Actor | None) -> dict[str, set[str]]:
    """For many that go together: each alias left without a reader, with what of the gone it leads to.

    A target that takes no mail as it is does not count, and an alias that is left without takes others along.
    """
    return _left_without(_leading(changed_by(by, gone), set(gone)), set(gone), by)


def _left_without(led: dict[str, dict[str, bool]], gone: set[str], by: Actor | None) -> dict[str, set[str]]:
    """`led`: what leads there at first hand."""
    left: dict[str, set[str]] = {}
    going, reach = set(gone), changed_by(by, gone)
    while led:
        fresh = {
            alias: {each for target in targets for each in (target, without_tag(target)) if each in going}
            for alias, targets in led.items()
            if alias not in left
            and all(is_silent or is_among(target, going) for target, is_silent in targets.items())
        }
        left |= fresh
        going |= fresh.keys()
        led = _leading(reach, set(fresh)) if fresh else {}
    return left


def _leading(aliases: AliasQuerySet, addresses: set[str]) -> dict[str, dict[str, bool]]:
    """Of those that lead to the addresses: their targets, and whether each takes no mail already."""
    silent = Mailbox.objects.filter(Q(deleted_at__isnull=False) | Q(receives=False))
    found: dict[str, dict[str, bool]] = {}
    for some in slices(sorted(addresses)):
        led = AliasTarget.objects.filter(targets_in(some)).values("alias")
        rows = AliasTarget.objects.filter(alias__in=aliases.alive().filter(pk__in=led))
        told = rows.annotate(is_silent=Exists(silent.filter(address=OuterRef("address"))))
        for alias, target, is_silent in told.values_list("alias__address", "address", "is_silent"):
            found.setdefault(alias, {})[target] = is_silent
    return {
        alias: targets
        for alias, targets in found.items()
        if any(is_among(target, addresses) for target in targets)
    }


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


def aliases_with_targets(aliases: AliasQuerySet, addresses: Collection[str]) -> list[Alias]:
    numbers = {row.alias_id for row in leading_to(AliasTarget.objects.all(), addresses)}
    found: list[Alias] = []
    for some in slices(sorted(numbers)):
        led = aliases.filter(pk__in=some).select_related("domain__mail_rules")
        found += led.prefetch_related("targets")
    return found
