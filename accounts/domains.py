"""What operators do to domains: the row and the event, both or neither."""

from dataclasses import asdict
from typing import Any

import structlog
from django.db import transaction

from accounts import tasks
from accounts.models import Domain, PasswordRules, Person
from accounts.password_rules import rules_of
from audit.chain import record
from mailservers.ranges import require_ranges

log = structlog.get_logger(__name__)


@transaction.atomic
def create_domain(domain: Domain, *, by: Person) -> None:
    require_ranges(domain)
    domain.save()
    record("domain.created", by=by, about=domain, domain=domain.name, after=_facts(domain))


@transaction.atomic
def change_domain(domain: Domain, *, by: Person) -> None:
    """Limits below what there is already stop what is new, and take nothing away."""
    before = _facts(Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk))
    after = _facts(domain)
    if before != after:
        require_ranges(domain)
        domain.save(
            update_fields=[
                *("server", "default_quota_bytes", "max_quota_bytes", "max_mailboxes", "max_aliases"),
                "language",
            ]
        )
        record("domain.changed", by=by, about=domain, domain=domain.name, before=before, after=after)


@transaction.atomic
def save_password_rules(rules: PasswordRules, *, by: Person) -> None:
    """They hold for what is chosen from now on; a password that is there already stays."""
    domain = Domain.objects.select_for_update(of=("self",)).get(pk=rules.domain_id)
    before = rules_of(PasswordRules.of(domain))
    rules.save()
    after = rules_of(rules)
    if before != after:
        record(
            "domain.password_rules_changed",
            by=by,
            about=domain,
            domain=domain.name,
            before=asdict(before),
            after=asdict(after),
        )


@transaction.atomic
def save_app_password_rule(domain: Domain, rule: str, grace_days: int, *, by: Person) -> bool:
    """Keep it, and have a worker go through the mailboxes; False when it was so already."""
    Domain.objects.select_for_update(of=("self",), no_key=True).get(pk=domain.pk)
    rules = PasswordRules.objects.filter(domain=domain).first() or PasswordRules(domain=domain)
    before = {"mail_programs": rules.mail_programs, "grace_days": rules.grace_days}
    after = {"mail_programs": rule, "grace_days": grace_days}
    if before == after:
        return False
    rules.mail_programs, rules.grace_days = rule, grace_days
    rules.save()
    verb = "domain.app_password_rule_changed"
    record(verb, by=by, about=domain, domain=domain.name, before=before, after=after)
    transaction.on_commit(_have_rules_followed)
    return True


def _have_rules_followed() -> None:
    try:
        tasks.follow_app_password_rules.apply_async()
    except tasks.follow_app_password_rules.OperationalError as error:
        log.warning("broker away", error=type(error).__name__)


def _facts(domain: Domain) -> dict[str, Any]:
    return {
        "server": domain.server.name,
        "default_quota_bytes": domain.default_quota_bytes,
        "max_quota_bytes": domain.max_quota_bytes,
        "max_mailboxes": domain.max_mailboxes,
        "max_aliases": domain.max_aliases,
        "language": domain.language,
    }
