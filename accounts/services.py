"""What happens to mailboxes: the row, the audit event and the push, all or nothing."""

from django.db import transaction
from django.utils import timezone

from accounts import passwords
from accounts.models import Domain, Mailbox, Person
from audit.chain import record
from mailservers import outbox
from mailservers.models import Change


@transaction.atomic
def create_mailbox(domain: Domain, local_part: str, *, login: str, name: str, by: Person | None) -> Mailbox:
    """A new mailbox on the domain's server. Nobody can sign in before a password is set."""
    mailbox = Mailbox.objects.create(
        address=f"{local_part}@{domain.name}".casefold(),
        domain=domain,
        server=domain.server,
        login=login.casefold(),
        name=name,
        quota_bytes=domain.default_quota_bytes,
        language=domain.language,
    )
    event = record(
        "mailbox.created", by=by, about=mailbox, domain=domain.name, after={"login": mailbox.login}
    )
    outbox.request_push(mailbox, "account", event)
    return mailbox


def change_password(mailbox: Mailbox, clear: str, *, by: Person | None) -> Change:
    """Keep the new password's hash, end the owner's other sessions here, and push the hash."""
    # Outside the transaction: hashing is slow on purpose, and would keep others waiting for the lock.
    password_hash = passwords.hash_password(clear)
    with transaction.atomic():
        mailbox.password_hash, mailbox.password_changed_at = password_hash, timezone.now()
        mailbox.save(update_fields=["password_hash", "password_changed_at"])
        owner = mailbox.owner
        if owner and not owner.has_usable_password():
            # Sessions are bound to this value; a fresh unusable one ends them all.
            owner.set_unusable_password()
            owner.save(update_fields=["password"])
        event = record("mailbox.password_changed", by=by, about=mailbox, domain=mailbox.domain.name)
        return outbox.request_push(mailbox, "account", event)
