"""Hashes of the passwords that were before, so that nobody goes back and forth between two."""

from django.contrib.auth.hashers import check_password
from django.db.models import QuerySet

from accounts import passwords
from accounts.models import EarlierPassword, Mailbox, Person
from accounts.one_time_links import named

# However much a domain asks for; each costs as long as a sign-in.
MOST = 10


def was_used(target: Person | Mailbox, clear: str, history: int) -> bool:
    """Whether it is one of the last `history` passwords, the present one included."""
    if isinstance(target, Mailbox) and target.password_asked_at is not None:
        # The one that was closed is the newest of those before, whatever is asked of others.
        history = max(history, 1) + 1
    if not history:
        return False
    rows = _rows_of(target).values_list("password_hash", flat=True)[: history - 1]
    return any(_belongs(target, clear, kept) for kept in (_present(target), *rows))


def note_replaced(target: Person | Mailbox, replaced: str) -> None:
    """Keep the hash that was there before; in the caller's transaction."""
    if not replaced or (isinstance(target, Mailbox) and not passwords.can_check(replaced)):
        return
    EarlierPassword.objects.create(**named(target), password_hash=replaced)
    kept = list(_rows_of(target).values_list("pk", flat=True)[:MOST])
    EarlierPassword.objects.filter(**named(target)).exclude(pk__in=kept).delete()


def _rows_of(target: Person | Mailbox) -> QuerySet[EarlierPassword]:
    return EarlierPassword.objects.filter(**named(target)).order_by("-pk")


def _present(target: Person | Mailbox) -> str:
    return target.password if isinstance(target, Person) else target.password_hash


def _belongs(target: Person | Mailbox, clear: str, kept: str) -> bool:
    if isinstance(target, Mailbox):
        return passwords.matches(clear, kept)
    return check_password(passwords.normalise(clear), kept)
