"""The life of a mailbox once it is made: changed, switched off and on, deleted, brought back, purged."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import aliases, notices
from accounts.many import end_sessions
from accounts.models import Domain, Mailbox, Person
from accounts.room import lock_room, require_place, require_room
from audit.chain import record
from audit.models import Event
from mailservers import outbox
from mailservers.models import Change

# What a hoster's server calls the mailboxes of example.test: example0001.
LONGEST_PREFIX = 7


class Stale(Exception):
    """Somebody changed the mailbox meanwhile; what they set stands."""


def propose_login(domain: Domain) -> str:
    """The next free login in the server's style; deleted mailboxes keep theirs."""
    return next(propose_logins(domain))


def propose_logins(domain: Domain) -> Iterator[str]:
    """The free logins in the server's style, one after the other."""
    prefix = re.sub(r"[^a-z0-9]", "", domain.name.partition(".")[0])[:LONGEST_PREFIX] or "mailbox"
    taken = Mailbox.objects.filter(
        server=domain.server_id, login__regex=rf"^{prefix}[0-9]{{4,}}$"
    ).values_list("login", flat=True)
    highest = max((int(login.removeprefix(prefix)) for login in taken), default=0)
    for number in count(highest + 1):
        yield f"{prefix}{number:04}"


@transaction.atomic
def edit_mailbox(mailbox: Mailbox, changed: dict[str, str], *, seen: dict[str, str], by: Person) -> None:
    """Keep what changed of name and recovery address; raises Stale when it is not as the person saw it."""
    current = _locked(mailbox)
    before = {name: getattr(current, name) for name in changed}
    if before == changed:
        return
    if before != {name: seen[name] for name in changed}:
        raise Stale
    for name, value in changed.items():
        setattr(current, name, value)
    current.save(update_fields=list(changed))
    if "recovery_address" in changed:
        notices.tell_moved([(current, before["recovery_address"])], by=by)
    event = _record("mailbox.edited", current, by, before=before, after=changed)
    outbox.request_push(current, "account", event)


@transaction.atomic
def switch_off(mailbox: Mailbox, *, by: Person) -> None:
    """Nobody signs in any longer, to read, to send or here; quiet when it is off already."""
    _switch(mailbox, "mailbox.switched_off", by, enabled=False)


@transaction.atomic
def switch_on(mailbox: Mailbox, *, by: Person) -> None:
    """Sign-in works again, with the password that was. Quiet when it is on already."""
    _switch(mailbox, "mailbox.switched_on", by, enabled=True)


@transaction.atomic
def delete_mailbox(mailbox: Mailbox, *, by: Person, with_aliases: bool = False) -> None:
    """Off at once; its address and mail are kept for a while, in which it can be brought back.

    No alias leads to it any longer. Raises StillNeeded when some lead nowhere else, unless these are to be
    deleted with it.
    """
    current = _locked(mailbox)
    needing = aliases.leading_only_to(current.address)
    if needing and (not with_aliases or any(map(aliases.is_protected, needing))):
        raise aliases.StillNeeded(needing)
    aliases.take_off(current.address, by=by)
    current.deleted_at = timezone.now()
    current.purge_after = current.deleted_at + timedelta(days=settings.KEEP_DELETED_DAYS)
    current.save(update_fields=["deleted_at", "purge_after"])
    end_sessions(current)
    event = _record("mailbox.deleted", current, by, after={"kept_until": current.purge_after.isoformat()})
    outbox.request_push(current, "account", event)


@transaction.atomic
def restore_mailbox(mailbox: Mailbox, *, by: Person) -> None:
    """As it was before; raises NoRoomLeft or NoPlaceLeft, or Stale when it is too late."""
    domain = lock_room(mailbox.domain_id)
    current = Mailbox.objects.select_for_update(of=("self",), no_key=True).get(pk=mailbox.pk)
    if current.deleted_at is None or current.is_gone:
        raise Stale
    require_place(domain)
    require_room(domain, current.quota_bytes, instead_of=[0])
    current.deleted_at = current.purge_after = None
    current.save(update_fields=["deleted_at", "purge_after"])
    outbox.request_push(current, "account", _record("mailbox.restored", current, by))


def purge_mailboxes() -> int:
    """Have those whose time is over removed from their servers, then forget them; how many are forgotten."""
    forgotten = 0
    for mailbox in Mailbox.objects.gone().select_related("domain", "server")[:500]:
        change = Change.objects.newest_of(mailbox.pk, "account")
        if change is None or change.event is None or change.event.verb != "mailbox.purged":
            with transaction.atomic():
                outbox.request_push(mailbox, "account", _record("mailbox.purged", mailbox, None))
        elif change.state == Change.State.LIVE:
            mailbox.delete()
            forgotten += 1
    return forgotten


def _switch(mailbox: Mailbox, verb: str, by: Person, *, enabled: bool) -> None:
    current = _locked(mailbox)
    if current.enabled == enabled:
        return
    current.enabled = enabled
    current.save(update_fields=["enabled"])
    if not enabled:
        end_sessions(current)
    outbox.request_push(current, "account", _record(verb, current, by))


def _locked(mailbox: Mailbox) -> Mailbox:
    """Raises Stale when it is deleted meanwhile."""
    # Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those.
    rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
    found = rows.select_related("domain", "server", "owner").filter(pk=mailbox.pk).first()
    if found is None:
        raise Stale
    return found


def _record(
    verb: str,
    mailbox: Mailbox,
    by: Person | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Event:
    return record(verb, by=by, about=mailbox, domain=mailbox.domain.name, before=before, after=after)
