"""The portal's own nightly jobs for the chain."""

import structlog
from celery import shared_task

from audit import nightly, seals
from mails import queue

log = structlog.get_logger(__name__)


@shared_task(soft_time_limit=100, time_limit=120)
def seal_the_chain() -> None:
    """Make the day's checkpoint; without a key the log says each day that there is none."""
    try:
        seals.make_checkpoint()
    except (seals.NoAuditKey, OSError) as error:
        log.warning("no checkpoint of the audit chain", error=type(error).__name__, why=_why(error))


@shared_task(soft_time_limit=280, time_limit=300)
def verify_the_chain() -> None:
    """Look whether it is whole; the outcome is kept, shown to staff, and mailed if it is bad."""
    try:
        nightly.verify_tonight()
    except (ValueError, OSError) as error:
        log.warning("the audit chain was not verified", error=type(error).__name__, why=_why(error))


@shared_task(soft_time_limit=280, time_limit=300)
def archive_old_events() -> None:
    """Take out what is older than the settings say, some of it at a time; nothing without the settings."""
    try:
        nightly.archive_old_events()
    except (seals.NoAuditKey, OSError) as error:
        log.warning("no events archived", error=type(error).__name__, why=_why(error))


@shared_task(soft_time_limit=100, time_limit=120)
def mail_checkpoints() -> None:
    """Send checkpoints and bad news to whoever keeps them; what could not be sent is tried again."""
    nightly.mail_what_is_due()
    queue.send_due()


def _why(error: Exception) -> str:
    """Nothing that anybody wrote: our own sentence, or the system's."""
    return (error.strerror or "") if isinstance(error, OSError) else str(error)
