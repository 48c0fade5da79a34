"""The life of a mailbox once it is made: changed, switched off and on, deleted, brought back."""

from django.db import transaction

from accounts import aliases
from accounts.alias_leads import leading_only_to
from accounts.many import change_mailboxes, delete_mailboxes, restore_mailboxes
from accounts.models import Mailbox, Person
from accounts.room import lock_room, require_place, require_room
from accounts.switches import SWITCHES, fit_switches
from mailservers.models import Change
from mailservers.servers import limits_of

PERSON = Change.Priority.PERSON


class Stale(Exception):
    """Somebody changed the mailbox meanwhile; what they set stands."""


@transaction.atomic
def edit_mailbox(mailbox: Mailbox, changed: dict[str, str], *, seen: dict[str, str], by: Person) -> None:
    """Keep what changed of name and recovery address; raises Stale when it is not as the person saw it."""
    current = _locked(mailbox)
    before = {name: getattr(current, name) for name in changed}
    if before == changed:
        return
    if before != {name: seen[name] for name in changed}:
        raise Stale
    change_mailboxes([(current, changed)], by=by, priority=PERSON)


@transaction.atomic
def switch_mailbox(
    mailbox: Mailbox, wanted: dict[str, bool], *, seen: dict[str, bool] | None = None, by: Person
) -> dict[str, bool]:
    """Signing in, sending, receiving: those named become so, as far as the server knows them apart.

    Returns what is different now; nothing when all was so already. Raises Stale when something is not as the
    person saw it.
    """
    current = _locked(mailbox)
    before = {name: bool(getattr(current, name)) for name in SWITCHES}
    after = fit_switches(before | wanted, limits_of(current.server))
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed and any(before[name] != told for name, told in (seen or {}).items()):
        raise Stale
    if changed:
        change_mailboxes([(current, changed)], by=by, priority=PERSON)
    return changed


@transaction.atomic
def delete_mailbox(mailbox: Mailbox, *, by: Person, with_aliases: bool = False) -> None:
    """Off at once; its address and mail are kept for a while, in which it can be brought back.

    No alias leads to it any longer. Raises StillNeeded when some lead nowhere else, unless these are to be
    deleted with it.
    """
    current = _locked(mailbox)
    needing = leading_only_to(current.address, by)
    if needing and (not with_aliases or any(map(aliases.is_protected, needing))):
        raise aliases.StillNeeded(needing)
    delete_mailboxes([current], by=by, priority=PERSON)


@transaction.atomic
def restore_mailbox(mailbox: Mailbox, *, by: Person) -> list[aliases.NotBack]:
    """As it was before, but for these; raises NoRoomLeft or NoPlaceLeft, or Stale when it is too late."""
    domain = lock_room(mailbox.domain_id)
    rows = Mailbox.objects.select_for_update(of=("self",), no_key=True)
    current = rows.select_related("domain", "server").get(pk=mailbox.pk)
    if current.deleted_at is None or current.is_gone:
        raise Stale
    require_place(domain)
    require_room(domain, current.quota_bytes, instead_of=[0])
    restore_mailboxes([current], by=by, priority=PERSON)
    return aliases.bring_back(current, by=by)


def _locked(mailbox: Mailbox) -> Mailbox:
    """Raises Stale when it is deleted meanwhile."""
    # Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those.
    rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
    found = rows.select_related("domain", "server", "owner").filter(pk=mailbox.pk).first()
    if found is None:
        raise Stale
    return found
