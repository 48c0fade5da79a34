"""Tries the passwords that guessers try first against the hashes that the portal holds (audit_passwords).

What was tried, and what was right, is never kept, told or logged: only that a password was guessed.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from django.db import connections, transaction
from django.utils import timezone

from accounts import guessing, passwords
from accounts.models import Domain, Mailbox, MailboxQuerySet, PasswordAudit
from audit.chain import record

# So many mailboxes at a time for each process: what was done is kept after each of these rounds.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """What a round came to."""

    reached: int
    """The id of the last mailbox."""
    mailboxes: int
    tries: int
    found: int


def to_look_at(domain: Domain | None) -> MailboxQuerySet:
    """Those whose hash can be looked at here and was not guessed before."""
    mailboxes = Mailbox.objects.alive().exclude(password_hash="").without_guessed_password()
    return mailboxes if domain is None else mailboxes.filter(domain=domain)


def begin(domain: Domain | None, *, commonest: int, anew: bool) -> PasswordAudit:
    """One that was interrupted goes on where it was, unless it is to begin anew."""
    open_ones = PasswordAudit.objects.filter(domain=domain, commonest=commonest, finished_at=None)
    if anew:
        open_ones.delete()
    return open_ones.order_by("-pk").first() or PasswordAudit.objects.create(
        domain=domain, commonest=commonest
    )


def rounds(
    domain: Domain | None, *, after: int, commonest: int, processes: int, note: bool
) -> Iterator[Tally]:
    """Mailbox after mailbox, by their ids, on so many cores; flags what is guessed where `note` says so."""
    ids = list(to_look_at(domain).filter(pk__gt=after).order_by("pk").values_list("pk", flat=True))
    if processes == 1:
        for mailbox_id in ids:
            tries, found = _look_at(mailbox_id, commonest, note)
            yield Tally(mailbox_id, 1, tries, int(found))
        return
    # Each process opens a connection of its own: one that came over a fork is the parent's.
    connections.close_all()
    size = processes * AT_ONCE
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=_be_nice) as pool:
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            done = list(pool.map(_look_at, some, [commonest] * len(some), [note] * len(some)))
            yield Tally(some[-1], len(some), sum(tries for tries, _ in done), sum(found for _, found in done))


def keep(audit: PasswordAudit, tally: Tally) -> None:
    audit.reached = tally.reached
    audit.mailboxes += tally.mailboxes
    audit.found += tally.found
    audit.save(update_fields=["reached", "mailboxes", "found"])


@transaction.atomic
def finish(audit: PasswordAudit) -> None:
    audit.finished_at = timezone.now()
    audit.save(update_fields=["finished_at"])
    record(
        "passwords.audited",
        by=None,
        about=audit,
        domain=audit.domain.name if audit.domain else "",
        after={"mailboxes": audit.mailboxes, "guessed": audit.found},
    )


def _be_nice() -> None:
    """Pages and pushes go first."""
    os.nice(10)


def _look_at(mailbox_id: int, commonest: int, note: bool) -> tuple[int, bool]:
    """In a process that reads the hash by itself: how many were tried, and whether one was right."""
    mailbox = Mailbox.objects.alive().select_related("domain").filter(pk=mailbox_id).first()
    if mailbox is None or not passwords.can_check(mailbox.password_hash):
        return 0, False
    words = guessing.words_of(login=mailbox.login, address=mailbox.address, name=mailbox.name)
    found, tries = guessing.is_guessed(mailbox.password_hash, guessing.guesses(words, commonest=commonest))
    return tries, found and (not note or _flag(mailbox))


@transaction.atomic
def _flag(mailbox: Mailbox) -> bool:
    """Whether the password is still the one that was guessed."""
    same = Mailbox.objects.filter(pk=mailbox.pk, password_hash=mailbox.password_hash)
    if not same.update(guessed_at=timezone.now()):
        return False
    record("mailbox.password_guessed", by=None, about=mailbox, domain=mailbox.domain.name)
    return True


def processes_for(wanted: int | None) -> int:
    return wanted or os.cpu_count() or 1


def count(domain: Domain | None, after: int) -> int:
    return to_look_at(domain).filter(pk__gt=after).count()
