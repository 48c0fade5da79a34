"""At a sign-in, when the password is known for a moment, a hash in an older scheme is made anew.

The password stays what it is, so nobody is signed out: not here, and not on the mail server.
"""

from django.db import transaction

from accounts import passwords
from accounts.models import Mailbox
from audit.chain import record
from mailservers import outbox
from mailservers.servers import limits_of


def renew_hash(mailbox: Mailbox, clear: str) -> bool:
    """Whether it was older than what the mailbox's server prefers, and is so no more."""
    limits = limits_of(mailbox.server)
    if limits is None or not limits.takes_hashes:
        return False
    scheme = passwords.scheme_for(clear, limits.hash_schemes)
    if not passwords.is_older(mailbox.password_hash, scheme):
        return False
    # Outside the transaction: hashing is slow on purpose, and would keep others waiting for the lock.
    password_hash = passwords.hash_password(clear, scheme)
    return _keep(mailbox, password_hash, scheme)


@transaction.atomic
def _keep(mailbox: Mailbox, password_hash: str, scheme: str) -> bool:
    """Unless the password was changed meanwhile."""
    rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
    current = rows.select_related("domain", "server").filter(pk=mailbox.pk).first()
    if current is None or current.password_hash != mailbox.password_hash:
        return False
    before = passwords.scheme_of(current.password_hash)
    current.former_hash, current.password_hash = current.password_hash, password_hash
    current.save(update_fields=["former_hash", "password_hash"])
    mailbox.password_hash = password_hash
    event = record(
        "mailbox.hash_renewed",
        by=None,
        about=current,
        domain=current.domain.name,
        before={"scheme": before},
        after={"scheme": scheme},
    )
    if not current.only_app_passwords:
        outbox.request_push(current, "account", event)
    return True
