"""Saves auto-replies: the row, the audit event and the push, all or nothing."""

from typing import Any

from django.db import transaction

from accounts.models import Mailbox, Person
from audit.chain import Actor, record
from audit.models import Event
from mailservers import outbox
from mailservers.models import Change
from vacation.models import AutoReply


class ChangedMeanwhile(Exception):
    """Somebody else saved the auto-reply after it was shown to this person."""


@transaction.atomic
def save_auto_reply(auto_reply: AutoReply, *, seen_version: int, by: Person) -> Change:
    """Keep the auto-reply, who set it, and the push it asks for; raises ChangedMeanwhile."""
    before = _locked(auto_reply.mailbox)
    if before.version != seen_version:
        raise ChangedMeanwhile
    return outbox.request_push(auto_reply.mailbox, "script", _replace(before, auto_reply, by=by))


@transaction.atomic
def restore_auto_reply(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> Event:
    """Bring back what an event kept of the auto-reply (AutoReply.as_told)."""
    return _replace(_locked(mailbox), AutoReply.from_told(mailbox, told), by=by)


def _locked(mailbox: Mailbox) -> AutoReply:
    # The mailbox's row is the lock: the first auto-reply of a mailbox has no row of its own yet.
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    return AutoReply.of(mailbox)


def _replace(before: AutoReply, auto_reply: AutoReply, *, by: Actor) -> Event:
    auto_reply.pk, auto_reply.version = before.pk, before.version + 1
    verb = "auto_reply.changed"
    if auto_reply.enabled != before.enabled:
        verb = "auto_reply.switched_on" if auto_reply.enabled else "auto_reply.switched_off"
    begins = verb == "auto_reply.switched_on"
    auto_reply.absence = before.absence + (1 if begins else 0)
    auto_reply.save()
    return record(
        verb,
        by=by,
        about=auto_reply.mailbox,
        domain=auto_reply.mailbox.domain.name,
        before=before.as_told(),
        after=auto_reply.as_told(),
    )
