"""Brings both of what a script is made of to what an event kept, or to what a server holds."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.models import Mailbox
from audit.chain import Actor, Entry, record
from audit.models import Event
from mailservers.aspects import TakenBack
from vacation import forwarding, services


@transaction.atomic
def restore_script(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: TakenBack) -> Event:
    """Bring back what an event kept: of the auto-reply, of the forwarding, or of both."""
    return _take(mailbox, told, by, how)


@transaction.atomic
def keep_script(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> Event:
    """Take over what the server holds; addresses outside that never confirmed are asked first."""
    return _take(mailbox, told, by, "kept_from_server")


def _take(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: str) -> Event:
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


def _merged(parts: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    return {name: value for part in parts if part for name, value in part.items()}
