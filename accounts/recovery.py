"""Where links and warnings go when somebody can't sign in: their own address elsewhere.

Set by themselves it counts only once somebody at that address has pressed the button behind a link: a
typing error would send the next password to a stranger.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import notices
from accounts.mailed_links import AskedOften
from accounts.models import Mailbox, OneTimeLink, Person
from accounts.one_time_links import CONFIRM_ADDRESS, end_links_for, named, plan_link, use_link
from audit.chain import record
from audit.models import Event
from mailservers import outbox

# The portal must not be a way to pester people.
ASKED_A_DAY = 6


def address_of(target: Person | Mailbox) -> str:
    return target.email if isinstance(target, Person) else target.recovery_address


def waiting_address(target: Person | Mailbox) -> str:
    """The one that was asked and has not answered yet; "" when there is none."""
    links = OneTimeLink.objects.usable(CONFIRM_ADDRESS.name).filter(**named(target)).order_by("-pk")
    return links.values_list("mail_to", flat=True).first() or ""


def is_asked_often(verb: str, target: Person | Mailbox) -> bool:
    """So many mails of this kind went out for it since yesterday that no more do."""
    asked = Event.objects.filter(
        verb=verb,
        subject_kind=target._meta.label_lower,
        subject_id=target.pk,
        at__gt=timezone.now() - timedelta(days=1),
    )
    return asked.count() >= ASKED_A_DAY


@transaction.atomic
def ask_for_address(target: Person | Mailbox, address: str, *, by: Person) -> None:
    """Have a link mailed there; the present address counts until it is used. Raises AskedOften."""
    if is_asked_often("recovery.asked", target):
        raise AskedOften
    plan_link(CONFIRM_ADDRESS, target, by=by, mail_to=address)
    _record("recovery.asked", target, by, after={"recovery_address": address})


@transaction.atomic
def confirm_address(code: str) -> Person | Mailbox | None:
    """The address that has the link counts from now on, the one before is told; None: it is over."""
    link = use_link(CONFIRM_ADDRESS, code)
    if link is None:
        return None
    if link.mailbox is not None:
        rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
        mailbox = rows.select_related("domain", "server", "owner").get(pk=link.mailbox.pk)
        _set(mailbox, link.mail_to, by=mailbox.owner)
        return mailbox
    if link.person is not None:
        _set(link.person, link.mail_to, by=link.person)
    return link.person


@transaction.atomic
def take_address_away(target: Person | Mailbox, *, by: Person) -> None:
    """None counts any more, nor one that was asked."""
    end_links_for(CONFIRM_ADDRESS, target)
    if address_of(target):
        _set(target, "", by=by)


def _set(target: Person | Mailbox, address: str, *, by: Person | None) -> None:
    before = address_of(target)
    event = _record(
        "recovery.changed", target, by, {"recovery_address": before}, {"recovery_address": address}
    )
    if isinstance(target, Person):
        target.email = address
        target.save(update_fields=["email"])
    else:
        target.recovery_address = address
        target.save(update_fields=["recovery_address"])
        outbox.request_push(target, "account", event)
    notices.tell(target, "recovery", by=by, detail=address, also_to=[before])


def _record(
    verb: str,
    target: Person | Mailbox,
    by: Person | None,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> Event:
    domain = target.domain.name if isinstance(target, Mailbox) else ""
    return record(verb, by=by, about=target, domain=domain, before=before, after=after)
