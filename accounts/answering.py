"""Scripts are made of more than the replies in them: who changes the rest has them pushed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from accounts.models import Mailbox
from audit.chain import Actor, Entry, record_all
from mailservers import outbox
from mailservers.models import Change
from mailservers.servers import limits_of


def tell_scripts(
    mailboxes: Iterable[Mailbox],
    verb: str,
    after: dict[str, Any],
    *,
    by: Actor | None,
    priority: int = Change.Priority.PERSON,
) -> None:
    """Push the scripts of those whose auto-reply is on, where the server runs scripts."""
    answering = _among(mailboxes, Q(auto_reply__enabled=True))
    told = [each for each in answering if (limits := limits_of(each.server)) is not None and limits.sieve]
    _push(told, verb, after, by, priority)


def tell_rules(mailboxes: Iterable[Mailbox], verb: str, *, by: Actor | None, priority: int) -> None:
    """Push what those do that answer or send mail on, of whatever kind their server is."""
    _push(
        _among(mailboxes, Q(auto_reply__enabled=True) | Q(forwarding__enabled=True)), verb, {}, by, priority
    )


def _among(mailboxes: Iterable[Mailbox], which: Q) -> list[Mailbox]:
    found = Mailbox.objects.alive().filter(which, pk__in=[mailbox.pk for mailbox in mailboxes])
    return list(found.select_related("domain", "server").order_by("pk"))


def _push(told: Sequence[Mailbox], verb: str, after: dict[str, Any], by: Actor | None, priority: int) -> None:
    events = record_all(
        [Entry(verb=verb, about=each, domain=each.domain.name, after=after) for each in told], by=by
    )
    outbox.request_pushes(list(zip(told, events, strict=True)), "script", priority=priority)
