"""Brings both of what a script is made of to what an event kept, or to what a server holds."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import Mailbox, Person
from audit.chain import Actor, Entry, record
from audit.models import Event
from mailservers.aspects import TakenBack
from vacation import forwarding, services
from vacation.models import ForwardingTarget
from vacation.permission import May, may, must_ask_for


@transaction.atomic
def restore_script(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: TakenBack) -> Event:
    """Bring back what an event kept: of the auto-reply, of the forwarding, or of both."""
    return _take(mailbox, told, by, how)


@transaction.atomic
def keep_script(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> Event:
    """Take over what the server holds; addresses outside that never confirmed are asked first."""
    return _take(mailbox, told, by, "kept_from_server")


def _take(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: str) -> Event:
    _refuse_unpermitted(mailbox, told, by)
    # The mailbox's row is the lock of both.
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    entries: list[tuple[str, Entry]] = []
    if "enabled" in told:
        entries.append(("auto_reply", services.bring_back(mailbox, told)))
    if "targets" in told:
        entries.append(("forwarding", forwarding.bring_back(mailbox, told)))
    what = entries[0][0] if len(entries) == 1 else "mail_rules"
    return record(
        f"{what}.{how}",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before=_merged([entry.before for _, entry in entries]),
        after=_merged([entry.after for _, entry in entries]),
    )


def _refuse_unpermitted(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> None:
    """Undo and keeping theirs are changes too: whoever has to ask may not make them at once."""
    if not isinstance(by, Person):
        return
    if told.get("enabled") and may(by, mailbox, "auto_reply") != May.CHANGE:
        raise PermissionDenied
    if told.get("forward"):
        known = set(
            ForwardingTarget.objects.filter(forwarding__mailbox=mailbox).values_list("address", flat=True)
        )
        outside = [address for address in told["targets"] if not forwarding.is_inside(mailbox, address)]
        asks = must_ask_for(by, mailbox, set(outside) - known)
        if asks or may(by, mailbox, "forwarding") != May.CHANGE:
            raise PermissionDenied


def _merged(parts: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    return {name: value for part in parts if part for name, value in part.items()}
