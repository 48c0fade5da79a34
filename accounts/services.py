"""What happens to mailboxes: the row, the audit event and the push, all or nothing."""

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import app_password_rule, notices, passwords
from accounts.app_passwords import end_all_app_passwords, hash_of_random
from accounts.devices import forget_devices
from accounts.earlier_passwords import note_replaced
from accounts.logins import give_login, gives_again
from accounts.many import end_sessions
from accounts.models import Alias, Domain, Mailbox, Person
from accounts.names import require_free
from accounts.naming import new_local_part_of
from accounts.one_time_links import end_links
from accounts.room import lock_room, require_place, require_room
from audit.chain import record
from mailservers import outbox, sealed_passwords
from mailservers.models import Change
from mailservers.ranges import require_ranges
from mailservers.servers import limits_of


@transaction.atomic
def create_mailbox(
    domain: Domain,
    local_part: str,
    *,
    login: str = "",
    name: str,
    by: Person | None,
    quota_bytes: int | None = None,
    recovery_address: str = "",
    language: str = "",
    template: str = "",
) -> Mailbox:
    """A new mailbox on the domain's server; nobody can sign in before a password is set.

    Raises BadName, NoRoomLeft, NoPlaceLeft, or IntegrityError when its address is taken or its login was
    given before. Without `login` it gets the next free one; where the server chooses logins, the address
    stands for it until the server has told it. Without `quota_bytes` it gets what the domain gives by
    default, and without `language` the domain's. `template` is told in the event.
    """
    limits = limits_of(domain.server)
    address = f"{new_local_part_of(local_part, domain.name, limits)}@{domain.name}"
    room = lock_room(domain.pk)
    require_place(room)
    if Alias.objects.alive().filter(address=address).exists():
        raise IntegrityError(address)
    require_free(address)
    room_bytes = room.default_quota_bytes if quota_bytes is None else quota_bytes
    require_room(room, room_bytes, instead_of=[0])
    login = address if gives_again(domain.server) else give_login(domain, login.casefold())
    mailbox = Mailbox(
        address=address,
        domain=domain,
        server=domain.server,
        login=login,
        name=name,
        quota_bytes=room_bytes,
        recovery_address=recovery_address,
        language=language or domain.language,
        **app_password_rule.of_new_mailbox(domain),
    )
    require_ranges(mailbox)
    mailbox.save(force_insert=True)
    told = {"login": mailbox.login} | ({"template": template} if template else {})
    event = record("mailbox.created", by=by, about=mailbox, domain=domain.name, after=told)
    outbox.request_push(mailbox, "account", event)
    return mailbox


def change_password(mailbox: Mailbox, clear: str, *, by: Person | None) -> Change:
    """Keep the new password's hash, end the owner's other sessions here, and push the hash.

    For a server that takes no hash it is sealed for the push as well; raises NoSealingKey.
    """
    limits = limits_of(mailbox.server)
    scheme = passwords.scheme_for(clear, limits.hash_schemes if limits else ())
    # Outside the transaction: hashing is slow on purpose, and would keep others waiting for the lock.
    password_hash = passwords.hash_password(clear, scheme)
    with transaction.atomic():
        had_one = bool(mailbox.password_hash)
        if mailbox.password_asked_at is None:
            note_replaced(mailbox, mailbox.password_hash)
        mailbox.password_hash, mailbox.password_changed_at = password_hash, timezone.now()
        mailbox.former_hash, mailbox.password_asked_at = "", None
        mailbox.save(
            update_fields=["password_hash", "password_changed_at", "former_hash", "password_asked_at"]
        )
        owner = mailbox.owner
        if owner and not owner.has_usable_password():
            # Sessions are bound to this value; a fresh unusable one ends them all.
            owner.set_unusable_password()
            owner.save(update_fields=["password"])
            forget_devices(owner)
        if limits is not None and not limits.takes_hashes:
            sealed_passwords.seal(mailbox, passwords.normalise(clear))
        if had_one:
            notices.tell(mailbox, "password", by=by)
        event = record("mailbox.password_changed", by=by, about=mailbox, domain=mailbox.domain.name)
        return outbox.request_push(mailbox, "account", event)


def close_until_new_password(mailbox: Mailbox, *, by: Person) -> None:
    """Nobody signs in, here or on the server, until its user chooses another password by a one-time link.

    Its app passwords end and the old password can't be chosen again. Quiet when it is closed already; raises
    NoSealingKey.
    """
    nobodys = secrets.token_urlsafe(32)
    with transaction.atomic():
        # Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those.
        rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
        current = rows.select_related("domain", "server", "owner").get(pk=mailbox.pk)
        if current.password_asked_at is not None:
            return
        note_replaced(current, current.password_hash)
        # A hash of its own, and not none at all: a server that alone knows a password would be asked for it.
        current.password_hash = hash_of_random(nobodys)
        current.former_hash, current.guessed_at, current.password_asked_at = "", None, timezone.now()
        current.save(update_fields=["password_hash", "former_hash", "guessed_at", "password_asked_at"])
        limits = limits_of(current.server)
        if limits is not None and not limits.takes_hashes:
            sealed_passwords.seal(current, nobodys)
        end_all_app_passwords(current, by)
        end_links(current)
        end_sessions(current)
        if current.owner is not None:
            forget_devices(current.owner)
        event = record("mailbox.sign_in_closed", by=by, about=current, domain=current.domain.name)
        outbox.request_push(current, "account", event)
