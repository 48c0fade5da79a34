"""What the portal does with the chain by itself: sign where it ends, look whether it is whole, archive, tell.

Each step says in the log and on the page about the chain what keeps it from its work.
"""

from datetime import timedelta
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit import seals
from audit.exporting import archive
from audit.models import ChainHead, Event, Seal, Verification
from audit.verifying import problems
from mails import queue

log = structlog.get_logger(__name__)

# A look at so many takes about a minute and a half; beyond it `verify_audit` has a timer of its own.
MOST_AT_NIGHT = 500_000
# What a page and a mail can tell.
MOST_PROBLEMS = 50
SUNDAY = 7


def archive_old_events() -> int:
    """Seal what is older than the settings say into a file, some of it at a time; how many events."""
    if not settings.AUDIT_KEEP_DAYS or not settings.AUDIT_ARCHIVE_DIRECTORY:
        return 0
    before = timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS)
    made = archive(before, Path(settings.AUDIT_ARCHIVE_DIRECTORY))
    if made is None:
        return 0
    log.info("audit events archived", file=made[0].name, events=made[1])
    return made[1]


def verify_tonight() -> Verification:
    """All on Sundays, as long as that does not take too long; else what came since the last look."""
    is_sunday = timezone.localdate().isoweekday() == SUNDAY
    whole = Verification.objects.filter(problems=[]).first()
    seal = Seal.objects.filter(kind="checkpoint", made_at__lt=whole.at).first() if whole else None
    everything = seal is None or (is_sunday and Event.objects.count() <= MOST_AT_NIGHT)
    return verify(after=None if everything or seal is None else seals.from_row(seal))


def verify(*, after: seals.Sealed | None = None, key: Ed25519PublicKey | None = None) -> Verification:
    """Look, and keep what was found; whoever gets the checkpoints is told if it is anything bad."""
    archived = _archived()
    found = list(problems(after=after, key=key or known_key(), outside=seals.kept_outside()))
    if found and archived != _archived():
        # Events went into an archive meanwhile, and were missed.
        found = list(problems(after=after, key=key or known_key(), outside=seals.kept_outside()))
    return keep(found, is_of_all=after is None, events=_count_after(after))


def keep(found: list[str], *, is_of_all: bool, events: int) -> Verification:
    if found:
        log.error("the audit chain is broken", problems=len(found))
    now = timezone.now()
    told = found[:MOST_PROBLEMS]
    if len(found) > MOST_PROBLEMS:
        told.append(f"And {len(found) - MOST_PROBLEMS} more: manage.py verify_audit tells all.")
    return Verification.objects.create(
        at=now,
        is_of_all=is_of_all,
        events=events,
        problems=told,
        mail_due_at=now if found and settings.AUDIT_MAIL else None,
    )


def known_key() -> Ed25519PublicKey | None:
    """The one that this process signs with, if it has one."""
    try:
        return seals.private_key().public_key()
    except seals.NoAuditKey:
        return None


def _archived() -> list[int]:
    return list(ChainHead.objects.order_by("lane").values_list("archived_place", flat=True))


def _count_after(seal: seals.Sealed | None) -> int:
    """By the lanes' ends: counting rows would take as long as looking at them."""
    ends = seal.statement["ends"] if seal else {}
    return sum(
        head.number - max(head.archived_place, ends.get(str(head.lane), {}).get("place", 0))
        for head in ChainHead.objects.all()
    )


@transaction.atomic
def mail_what_is_due() -> int:
    """Write to whoever keeps checkpoints, of them and of what is wrong; how many mails were written."""
    sent = 0
    for row in [*_due(Seal), *_due(Verification)]:
        # Each is one worker's: whoever moves its time on.
        mine = type(row).objects.filter(pk=row.pk, mail_due_at=row.mail_due_at)
        if not settings.AUDIT_MAIL or not mine.update(mail_due_at=None):
            continue
        with override(settings.LANGUAGE_CODE):
            sent += _post_seal(row) if isinstance(row, Seal) else _post_trouble(row)
    return sent


def _due(model: type[Seal] | type[Verification]) -> list[Seal | Verification]:
    return list(model.objects.filter(mail_due_at__lte=timezone.now()).order_by("pk")[:20])


def _post_seal(row: Seal) -> int:
    sealed = seals.from_row(row)
    words = {
        "portal": settings.PUBLIC_URL,
        "name": sealed.name,
        "number": sealed.statement["events"],
        "key": sealed.key,
    }
    subject = _("Audit of %(portal)s: %(name)s") % words
    text = (
        _(
            "This is a signed statement of where the audit of %(portal)s ends: %(name)s, up to event"
            " %(number)s.\n\n"
            "Please keep the attached file. Nobody can change anything that came before without it showing:\n"
            "manage.py verify_audit --checkpoint FILE --key audit.pem.pub\n"
            "or, with an export of the audit and without the portal:\n"
            "python verify_export.py --key audit.pem.pub EXPORT.jsonl FILE\n\n"
            "It was signed with the key whose SHA-256 is\n%(key)s"
        )
        % words
    )
    attachment = (seals.file_name(sealed), seals.as_text(sealed) + "\n")
    return len(queue.post(settings.AUDIT_MAIL, subject, text, attachment=attachment))


def _post_trouble(row: Verification) -> int:
    subject = _("The audit of %(portal)s is not whole") % {"portal": settings.PUBLIC_URL}
    text = _(
        "Somebody changed, removed or put back events that nobody may touch, or the database was restored"
        " from a backup. This was found:"
    )
    return len(queue.post(settings.AUDIT_MAIL, subject, "\n".join([text, "", *row.problems])))
