"""Saves forwardings and what their targets answer: the row, the audit event and the push at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.codes import hash_of
from accounts.models import Mailbox, Person
from audit.chain import Entry, record, record_all
from mailservers import outbox
from mailservers.drivers.base import Limits
from mailservers.models import Change
from mailservers.ranges import require_ranges
from mailservers.servers import limits_of
from vacation import tasks
from vacation.gone_targets import taking_no_mail
from vacation.models import Forwarding, ForwardingTarget, OwnScripts
from vacation.services import ChangedMeanwhile
from vacation.telling import replace_request, tell_user

log = structlog.get_logger(__name__)

# Where the server itself knows no limit; nobody needs more, and a slip of the clipboard may hold a thousand.
MOST = 20
LINK_LASTS = timedelta(hours=72)
# Nobody is asked more often: the portal must not be a way to pester people.
PAUSE = timedelta(minutes=10)
ASKED_A_DAY = 12


class TooManyTogether(ValidationError):
    """With those that own rules send to, more addresses than the server sends one mail to."""


@transaction.atomic
def save_forwarding(
    forwarding: Forwarding, addresses: Sequence[str], *, seen_version: int, by: Person
) -> Change:
    """Keep the forwarding, who set it, and the push it asks for; raises ChangedMeanwhile.

    New addresses outside the domain are asked by mail; nothing goes there before they say yes. Raises
    PermissionDenied for one that somebody adds who only helps, and TooManyTogether.
    """
    mailbox = Mailbox.objects.select_for_update(of=["self"]).select_related("own_scripts")
    own = OwnScripts.of(mailbox.get(pk=forwarding.mailbox.pk))
    before = Forwarding.of(forwarding.mailbox)
    if before.version != seen_version:
        raise ChangedMeanwhile
    if forwarding.enabled:
        refuse_too_many(addresses, own, limits_of(forwarding.mailbox.server))
    if by.helps_by_grant and sends_anew(before, forwarding, addresses):
        raise PermissionDenied
    entry = _keep(before, forwarding, addresses, by=by)
    [event] = record_all([entry], by=by)
    replace_request(forwarding.mailbox, "forwarding")
    tell_user(forwarding.mailbox, "forwarding", by)
    return outbox.request_push(forwarding.mailbox, "script", event)


def refuse_too_many(addresses: Sequence[str], own: OwnScripts, limits: Limits | None) -> None:
    """Raises TooManyTogether where mail that rules made in webmail send on as well would go nowhere."""
    most = (limits.redirects if limits else 0) or MOST
    others = set(own.redirects) - set(addresses)
    count = len(set(addresses)) + len(others)
    if addresses and others and count > most:
        raise TooManyTogether(
            _(
                "Your rules in webmail send mail on to %(others)s. Together these are %(count)d addresses;"
                " the mail server sends one mail to %(most)d at most."
            ),
            params={"others": ", ".join(sorted(others)[:5]), "count": count, "most": most},
        )


def bring_back(mailbox: Mailbox, told: dict[str, Any]) -> Entry:
    """Save the forwarding that Forwarding.as_told tells; what the audit is to keep. The caller's lock."""
    return _keep(Forwarding.of(mailbox), Forwarding.from_told(mailbox, told), told["targets"])


def target_of(token: str) -> ForwardingTarget | None:
    """Whose link it is; None when it was used, replaced or has expired."""
    asked = ForwardingTarget.objects.filter(
        token_hash=hash_of(token), mailed_at__gt=timezone.now() - LINK_LASTS
    )
    return asked.select_related("forwarding__mailbox__domain", "forwarding__mailbox__server").first()


@transaction.atomic
def answer(target: ForwardingTarget, *, agrees: bool) -> bool:
    """Whoever reads mail at the target has answered; False when the link was used meanwhile."""
    now = timezone.now()
    used = ForwardingTarget.objects.filter(pk=target.pk, token_hash=target.token_hash).exclude(token_hash="")
    given = {"confirmed_at": now} if agrees else {"declined_at": now}
    if not used.update(token_hash="", mail_due_at=None, **given):
        return False
    mailbox = target.forwarding.mailbox
    event = record(
        "forwarding.confirmed" if agrees else "forwarding.declined",
        by=None,
        about=mailbox,
        domain=mailbox.domain.name,
        after={"answered_by": target.address},
    )
    if agrees:
        outbox.request_push(mailbox, "script", event)
    return True


