"""What an alias should look like on its server, and what somebody changed of it there."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.alarms import raise_alarms
from accounts.aliases import MUST_BE_READ, keep_alias, restore_alias
from accounts.models import Alias, AliasTarget, Domain, Mailbox
from mailservers.aspects import Aspect, Drift, Seen, Watch
from mailservers.drivers.base import AliasState, Driver, Limits, Refused
from mailservers.models import ALIAS
from mailservers.outbox import MovedOn

LONGEST = 320
# No programs, files or lists, nor anything that a server reads as more than one.
_PLAIN = re.compile(r"[^\s@|/:\\\",;<>()\[\]]+@[^\s@|/:\\\",;<>()\[\]]+")


def is_plain(target: str) -> bool:
    """An address, and no program, file or list."""
    return bool(_PLAIN.fullmatch(target)) and len(target) <= LONGEST


def desired_alias(alias: Alias) -> AliasState | None:
    """None: nothing of it is to be left on the server."""
    targets = alias.addresses()
    return AliasState(alias.address, tuple(targets)) if targets and alias.deleted_at is None else None


def put_alias(driver: Driver, address: str, alias: AliasState | None) -> None:
    if alias is None:
        driver.remove_alias(address)
    else:
        driver.put_alias(alias)


def read_alias(driver: Driver, address: str) -> AliasState | None:
    held = driver.read_alias(address)
    return None if held is None else _in_order(held)


def fit(alias: AliasState | None, limits: Limits) -> AliasState | None:
    if not limits.aliases:
        raise Refused(gettext_noop("The portal can't set aliases on this mail server."))
    if alias is not None and alias.address.startswith("@") and not limits.catch_all:
        raise Refused(gettext_noop("This mail server has no catch-all addresses."))
    return alias


def alias_differences(wanted: AliasState | None, held: AliasState | None) -> list[str]:
    if held is None:
        return [gettext("the alias is not there")]
    if wanted is None:
        return [gettext("the alias is still there")]
    return [gettext("it leads to %(targets)s") % {"targets": ", ".join(held.targets)}]


def read_aliases(driver: Driver, domain: Domain) -> Mapping[str, Seen]:
    """All of the domain, without what no portal could keep and does not know of."""
    found = {
        state.address: _in_order(state)
        for state in driver.read_aliases(domain.name)
        if state.address.rpartition("@")[2] == domain.name
    }
    mailboxes = set(Mailbox.objects.filter(address__in=found).values_list("address", flat=True))
    known = set(Alias.objects.filter(domain=domain).values_list("address", flat=True))
    return {
        address: Seen(state, redirects=state.targets)
        for address, state in found.items()
        if address in known or (address not in mailboxes and _can_be_kept(state))
    }


def note_unknown(domain: Domain, states: Mapping[str, AliasState]) -> tuple[list[Alias], bool]:
    """What lies there at the first look was so before the portal came, and is taken over."""
    now = timezone.now()
    is_first = Domain.objects.filter(pk=domain.pk, aliases_read_at=None).update(aliases_read_at=now) > 0
    Alias.objects.bulk_create(
        [Alias(address=address, domain=domain, deleted_at=now) for address in states], ignore_conflicts=True
    )
    rows = Alias.objects.joined().filter(domain=domain, address__in=states)
    if is_first:
        for row in rows:
            # One that the domain has no place for is shown like what appears later.
            with suppress(MovedOn):
                keep_alias(row, {"leads_to": list(states[row.address].targets)}, None)
    return list(rows.all()), not is_first


def explain_alias(alias: Alias, wanted: AliasState | None, held: AliasState | None) -> Drift:
    if held is None:
        sentence = gettext_noop("%(address)s is not on the mail server any more.")
        if alias.address.rpartition("@")[0] in MUST_BE_READ:
            return Drift(
                ((sentence, {"address": alias.address}),),
                held=None,
                why_not=gettext_noop("Somebody has to read this address."),
            )
        return Drift(((sentence, {"address": alias.address}),), held={"leads_to": []})
    theirs = ", ".join(held.targets)
    if wanted is None:
        told = gettext_noop("%(address)s leads to %(theirs)s there, and is no alias here.")
        difference = (told, {"address": alias.address, "theirs": theirs})
    else:
        told = gettext_noop("%(address)s leads to %(theirs)s there, and to %(ours)s here.")
        ours = ", ".join(wanted.targets)
        difference = (told, {"address": alias.address, "theirs": theirs, "ours": ours})
    if not _can_be_kept(held):
        why_not = gettext_noop("It leads to a file, a program or a list.")
        return Drift((difference,), held=None, why_not=why_not)
    return Drift((difference,), held={"leads_to": list(held.targets)})


def leads_outside(alias: Alias, held: Mapping[str, Any]) -> bool:
    """Whether keeping it would send mail out of the domain to where it does not go yet."""
    new = set(held["leads_to"]) - set(alias.addresses())
    return any(target.rpartition("@")[2] != alias.domain.name for target in new)


def raise_unknown(found: Sequence[tuple[Alias, Sequence[str]]], known_before: bool) -> None:
    """Where the portal itself leads mail to is no reason for an alarm."""
    ours: dict[int, set[str]] = {}
    rows = AliasTarget.objects.filter(alias__in=[alias.pk for alias, _ in found])
    for number, address in rows.values_list("alias", "address"):
        ours.setdefault(number, set()).add(address)
    unknown = [
        (alias, [target for target in targets if target not in ours.get(alias.pk, set()) and "@" in target])
        for alias, targets in found
    ]
    raise_alarms([(alias, targets) for alias, targets in unknown if targets], known_before)


def _can_be_kept(state: AliasState) -> bool:
    # A catch-all is plain with any name in front.
    own = f"x{state.address}" if state.address.startswith("@") else state.address
    return bool(state.targets) and all(map(is_plain, (own, *state.targets)))


def _in_order(state: AliasState) -> AliasState:
    return AliasState(state.address.lower(), tuple(sorted({target.lower() for target in state.targets})))


watch = Watch(
    explain=explain_alias,
    keep=keep_alias,
    needs_proof=leads_outside,
    read_domain=read_aliases,
    note_unknown=note_unknown,
    alarm=raise_unknown,
    at_once=50,
)
alias = Aspect(
    name=ALIAS,
    desired=desired_alias,
    put=put_alias,
    read=read_alias,
    differences=alias_differences,
    fit=fit,
    restore=restore_alias,
    restore_needs_proof=leads_outside,
    watch=watch,
)
