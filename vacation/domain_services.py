"""What a domain allows of auto-replies and forwarding: the rules, the audit event, and who is pushed."""

from typing import Any

from django.db import transaction

from accounts.models import Domain, Mailbox, Person
from audit.chain import Entry, record, record_all
from mailservers import outbox
from vacation.models import DomainRules, Forwarding, ForwardingTarget

TOLD = ("outside", "allow_list", "auto_reply", "forwarding")


@transaction.atomic
def save_rules(rules: DomainRules, *, by: Person) -> int:
    """Keep them, and push every mailbox whose mail goes elsewhere by that; how many those are."""
    domain = rules.domain
    Domain.objects.select_for_update().get(pk=domain.pk)
    before = DomainRules.objects.filter(domain=domain).first() or DomainRules(domain=domain)
    rules.save()
    record(
        "domain.mail_rules_changed",
        by=by,
        about=domain,
        domain=domain.name,
        before=_told(before),
        after=_told(rules),
    )
    touched = _touched_by(before, rules)
    events = record_all(
        [Entry(verb="forwarding.rules_changed", about=mailbox, domain=domain.name) for mailbox in touched],
        by=by,
    )
    outbox.request_pushes(list(zip(touched, events, strict=True)), "script")
    return len(touched)


def _touched_by(before: DomainRules, after: DomainRules) -> list[Mailbox]:
    targets = ForwardingTarget.objects.filter(
        listed=True,
        confirmed_at__isnull=False,
        forwarding__enabled=True,
        forwarding__mailbox__domain=after.domain,
        forwarding__mailbox__deleted_at=None,
    )
    numbers = {
        mailbox
        for mailbox, address in targets.values_list("forwarding__mailbox", "address")
        if before.permits(address) != after.permits(address)
    }
    return list(Mailbox.objects.filter(pk__in=numbers).select_related("server").order_by("pk"))


def outside_forwardings(domain: Domain) -> list[tuple[Forwarding, list[ForwardingTarget]]]:
    """Those that are on and lead outside, with the targets that do."""
    found: dict[int, tuple[Forwarding, list[ForwardingTarget]]] = {}
    targets = (
        ForwardingTarget.objects.filter(
            listed=True,
            forwarding__enabled=True,
            forwarding__mailbox__domain=domain,
            forwarding__mailbox__deleted_at=None,
        )
        .exclude(address__endswith=f"@{domain.name}")
        .select_related("forwarding__mailbox")
        .order_by("forwarding__mailbox__address", "address")
    )
    for target in targets:
        found.setdefault(target.forwarding_id, (target.forwarding, []))[1].append(target)
    return list(found.values())


def _told(rules: DomainRules) -> dict[str, Any]:
    """As people read it; the keys are no setting of a mailbox's."""
    return {
        "rule_outside": str(rules.get_outside_display()),
        "rule_allow_list": list(rules.allow_list),
        "rule_auto_reply": str(rules.get_auto_reply_display()),
        "rule_forwarding": str(rules.get_forwarding_display()),
    }
