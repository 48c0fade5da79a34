"""Asking for a proof that something works, and the newest one: done by proving.py."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Mailbox, Person
from audit.chain import record
from vacation import tasks
from vacation.models import Proof

log = structlog.get_logger(__name__)

# One that a worker died over is not waited for longer.
GIVEN_UP_AFTER = timedelta(minutes=2)


def is_possible() -> bool:
    """Whether the operators gave an address whose mail the portal can read."""
    return bool(settings.PROOF_ADDRESS and settings.PROOF_MAILDIR)


@transaction.atomic
def start(mailbox: Mailbox, about: str, *, by: Person) -> Proof:
    """Have a worker do it; one that is under way counts for everybody."""
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    running = Proof.objects.filter(
        mailbox=mailbox, about=about, finished_at=None, asked_at__gt=timezone.now() - GIVEN_UP_AFTER
    ).first()
    if running is not None:
        return running
    Proof.objects.filter(mailbox=mailbox, about=about).delete()
    proof = Proof.objects.create(mailbox=mailbox, about=about, asked_by=by)
    record(f"{about}.proof_asked", by=by, about=mailbox, domain=mailbox.domain.name)
    transaction.on_commit(lambda: _announce(proof))
    return proof


def newest(mailbox: Mailbox, about: str) -> Proof | None:
    return Proof.objects.filter(mailbox=mailbox, about=about).first()


def _announce(proof: Proof) -> None:
    try:
        tasks.prove.apply_async((proof.pk,), queue=proof.mailbox.server.queue, priority=0, expires=120)
    except tasks.prove.OperationalError as error:
        log.warning("broker away", error=type(error).__name__)
