"""Somebody says *this was not me*: nobody stays signed in, and no mail leaves, until a webmaster has looked.

Forwarding to outside stays as it is set, and is not done while the mailbox is frozen (`Mailbox.frozen_at`,
which the script is made with). The password stays: it is the thief's or the owner's, and nobody here can
tell whose.
"""

from django.db import transaction
from django.utils import timezone

from accounts import notices, second_factors
from accounts.app_passwords import end_all_app_passwords
from accounts.devices import forget_devices
from accounts.many import end_sessions as end_owners_sessions
from accounts.models import Mailbox, Notice, Person, RedirectAlarm
from accounts.one_time_links import end_links
from accounts.sessions import end_sessions
from audit.chain import record
from mailservers import outbox

KIND = "not-me"


@transaction.atomic
def say_not_me(notice: Notice) -> bool:
    """Do all that can be undone; False when the link was used meanwhile."""
    if not notices.use_notice(notice):
        return False
    if notice.person is not None:
        _shut(notice.person, kind=notice.kind)
        if notice.kind == "second-factor":
            # The thief's own key would let them in again, alone even.
            second_factors.remove_added_since(notice.person, notice.at, notice.detail)
        for mailbox in notice.person.mailboxes.alive():
            freeze(mailbox, kind=notice.kind)
    if notice.mailbox is not None:
        freeze(notice.mailbox, kind=notice.kind)
    return True


@transaction.atomic
def freeze(mailbox: Mailbox, *, kind: str) -> None:
    """Sign everybody out, end app passwords, forward nothing to outside, and alarm the webmasters."""
    current = _locked(mailbox)
    current.frozen_at = current.frozen_at or timezone.now()
    current.save(update_fields=["frozen_at"])
    end_all_app_passwords(current, None)
    end_links(current)
    end_owners_sessions(current)
    if current.owner is not None:
        forget_devices(current.owner)
    domain = current.domain.name
    said = record("mailbox.not_me", by=None, about=current, domain=domain, after={"notice": kind})
    outbox.request_push(current, "account", said)
    frozen = record("mailbox.forwarding_frozen", by=None, about=current, domain=domain)
    outbox.request_push(current, "script", frozen)
    if not RedirectAlarm.objects.open().filter(mailbox=current, kind=KIND).exists():
        RedirectAlarm.objects.create(mailbox=current, kind=KIND)
        notices.tell_who_looks_after(current)


@transaction.atomic
def unfreeze(mailbox: Mailbox, *, by: Person) -> None:
    """What was set is done again, and the alarm is over; quiet when it is not frozen."""
    current = _locked(mailbox)
    if current.frozen_at is None:
        return
    current.frozen_at = None
    current.save(update_fields=["frozen_at"])
    open_alarms = RedirectAlarm.objects.open().filter(mailbox=current, kind=KIND)
    open_alarms.update(acknowledged_at=timezone.now(), acknowledged_by=by, mail_due_at=None)
    event = record("mailbox.forwarding_unfrozen", by=by, about=current, domain=current.domain.name)
    outbox.request_push(current, "script", event)


def _shut(person: Person, *, kind: str) -> None:
    end_sessions(person)
    forget_devices(person)
    end_links(person)
    record("person.not_me", by=None, about=person, after={"notice": kind})
    notices.tell_who_looks_after(person)


def _locked(mailbox: Mailbox) -> Mailbox:
    """Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those."""
    rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
    return rows.select_related("domain", "server", "owner").get(pk=mailbox.pk)
