"""What somebody changed on a mail server: asking for a look, and what can be done about it.

How it is found: comparing.py.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.utils import timezone

from audit.chain import Actor, record
from mailservers import comparing, outbox
from mailservers.aspects import aspect_named
from mailservers.models import Change, DriftCheck, Observation, Server, any_part
from mailservers.outbox import MovedOn
from mailservers.tasks import announce_check, check_drift

if TYPE_CHECKING:
    from accounts.models import Domain, Mailbox
    from mailservers.aspects import Subject

log = structlog.get_logger(__name__)


@transaction.atomic
def request_check(
    server: Server, *, domain: "Domain | None" = None, mailbox: "Mailbox | None" = None, aspect: str = ""
) -> list[DriftCheck]:
    """Have what is on a server compared, one check for each aspect, or for this one alone.

    One that is under way already counts.
    """
    checks = comparing.note_checks(server, domain=domain, mailbox=mailbox, aspect=aspect)
    for check in checks:
        transaction.on_commit(partial(_announce, check))
    return checks


def drifted_parts(mailbox: "Mailbox") -> list[Observation]:
    """What is different on the server and not on its way to be made right."""
    parts = list(Observation.objects.drifted().filter(mailbox=mailbox).order_by("aspect"))
    for part in parts:
        part.mailbox = mailbox
    return parts


def left_parts(mailbox: "Mailbox") -> list[Observation]:
    """What is different there and was left as it is."""
    return list(Observation.objects.filter(mailbox=mailbox, left_at__isnull=False).order_by("aspect"))


def unread_parts(mailbox: "Mailbox") -> list[Observation]:
    """What could not be read when somebody last looked."""
    return list(Observation.objects.unread().filter(mailbox=mailbox).order_by("aspect"))


def may_keep(part: Observation, person: Any) -> bool:
    """Whether somebody who may settle it may also have it kept."""
    watch = aspect_named(part.aspect).watch
    if part.held is None or watch is None:
        return False
    return watch.may_keep is None or watch.may_keep(part.mailbox, part.held, person)


def needs_proof(subject: "Subject", aspect: str, person: Any) -> bool:
    """Whether somebody who may have it kept should prove once more who they are."""
    part = Observation.objects.drifted().filter(any_part([(subject.pk, aspect)])).first()
    watch = aspect_named(aspect).watch if part is not None else None
    if part is None or part.held is None or watch is None or watch.needs_proof is None:
        return False
    if watch.may_keep is not None and not watch.may_keep(subject, part.held, person):
        return False
    return watch.needs_proof(subject, part.held)


@transaction.atomic
def keep_theirs(subject: "Subject", aspect: str, *, seen: str, by: Actor) -> Change:
    """The database takes over what the server holds; raises MovedOn when that is not what `seen` marks.

    The server is told even so: it hears what it holds already, and what it holds is read back.
    """
    observation = _drifted(subject, aspect, seen)
    watch = aspect_named(aspect).watch
    if watch is None or observation.held is None:
        raise MovedOn
    event = watch.keep(subject, observation.held, by)
    return outbox.request_push(subject, aspect, event)


@transaction.atomic
def restore_ours(subject: "Subject", aspect: str, *, seen: str, by: Actor) -> Change:
    """The server is told again what the database says; raises MovedOn."""
    observation, watch = _drifted(subject, aspect, seen), aspect_named(aspect).watch
    if observation.put_right is not None and watch is not None and watch.restore is not None:
        event = watch.restore(subject, observation.put_right, by)
        return outbox.request_push(subject, aspect, event)
    verb = f"{subject._meta.model_name}.restored_on_server"
    event = record(verb, by=by, about=subject, domain=subject.domain.name)
    return outbox.request_push(subject, aspect, event)


@transaction.atomic
def leave_theirs(subject: "Subject", aspect: str, *, seen: str, by: Actor) -> None:
    """Both hold, what is set here and what is there, and nobody is told of it again; raises MovedOn."""
    observation = _drifted(subject, aspect, seen)
    if not observation.leave:
        raise MovedOn
    observation.left, observation.left_at = observation.leave, timezone.now()
    observation.drifted_since = None
    observation.save(update_fields=["left", "left_at", "drifted_since"])
    _note("left_on_server", observation, by)


@transaction.atomic
def see_to_it_again(subject: "Subject", aspect: str, *, by: Actor) -> None:
    """What was left is to be decided after all; quiet when nothing is."""
    rows = Observation.objects.select_for_update().filter(any_part([(subject.pk, aspect)]))
    observation = rows.filter(left_at__isnull=False).first()
    if observation is None:
        return
    observation.drifted_since, observation.left, observation.left_at = observation.left_at, "", None
    # Else the next look would find all as it was.
    observation.fingerprint = ""
    observation.save(update_fields=["left", "left_at", "drifted_since", "fingerprint"])
    _note("not_left_on_server", observation, by)


def _note(what: str, observation: Observation, by: Actor) -> None:
    subject = observation.subject
    there = " ".join(sentence % values for sentence, values in observation.differences)
    verb = f"{subject._meta.model_name}.{what}"
    record(verb, by=by, about=subject, domain=subject.domain.name, after={"on_the_server": there})


def _drifted(subject: "Subject", aspect: str, seen: str) -> Observation:
    rows = Observation.objects.select_for_update().filter(any_part([(subject.pk, aspect)]))
    observation = rows.filter(drifted_since__isnull=False).first()
    # Looked for apart: a subquery's rows would be locked as well.
    on_its_way = Change.objects.of(subject.pk, aspect).open().exists()
    if observation is None or on_its_way or observation.mark != seen:
        raise MovedOn
    return observation


def _announce(check: DriftCheck) -> None:
    """Without a broker nothing is lost: the sweep finds the check."""
    try:
        announce_check(check)
    except check_drift.OperationalError as error:
        log.warning("broker away", server=check.server.name, error=type(error).__name__)
