"""What happens to aliases: the row with its targets, the audit event and the push, all or nothing."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from accounts.alias_leads import aliases_to, aliases_with_targets, changed_by, leading_only_to
from accounts.answering import tell_scripts
from accounts.led_here import GONE, tell_back, tell_gone
from accounts.models import Alias, AliasTarget, Domain, LostTarget, Mailbox, Person, RedirectAlarm
from accounts.room import lock_room
from accounts.target_addresses import is_among, without_tag
from audit.chain import Actor, record
from audit.models import Event
from mailservers import outbox
from mailservers.aspects import TakenBack
from mailservers.models import ALIAS, Change

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


@transaction.atomic
def hand_over(mailbox: Mailbox, targets: Iterable[str], *, by: Person) -> int:
    """All of theirs that leads to the mailbox leads to these instead; how many aliases that are.

    Raises NotAllowed when the rules of one of the aliases' own domains do not have it.
    """
    instead = set(targets)
    # In one order for everybody, so that two never wait for one another.
    aliases = [_locked(alias.pk) for alias in sorted(aliases_to(mailbox, by), key=lambda alias: alias.pk)]
    for alias in aliases:
        kept = [each for each in alias.addresses() if not is_among(each, {mailbox.address})]
        after = {*kept, *instead} - {alias.address}
        _require_allowed(alias, sorted(after), by)
        _save(alias, "alias.changed", after, by)
    return len(aliases)


@transaction.atomic
def take_off(addresses: Collection[str], *, by: Actor | None, with_them: Iterable[Mailbox] = ()) -> int:
    """No alias of theirs leads to these any longer; those that led nowhere else are deleted. How many.

    What goes with these mailboxes is noted, so that it comes back with them (`bring_back`).
    """
    count, gone = 0, set(addresses)
    because = {mailbox.address: mailbox for mailbox in with_them}
    while gone:
        deleted = set()
        for number in sorted(alias.pk for alias in aliases_with_targets(changed_by(by, addresses), gone)):
            alias = _locked(number)
            lost = {each: each if each in gone else without_tag(each) for each in alias.addresses()}
            lost = {target: address for target, address in lost.items() if address in gone}
            after = set(alias.addresses()) - lost.keys()
            _save(alias, "alias.changed" if after else "alias.deleted", after, by)
            noted = {target: because[address] for target, address in lost.items() if address in because}
            _go_along(alias)
            LostTarget.objects.bulk_create(
                LostTarget(mailbox=mailbox, alias=alias, target=target, version=alias.version)
                for target, mailbox in noted.items()
            )
            if not after:
                deleted.add(alias.address)
                if noted:
                    because[alias.address] = next(iter(noted.values()))
            count += 1
        gone = deleted
    return count


@dataclass(frozen=True, slots=True)
class NotBack:
    """An alias that did not come back with its mailbox, and why: a sentence with places."""

    address: str
    """Empty where it is another customer's by now."""
    sentence: str


def in_words(lacking: Sequence[NotBack]) -> str:
    """Which are not back, and why, in the reader's language."""
    told = [f"{each.address} ({_(each.sentence)})" for each in lacking if each.address]
    if others := len(lacking) - len(told):
        words = ngettext(
            "%(count)d of a domain you don't look after",
            "%(count)d of domains you don't look after",
            others,
        )
        told.append(words % {"count": others})
    return ", ".join(told)


CHANGED_SINCE = gettext_noop("somebody changed it meanwhile")
ADDRESS_TAKEN = gettext_noop("a mailbox has its address meanwhile")
NO_PLACE = gettext_noop("the domain has no place for it")
NOT_ALLOWED = gettext_noop("it may not lead there any more")


@transaction.atomic
def bring_back(mailbox: Mailbox, *, by: Person) -> list[NotBack]:
    """What led to the mailbox when it was deleted leads there again; what does not, and why."""
    lacking = []
    rows = list(LostTarget.objects.filter(mailbox=mailbox).order_by("pk"))
    numbers = dict.fromkeys(row.alias_id for row in rows)
    reach = Alias.objects.administered_by(by).filter(pk__in=numbers).values_list("pk", flat=True)
    theirs = set(reach) if rows else set()
    for number in numbers:
        if number not in theirs:
            lacking.append(NotBack("", CHANGED_SINCE))
            continue
        alias = _locked(number)
        mine = LostTarget.objects.filter(mailbox=mailbox, alias=alias, version=alias.version)
        lost = list(mine.order_by("pk"))
        if why := _lead_again(alias, [row.target for row in lost], by) if lost else CHANGED_SINCE:
            lacking.append(NotBack(alias.address, why))
    LostTarget.objects.filter(mailbox=mailbox).delete()
    return lacking


def _lead_again(alias: Alias, targets: list[str], by: Person) -> str:
    """Why it can't; "" when it does."""
    # Others lock the alias's domain first: so this never waits for it.
    domain = Domain.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=alias.domain_id)
    after = {*alias.addresses(), *targets}
    try:
        if domain.first() is None:
            return CHANGED_SINCE
        _require_allowed(alias, sorted(after), by)
        verb = "alias.changed" if alias.deleted_at is None else "alias.brought_back"
        with transaction.atomic():
            _save(alias, verb, after, by)
    except Taken:
        return ADDRESS_TAKEN
    except NoAliasLeft:
        return NO_PLACE
    except outbox.NotAllowed:
        return NOT_ALLOWED
    _go_along(alias)
    return ""


def _go_along(alias: Alias) -> None:
    """What the portal itself changed of it because of one mailbox does not keep it from another."""
    LostTarget.objects.filter(alias=alias, version=alias.version - 1).update(version=alias.version)


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
    was_there = alias.deleted_at is None
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
        if was_there and not after:
            tell_gone([alias.address], by)
        elif after and not was_there and verb != "alias.created":
            tell_back([alias.address], by)
    over = RedirectAlarm.objects.filter(alias=alias, kind=GONE, acknowledged_at=None)
    for alarm in over:
        if not set(alarm.targets) & set(after):
            RedirectAlarm.objects.filter(pk=alarm.pk).update(acknowledged_at=timezone.now(), mail_due_at=None)
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
