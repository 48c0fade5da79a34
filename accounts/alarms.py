"""Mail that is sent on to somewhere by rules the portal did not make: a thief's way to read along.

A check tells of it; the page and a mail to the domain's webmasters tell people, until one has seen to it.
"""

from collections.abc import Sequence

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import tasks
from accounts.led_here import GONE
from accounts.models import Alias, Domain, Mailbox, Person, RedirectAlarm
from audit.chain import Entry, record, record_all
from mailservers.drivers.addresses import is_address
from mailservers.drivers.alias_names import is_unfit
from mailservers.drivers.sieve_reading import SOMEWHERE

# Of thousands it is enough to know that there are many.
MOST_TOLD = 100

log = structlog.get_logger(__name__)


@transaction.atomic
def raise_alarms(found: Sequence[tuple[Mailbox | Alias, Sequence[str]]], known_before: bool) -> None:
    """For targets in no domain of the same customer. What was there at a first look is shown, not mailed."""
    names = {address.rpartition("@")[2] for _, targets in found for address in targets if _is_plain(address)}
    inside: dict[int, set[str]] = {}
    for subject, _targets in found:
        if subject.domain_id not in inside:
            same = Domain.objects.in_the_hands_of(subject.domain).filter(name__in=names)
            inside[subject.domain_id] = set(same.values_list("name", flat=True))
    outside = [
        (
            subject,
            [target for target in targets if not _is_inside(target, inside[subject.domain_id])][:MOST_TOLD],
        )
        for subject, targets in found
    ]
    alarms = [
        RedirectAlarm(
            targets=targets,
            mail_due_at=timezone.now() if known_before else None,
            **{"alias" if isinstance(subject, Alias) else "mailbox": subject},
        )
        for subject, targets in outside
        if targets
    ]
    if not alarms:
        return
    RedirectAlarm.objects.bulk_create(alarms)
    record_all(
        [
            Entry(
                verb=f"{alarm.subject._meta.model_name}.redirect_found",
                about=alarm.subject,
                domain=alarm.subject.domain.name,
                after={"sent_on_to": _in_short(alarm.targets)},
            )
            for alarm in alarms
        ],
        by=None,
    )
    if known_before:
        transaction.on_commit(_announce)


def _is_inside(target: str, ours: set[str]) -> bool:
    """What is no plain address may lead anywhere."""
    return _is_plain(target) and target.rpartition("@")[2] in ours


def _is_plain(target: str) -> bool:
    """An address and nothing else, also one whose name is no ASCII."""
    return is_address(target) or (target.count("@") == 1 and not is_unfit(target))


def _in_short(targets: Sequence[str]) -> str:
    """For an event; what is somewhere is a question mark in every language."""
    return ", ".join(SOMEWHERE if target.startswith(SOMEWHERE) else target for target in targets)


@transaction.atomic
def acknowledge(subject: Mailbox | Alias, *, up_to: int, by: Person) -> int:
    """Somebody has seen its alarm with this number, and those before it of the same kind; how many.

    Each kind stands by itself on a page, with a button of its own.
    """
    key = {"alias" if isinstance(subject, Alias) else "mailbox": subject}
    shown = RedirectAlarm.objects.filter(kind__in=("redirect", GONE), **key)
    kinds = shown.filter(pk=up_to).values("kind")
    mine = RedirectAlarm.objects.open().filter(kind__in=kinds, pk__lte=up_to, **key)
    targets = sorted({target for alarm in mine for target in alarm.targets})
    seen = mine.update(acknowledged_at=timezone.now(), acknowledged_by=by, mail_due_at=None)
    if seen:
        record(
            f"{subject._meta.model_name}.redirect_acknowledged",
            by=by,
            about=subject,
            domain=subject.domain.name,
            after={"sent_on_to": _in_short(targets)},
        )
    return seen


def _announce() -> None:
    try:
        tasks.mail_alarms.apply_async()
    except tasks.mail_alarms.OperationalError as error:
        log.warning("broker away", error=type(error).__name__)
