"""Saves auto-replies: the row, the audit event and the push, all or nothing."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.models import Mailbox, Person
from audit.chain import Actor, Entry, record_all
from audit.models import Event
from mailservers import outbox
from mailservers.models import Change
from mailservers.ranges import require_ranges
from vacation.models import AutoReply
from vacation.telling import replace_request, tell_user

# Mailboxes saved in one transaction of a bulk job: others wait for its locks no longer than it takes.
MANY = 200


class ChangedMeanwhile(Exception):
    """Somebody else saved the auto-reply after it was shown to this person."""


@transaction.atomic
def save_auto_reply(auto_reply: AutoReply, *, seen_version: int, by: Person, again: bool = False) -> Change:
    """Keep the auto-reply, who set it, and the push it asks for; raises ChangedMeanwhile.

    `again`: whoever had an answer gets the new one too, as if it had been off in between.

    A request for another one that waits is replaced by it. Whoever it is set for is told.
    """
    mailbox = auto_reply.mailbox
    before = _locked(mailbox)
    if before.version != seen_version:
        raise ChangedMeanwhile
    event = _replace(before, auto_reply, again=again, by=by)
    replace_request(mailbox, "auto_reply")
    tell_user(mailbox, "auto_reply", by)
    return outbox.request_push(mailbox, "script", event)


def save_auto_replies(wanted: Sequence[tuple[Mailbox, AutoReply]], *, by: Person) -> list[Change]:
    """Keep many auto-replies at once, whatever stood there before, and push them behind single changes."""
    changes: list[Change] = []
    for start in range(0, len(wanted), MANY):
        changes += _save_some(wanted[start : start + MANY], by=by)
    return changes


@transaction.atomic
def _save_some(wanted: Sequence[tuple[Mailbox, AutoReply]], *, by: Person) -> list[Change]:
    mailbox_ids = [mailbox.pk for mailbox, _ in wanted]
    list(Mailbox.objects.select_for_update().filter(pk__in=mailbox_ids).order_by("pk").values_list("pk"))
    known = {reply.mailbox_id: reply for reply in AutoReply.objects.filter(mailbox__in=mailbox_ids)}
    entries = []
    for mailbox, auto_reply in wanted:
        before = known.get(mailbox.pk) or AutoReply(mailbox=mailbox)
        entries.append(_entry(before, auto_reply))
    fields = [field.name for field in AutoReply._meta.concrete_fields if field.name not in ("id", "mailbox")]
    AutoReply.objects.bulk_create(
        [auto_reply for _, auto_reply in wanted],
        update_conflicts=True,
        unique_fields=["mailbox"],
        update_fields=fields,
    )
    events = record_all(entries, by=by)
    return outbox.request_pushes(
        [(mailbox, event) for (mailbox, _), event in zip(wanted, events, strict=True)], "script"
    )


def apply(mailbox: Mailbox, told: dict[str, Any]) -> Entry:
    """Save what AutoReply.as_told tells as if somebody had just typed it. The caller's lock."""
    before, auto_reply = AutoReply.of(mailbox), AutoReply.from_told(mailbox, told)
    entry = _entry(before, auto_reply, again=bool(told.get("again")))
    auto_reply.pk = before.pk
    auto_reply.save()
    return entry


def bring_back(mailbox: Mailbox, told: dict[str, Any]) -> Entry:
    """Save the auto-reply that AutoReply.as_told tells; what the audit is to keep of it. The caller's lock.

    It is the same absence as before, not a new one in which everybody would be answered once more.
    """
    before, auto_reply = AutoReply.of(mailbox), AutoReply.from_told(mailbox, told)
    entry = _entry(before, auto_reply)
    auto_reply.absence, auto_reply.pk = before.absence, before.pk
    auto_reply.save()
    return entry


def _locked(mailbox: Mailbox) -> AutoReply:
    # The mailbox's row is the lock: the first auto-reply of a mailbox has no row of its own yet.
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    return AutoReply.of(mailbox)


def _replace(before: AutoReply, auto_reply: AutoReply, *, again: bool, by: Actor) -> Event:
    return _keep(before, auto_reply, _entry(before, auto_reply, again=again), by=by)


def _keep(before: AutoReply, auto_reply: AutoReply, entry: Entry, *, by: Actor) -> Event:
    auto_reply.pk = before.pk
    auto_reply.save()
    return record_all([entry], by=by)[0]


def _entry(before: AutoReply, auto_reply: AutoReply, *, again: bool = False) -> Entry:
    """What the audit keeps of the step from one to the other; counts version and absence on."""
    require_ranges(auto_reply)
    verb = "auto_reply.changed"
    if auto_reply.enabled != before.enabled:
        verb = "auto_reply.switched_on" if auto_reply.enabled else "auto_reply.switched_off"
    auto_reply.version = before.version + 1
    again = again and auto_reply.enabled and before.enabled
    auto_reply.absence = before.absence + (1 if again or verb == "auto_reply.switched_on" else 0)
    return Entry(
        verb=verb,
        about=auto_reply.mailbox,
        domain=auto_reply.mailbox.domain.name,
        before=before.as_told(),
        after=auto_reply.as_told() | ({"again": True} if again else {}),
    )
