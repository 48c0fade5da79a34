"""Aliases that a server holds, and further addresses of its mailboxes: the portal keeps both alike."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from accounts.alias_aspect import LONGEST, is_plain
from accounts.models import Alias, AliasTarget, Domain, Mailbox
from audit.chain import Actor, Entry, record_all
from mailservers.drivers.base import AliasState, FoundMailbox
from mailservers.models import Server

PassedOver = tuple[str, str, dict[str, Any]]
"""An address, and why as a sentence with what fills its places."""

# What leads nowhere else: the mailbox's own store, as Postfix writes it in front of a local name.
_OWN_STORE = "\\"


def aliases_in(
    name: str, found: Iterable[FoundMailbox], told: Iterable[AliasState]
) -> dict[str, tuple[str, ...]]:
    """The addresses that lead to others, in lower case, each with its targets as the server has them."""
    leading = {alias.address.lower(): alias.targets for alias in told}
    for mailbox in found:
        own = mailbox.account.address.lower()
        for address in mailbox.addresses:
            if own and address.lower() != own:
                leading.setdefault(address.lower(), (own,))
    return dict(sorted(leading.items(), key=lambda item: (item[0].rpartition("@")[2] != name, item[0])))


@transaction.atomic
def adopt_aliases(
    server: Server, leading: Sequence[tuple[str, tuple[str, ...]]], *, by: Actor | None
) -> tuple[int, list[PassedOver]]:
    """How many were new, and which could not be taken over; one that is here already is no news."""
    here = set(Alias.objects.filter(address__in=[a for a, _ in leading]).values_list("address", flat=True))
    mailboxes = set(
        Mailbox.objects.filter(address__in=[a for a, _ in leading]).values_list("address", flat=True)
    )
    names = {address.rpartition("@")[2] for address, _ in leading}
    domains = {domain.name: domain for domain in Domain.objects.filter(name__in=names, server=server)}
    by_login = _addresses_by_login(server, [target for _, targets in leading for target in targets])
    fit: list[tuple[Alias, tuple[str, ...]]] = []
    passed_over: list[PassedOver] = []
    for address, told in leading:
        if address in here:
            continue
        domain = domains.get(address.rpartition("@")[2])
        targets = tuple(sorted({by_login.get(target, target).lower() for target in told}))
        if trouble := _trouble(address, targets, domain, mailboxes):
            passed_over.append((address[:LONGEST], trouble, {}))
        elif domain is not None:
            fit.append((Alias(address=address, domain=domain), targets))
    Alias.objects.bulk_create([alias for alias, _ in fit])
    AliasTarget.objects.bulk_create(
        [AliasTarget(alias=alias, address=target) for alias, targets in fit for target in targets]
    )
    record_all(
        [
            Entry(
                verb="alias.adopted", about=alias, domain=alias.domain.name, after={"leads_to": list(targets)}
            )
            for alias, targets in fit
        ],
        by=by,
    )
    return len(fit), passed_over


def _trouble(address: str, targets: tuple[str, ...], domain: Domain | None, mailboxes: set[str]) -> str:
    """Why it can't be taken over; empty when it can."""
    if domain is None:
        return gettext_noop("Its domain is not on this server in the portal.")
    if address in mailboxes:
        return gettext_noop("A mailbox in the portal has this address.")
    if not targets or not all(map(is_plain, targets)):
        return gettext_noop("It leads to a file, a program or a list: it stays on the server as it is.")
    if len(address) > LONGEST:
        return gettext_noop("Its name is too long.")
    return ""


def _addresses_by_login(server: Server, targets: Iterable[str]) -> Mapping[str, str]:
    """Servers may name a mailbox by its login: ``anna.example``, or Postfix's ``\\anna.example``."""
    logins = {target: target.removeprefix(_OWN_STORE) for target in targets if "@" not in target}
    held = Mailbox.objects.filter(server=server, login__in=set(logins.values()))
    addresses = dict(held.values_list("login", "address"))
    return {target: addresses[login] for target, login in logins.items() if login in addresses}