@transaction.atomic
def ask_again(target: ForwardingTarget, *, by: Person) -> bool:
    """Another link, and the one from before ends; False when the last is too young, or was answered."""
    mailbox, now = target.forwarding.mailbox, timezone.now()
    asked = ForwardingTarget.objects.filter(
        Q(mailed_at=None) | Q(mailed_at__lte=now - PAUSE), pk=target.pk, confirmed_at=None, declined_at=None
    )
    if not asked.update(token_hash="", mail_due_at=now, mailed_at=None):
        return False
    record(
        "forwarding.asked_again",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        after={"asked": target.address},
    )
    transaction.on_commit(_announce)
    return True


def asked_lately(mailbox: Mailbox) -> int:
    """How many addresses were sent a link for this mailbox within a day, those taken off since included."""
    asked = ForwardingTarget.objects.filter(forwarding__mailbox=mailbox)
    return asked.filter(mailed_at__gt=timezone.now() - timedelta(days=1)).count()


def is_inside(mailbox: Mailbox, address: str) -> bool:
    """Whether the address belongs to the mailbox's own domain: then nobody has to be asked."""
    return address.rpartition("@")[2] == mailbox.domain.name


def sends_anew(before: Forwarding, wanted: Forwarding, addresses: Sequence[str]) -> bool:
    """Whether an address outside the domain would get mail that gets none now, or for longer, or oftener."""
    outside = {address for address in addresses if not is_inside(before.mailbox, address)}
    if not wanted.enabled or not outside:
        return False
    if not before.enabled or before.is_over or outside - set(before.addresses()):
        return True
    is_longer = before.ends is not None and (wanted.ends is None or wanted.ends > before.ends)
    return is_longer or (before.only_while_away and not wanted.only_while_away)


def _keep(
    before: Forwarding, forwarding: Forwarding, addresses: Sequence[str], *, by: Person | None = None
) -> Entry:
    require_ranges(forwarding)
    told_before = before.as_told()
    known = before.addresses() if before.enabled else []
    new = [each for each in addresses if each not in known and not is_inside(forwarding.mailbox, each)]
    if forwarding.enabled and new:
        notices.tell(forwarding.mailbox, "forwarding", by=by, detail=", ".join(new))
    forwarding.pk, forwarding.version = before.pk, before.version + 1
    forwarding.save()
    _list_targets(forwarding, addresses)
    verb = "forwarding.changed"
    if forwarding.enabled != before.enabled:
        verb = "forwarding.switched_on" if forwarding.enabled else "forwarding.switched_off"
    return Entry(
        verb=verb,
        about=forwarding.mailbox,
        domain=forwarding.mailbox.domain.name,
        before=told_before,
        after=forwarding.as_told(),
    )


def _list_targets(forwarding: Forwarding, addresses: Sequence[str]) -> None:
    now = timezone.now()
    known = {target.address: target for target in forwarding.targets.all()}
    forwarding.targets.exclude(address__in=addresses).update(listed=False, mail_due_at=None, token_hash="")
    # Of another customer's only those are known to be gone that mail went to before.
    asked = [
        each
        for each in addresses
        if is_inside(forwarding.mailbox, each) or (each in known and known[each].gone_at)
    ]
    silent = taking_no_mail(asked, [each for each in asked if each in known and known[each].gone_at])
    for address in dict.fromkeys(addresses):
        target = known.get(address) or ForwardingTarget(forwarding=forwarding, address=address)
        gone_at = target.gone_at or now if address in silent else None
        if target.pk and target.listed and target.gone_at == gone_at:
            continue
        target.gone_at = gone_at
        target.listed = True
        if is_inside(forwarding.mailbox, address):
            target.confirmed_at = target.confirmed_at or now
        elif target.answer == "waiting":
            target.mail_due_at = now
            transaction.on_commit(_announce)
        target.save()


def _announce() -> None:
    """Without a broker nothing is lost: the schedule finds what is due."""
    try:
        tasks.mail_confirmations.apply_async()
    except tasks.mail_confirmations.OperationalError as error:
        log.warning("broker away", error=type(error).__name__)
