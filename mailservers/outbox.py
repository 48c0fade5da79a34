"""What mail servers must still be told: rows written in the caller's transaction, pushed after its commit."""

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone

from audit.models import Event
from mailservers.models import Change
from mailservers.tasks import push

if TYPE_CHECKING:
    from accounts.models import Mailbox

log = structlog.get_logger(__name__)


class NotFailed(Exception):
    """Only a change that failed, and that nothing newer has replaced, can be tried again."""


@transaction.atomic
def request_push(mailbox: "Mailbox", aspect: str, event: Event) -> Change:
    """Note that the server must hear of it, and announce it after the commit."""
    change = Change.objects.create(mailbox=mailbox, aspect=aspect, event=event)
    transaction.on_commit(lambda: announce(mailbox.pk, aspect))
    return change


@transaction.atomic
def try_again(change: Change) -> None:
    """Let a failed change wait once more; raises NotFailed."""
    newer = Change.objects.of(change.mailbox_id, change.aspect).filter(pk__gt=change.pk)
    retried = Change.objects.filter(pk=change.pk, state=Change.State.FAILED).update(
        state=Change.State.WAITING, attempts=0, next_attempt_at=timezone.now(), settled_at=None
    )
    if newer.exists() or not retried:
        transaction.set_rollback(True)
        raise NotFailed
    transaction.on_commit(lambda: announce(change.mailbox_id, change.aspect))


def announce(mailbox_id: int, aspect: str) -> None:
    """Tell the workers. Without a broker nothing is lost: the sweep finds what is due within a minute."""
    try:
        push.delay(mailbox_id, aspect)
    except push.OperationalError as error:
        log.warning("broker away", mailbox=mailbox_id, aspect=aspect, error=type(error).__name__)
