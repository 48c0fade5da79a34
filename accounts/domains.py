"""What operators do to domains: the row and the event, both or neither."""

from dataclasses import asdict
from typing import Any

from django.db import transaction

from accounts.models import Domain, PasswordRules, Person
from accounts.password_rules import rules_of
from audit.chain import record


@transaction.atomic
def create_domain(domain: Domain, *, by: Person) -> None:
    domain.save()
    record("domain.created", by=by, about=domain, domain=domain.name, after=_facts(domain))


@transaction.atomic
def change_domain(domain: Domain, *, by: Person) -> None:
    """Limits below what there is already stop what is new, and take nothing away."""
    before = _facts(Domain.objects.select_for_update(of=("self",)).get(pk=domain.pk))
    after = _facts(domain)
    if before != after:
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


def _facts(domain: Domain) -> dict[str, Any]:
    return {
        "server": domain.server.name,
        "default_quota_bytes": domain.default_quota_bytes,
        "max_quota_bytes": domain.max_quota_bytes,
        "max_mailboxes": domain.max_mailboxes,
        "max_aliases": domain.max_aliases,
        "language": domain.language,
    }
