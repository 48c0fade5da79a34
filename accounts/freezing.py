"""Somebody says *this was not me*: nobody stays signed in, and no mail leaves, until a webmaster has looked.

Forwarding to outside stays as it is set, and is not done while the mailbox is frozen (`Mailbox.frozen_at`,
which the script is made with). Rules made in webmail rest meanwhile: the portal's script ends before it comes
to them, and not a byte of them is touched. The password stays: it is the thief's or the owner's, and nobody
here can tell whose. The owner is led to another one; a webmaster can close signing in until it is chosen
(`services.close_until_new_password`).
"""

from django.db import transaction
from django.utils import timezone

from accounts import notices, second_factors
from accounts.app_passwords import end_all_app_passwords
from accounts.devices import forget_devices
from accounts.many import end_sessions as end_owners_sessions
from accounts.models import Mailbox, Notice, Person, RedirectAlarm
from accounts.one_time_links import CHOOSE_PASSWORD, end_links, make_link
from accounts.open_sessions import end_sessions
from audit.chain import record
from mailservers import outbox
from mailservers.drift import request_check

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
def link_for_reader(notice: Notice) -> str:
    """Leads who read the notice at the mailbox's recovery address to a new password; else empty.

    Such a link would go there anyway, to whoever asks for one. Who reads the mailbox alone may be the thief.
    """
    mailbox = notice.mailbox
    if mailbox is None or not mailbox.enabled or mailbox.recovery_address != notice.mail_to:
        return ""
    record("mailbox.password_link_asked", by=None, about=mailbox, domain=mailbox.domain.name)
    return make_link(CHOOSE_PASSWORD, mailbox, by=None)


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
    # What a thief made in webmail is told, with a way to switch it off.
    request_check(current.server, mailbox=current, aspect="script")
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
