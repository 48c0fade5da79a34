"""Mailboxes whose time is over: taken off their servers, then forgotten, with people who had nothing else.

A server that does not do it is asked again every day, and whoever looks after the domain is told once.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, OuterRef, Subquery, Value, When
from django.db.models.lookups import Exact
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.logins import note_given
from accounts.mail_readers import webmasters_to_tell
from accounts.models import Domain, Mailbox, MailboxQuerySet, PasswordRequest
from accounts.personal import forget_person
from audit.chain import record
from audit.models import Event
from mails import queue
from mailservers import outbox
from mailservers.models import Change

AT_ONCE = 500
PURGED = "mailbox.purged"
# What a server refused, or could not do for a day, it may do later.
AGAIN_AFTER = timedelta(days=1)


def purge_mailboxes() -> int:
    """Have them removed from their servers; those that are off are forgotten: how many."""
    _ask(_gone(asked=False)[:AT_ONCE])
    long_ago = timezone.now() - AGAIN_AFTER
    _ask_again(_gone(asked=True, state=Change.State.FAILED, settled_at__lt=long_ago)[:AT_ONCE])
    done = list(_gone(asked=True, state=Change.State.LIVE)[:AT_ONCE])
    for mailbox in done:
        _forget(mailbox)
    return len(done)


def _gone(**how: Any) -> MailboxQuerySet:
    """Those whose newest change is so: asked for (`asked`) or not, and how and since when it stands."""
    newest = Change.objects.filter(mailbox=OuterRef("pk"), aspect="account").order_by("-pk")
    verb = Subquery(newest.values("event__verb")[:1])
    gone = Mailbox.objects.gone().alias(
        asked=Case(When(Exact(verb, Value(PURGED)), then=Value(True)), default=Value(False)),
        state=Subquery(newest.values("state")[:1]),
        settled_at=Subquery(newest.values("settled_at")[:1]),
    )
    return gone.filter(**how).select_related("domain", "server", "owner").order_by("pk")


def _ask(mailboxes: MailboxQuerySet) -> None:
    for mailbox in mailboxes:
        with transaction.atomic():
            event = record(PURGED, by=None, about=mailbox, domain=mailbox.domain.name)
            outbox.request_push(mailbox, "account", event)


def _ask_again(mailboxes: MailboxQuerySet) -> None:
    failed: dict[Domain, list[tuple[Mailbox, Change]]] = {}
    for mailbox in mailboxes:
        change = Change.objects.newest_of(mailbox.pk, "account")
        if change is not None:
            failed.setdefault(mailbox.domain, []).append((mailbox, change))
    for domain, rows in failed.items():
        with transaction.atomic():
            _tell(domain, [row for row in rows if not _was_tried_again(row[0])])
            for _mailbox, change in rows:
                # One that somebody tried again just now holds no other up.
                with suppress(outbox.MovedOn):
                    outbox.try_again(change, by=None)


def _was_tried_again(mailbox: Mailbox) -> bool:
    tries = Event.objects.filter(subject_kind=mailbox._meta.label_lower, subject_id=mailbox.pk)
    return tries.filter(verb="change.tried_again", at__gt=mailbox.purge_after).exists()


def _tell(domain: Domain, rows: list[tuple[Mailbox, Change]]) -> None:
    for person in webmasters_to_tell(domain) if rows else []:
        with writing_to(person):
            text = render_to_string("accounts/not_removed_mail.txt", {"domain": domain, "rows": rows})
            subject = _("Deleted mailboxes of %(domain)s are still on the mail server")
            queue.post([person.email], subject % {"domain": domain.name}, text, domain=domain.name)


@transaction.atomic
def _forget(mailbox: Mailbox) -> None:
    """The row with all that hangs on it; the login stays, so that nobody else ever gets it."""
    note_given(mailbox.server, [mailbox.login])
    queue.forget_address([mailbox.address])
    # Those too that were asked for when it was deleted already.
    PasswordRequest.objects.filter(typed__in=[mailbox.address, mailbox.login]).delete()
    owner = mailbox.owner
    mailbox.delete()
    if owner is not None:
        forget_person(owner)
