"""Links that let whoever holds them do one thing once: choose a first password, or a new one.

256 random bits; only their SHA-256 is kept; good for 72 hours, for one use, and as long as the password is
the one that the link was made for. A page looks a link up with `find_link` and shows what it is for; what
the link allows happens in one transaction with `use_link`, after a press of a button: programs that look at
links beforehand press none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.codes import hash_of, new_code
from accounts.link_codes import link_with
from accounts.mailed_links import count_link, count_links
from accounts.models import Mailbox, OneTimeLink, Person

LIFETIME = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a link is for: a name for the table, and the view that opens it."""

    name: str
    view: str


CHOOSE_PASSWORD = Purpose("choose-password", "accounts:choose-password")
CONFIRM_ADDRESS = Purpose("confirm-address", "accounts:confirm-address")


def make_link(purpose: Purpose, target: Person | Mailbox, *, by: Person | None) -> str:
    """The address of a new link. The caller records the event.

    It takes the place of those that somebody made for the same before, not of those that a visitor asked
    for; one that a visitor asks for (`by` is None) takes the place of none: nobody ends another's by asking.
    """
    code = new_code()
    link = _new_link(purpose, target, by=by)
    link.code_hash = hash_of(code)
    link.save()
    return address_of(purpose, code)


def plan_link(purpose: Purpose, target: Person | Mailbox, *, by: Person | None, mail_to: str) -> None:
    """Have a worker make such a link and mail it there; how long that takes tells a visitor nothing.

    Raises AskedOften.
    """
    count_link(mail_to)
    link = _new_link(purpose, target, by=by)
    link.mail_to, link.mail_due_at = mail_to, timezone.now()
    link.save()


@transaction.atomic
def plan_links(purpose: Purpose, mailboxes: Sequence[Mailbox], *, by: Person | None) -> list[Mailbox]:
    """The same for many mailboxes at once, each link to its recovery address; for which of them it is."""
    now = timezone.now()
    allowed = count_links([mailbox.recovery_address for mailbox in mailboxes])
    mailboxes = [mailbox for mailbox, may_go in zip(mailboxes, allowed, strict=True) if may_go]
    if by is not None:
        made = OneTimeLink.objects.filter(mailbox__in=mailboxes, purpose=purpose.name, used_at=None)
        made.exclude(made_by=None).delete()
    OneTimeLink.objects.bulk_create(
        OneTimeLink(
            mailbox=mailbox,
            purpose=purpose.name,
            password_version=_password_version(mailbox),
            made_by=by,
            expires_at=now + LIFETIME,
            mail_to=mailbox.recovery_address,
            mail_due_at=now,
        )
        for mailbox in mailboxes
    )
    return mailboxes


def give_code(purpose: Purpose, link: OneTimeLink) -> str:
    """The address of a planned link, with a new code: an earlier one of it can't be used any more."""
    code = new_code()
    OneTimeLink.objects.filter(pk=link.pk).update(code_hash=hash_of(code))
    return address_of(purpose, code)


def find_link(purpose: Purpose, code: str) -> OneTimeLink | None:
    """The link with this code if it can still be used, with its person or mailbox."""
    links = OneTimeLink.objects.usable(purpose.name).select_related(
        "person", "mailbox__domain", "mailbox__owner"
    )
    link = links.filter(code_hash=hash_of(code)).first()
    return link if link and _is_for_present_password(link) else None


def use_link(purpose: Purpose, code: str) -> OneTimeLink | None:
    """The same, and it is used up in the caller's transaction; of two at the same time one gets it."""
    link = find_link(purpose, code)
    if link is None:
        return None
    unused = OneTimeLink.objects.filter(pk=link.pk, used_at=None)
    return link if unused.update(used_at=timezone.now()) else None


def asked_lately(purpose: Purpose, target: Person | Mailbox) -> int:
    """How many of them visitors asked for within a day."""
    since = timezone.now() - timedelta(days=1)
    rows = OneTimeLink.objects.filter(**named(target), purpose=purpose.name, made_by=None)
    return rows.filter(made_at__gt=since).count()


def end_links(target: Person | Mailbox) -> None:
    """None of those made for this person or mailbox can be used from now on."""
    OneTimeLink.objects.filter(**named(target)).delete()


def end_links_for(purpose: Purpose, target: Person | Mailbox) -> None:
    """None of those for this purpose can be used from now on."""
    OneTimeLink.objects.filter(**named(target), purpose=purpose.name, used_at=None).delete()


def address_of(purpose: Purpose, code: str) -> str:
    return link_with(purpose.view, code)


@transaction.atomic
def _new_link(purpose: Purpose, target: Person | Mailbox, *, by: Person | None) -> OneTimeLink:
    OneTimeLink.objects.filter(expires_at__lt=timezone.now()).delete()
    if by is not None:
        made = OneTimeLink.objects.filter(**named(target), purpose=purpose.name, used_at=None)
        made.exclude(made_by=None).delete()
    return OneTimeLink.objects.create(
        **named(target),
        purpose=purpose.name,
        password_version=_password_version(target),
        made_by=by,
        expires_at=timezone.now() + LIFETIME,
    )


def named(target: Person | Mailbox) -> dict[str, Person | Mailbox]:
    """The field of a table with one for each that names it."""
    return {"person": target} if isinstance(target, Person) else {"mailbox": target}


def _password_version(target: Person | Mailbox) -> str:
    """Different for each password; tells nothing of it, as it is made of its hash."""
    # An older hash of the same password, where it was made anew meanwhile.
    kept = target.password if isinstance(target, Person) else target.former_hash or target.password_hash
    changed_at = target.password_changed_at if isinstance(target, Mailbox) else None
    return hashlib.sha256(f"{target._meta.label_lower} {target.pk} {kept} {changed_at}".encode()).hexdigest()


def _is_for_present_password(link: OneTimeLink) -> bool:
    target = link.person or link.mailbox
    if target is None or link.password_version != _password_version(target):
        return False
    return target.is_active if isinstance(target, Person) else target.deleted_at is None and target.enabled
