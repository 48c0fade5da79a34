"""Asks, on somebody's wish, what one mailbox holds now."""

import structlog
from django.utils import timezone

from accounts.models import Mailbox
from mailservers.models import Change, UsageRequest
from quotas.tasks import PATIENCE, refresh_usage

log = structlog.get_logger(__name__)


def ask(mailbox: Mailbox) -> None:
    """Note the wish and tell the server's workers. Without a broker it stays without an answer."""
    UsageRequest.objects.update_or_create(
        mailbox=mailbox,
        defaults={"asked_at": timezone.now(), "answered_at": None, "reason": "", "reason_values": {}},
    )
    try:
        refresh_usage.apply_async(
            (mailbox.pk,), queue=mailbox.server.queue, priority=Change.Priority.PERSON, expires=PATIENCE
        )
    except refresh_usage.OperationalError as error:
        log.warning("broker away", mailbox=mailbox.pk, error=type(error).__name__)
