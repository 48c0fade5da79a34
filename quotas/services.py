"""What happens to quotas and trash: the row, the audit event and the push, all or nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.mail_readers import webmasters_to_tell
from accounts.models import Domain, Mailbox, Person
from accounts.room import held_by, lock_room, require_fits, require_room
from accounts.sizes import in_words
from audit.chain import Entry, record, record_all
from mails import queue
from mailservers import outbox
from mailservers.models import Change, Usage
from mailservers.ranges import LARGEST_SIZE, require_ranges
from quotas.models import QuotaRequest, TrashEmptying

# Mailboxes changed in one transaction of a bulk job: others wait for its locks no longer than it takes.
MANY = 200


class AlreadyDecided(Exception):
    """Somebody else approved or refused the request meanwhile."""


class AlreadyAsked(Exception):
    """A request of the mailbox is waiting."""


@transaction.atomic
def change_quota(mailbox: Mailbox, quota_bytes: int, *, by: Person) -> Change:
    """Give a mailbox so much room (0: no limit); raises NoRoomLeft or HoldsMore."""
    changes = _change_quotas([mailbox.pk], mailbox.domain_id, quota_bytes, by, Change.Priority.PERSON)
    return changes[0]


@transaction.atomic
def change_quotas(mailboxes: Sequence[Mailbox], domain: Domain, quota_bytes: int, *, by: Person) -> int:
    """Give many mailboxes of a domain so much room each, or none of them; raises NoRoomLeft or HoldsMore."""
    wanted = [mailbox.pk for mailbox in mailboxes if mailbox.quota_bytes != quota_bytes]
    return len(_change_quotas(wanted, domain.pk, quota_bytes, by, Change.Priority.BULK))


def suggested_quota(mailbox: Mailbox) -> int:
    """What a person asks for by one click: half as much again, in whole units of the next smaller size."""
    step = settings.SIZE_STEP
    unit = step**3 if mailbox.quota_bytes >= 2 * step**3 else step**2
    wanted = mailbox.quota_bytes + mailbox.quota_bytes // 2
    return int(min(-(-wanted // unit) * unit, LARGEST_SIZE))


@transaction.atomic
def request_quota(mailbox: Mailbox, *, by: Person) -> QuotaRequest:
    """Ask the domain's webmasters for more; raises AlreadyAsked."""
    wanted = suggested_quota(mailbox)
    try:
        with transaction.atomic():
            request = QuotaRequest.objects.create(mailbox=mailbox, asked_by=by, wanted_bytes=wanted)
    except IntegrityError:
        raise AlreadyAsked from None
    after = {"quota_bytes": wanted}
    record("quota_request.made", by=by, about=mailbox, domain=mailbox.domain.name, after=after)
    _tell_webmasters(mailbox, wanted)
    return request


@transaction.atomic
def approve_request(request: QuotaRequest, quota_bytes: int, *, by: Person) -> Change:
    """Give the room, or another; raises AlreadyDecided, NoRoomLeft or HoldsMore."""
    _decide(request, QuotaRequest.State.APPROVED, by, quota_bytes)
    mailbox = request.mailbox
    record("quota_request.approved", by=by, about=mailbox, domain=mailbox.domain.name)
    change = change_quota(mailbox, quota_bytes, by=by)
    with writing_to(mailbox):
        text = _("The mailbox %(address)s has %(size)s of room now.")
        queue.post(
            [mailbox.address],
            _("More room for %(address)s") % {"address": mailbox.address},
            text % {"address": mailbox.address, "size": _plain(quota_bytes)} + "\n",
        )
    return change


@transaction.atomic
def refuse_request(request: QuotaRequest, *, by: Person) -> None:
    """Raises AlreadyDecided."""
    _decide(request, QuotaRequest.State.REFUSED, by, None)
    mailbox = request.mailbox
    record("quota_request.refused", by=by, about=mailbox, domain=mailbox.domain.name)
    with writing_to(mailbox):
        text = _("The request for more room for %(address)s was not approved. It keeps %(size)s.")
        queue.post(
            [mailbox.address],
            _("No more room for %(address)s") % {"address": mailbox.address},
            text % {"address": mailbox.address, "size": _plain(mailbox.quota_bytes)} + "\n",
        )


@transaction.atomic
def empty_trash(mailbox: Mailbox, *, older_than: timedelta, by: Person) -> Change:
    """Have all deleted for good that lies in the trash for longer than this."""
    Mailbox.objects.select_for_update(no_key=True).get(pk=mailbox.pk)
    saved_before = int((timezone.now() - older_than).timestamp())
    newest = Change.objects.newest_of(mailbox.pk, "trash")
    known = TrashEmptying.objects.filter(mailbox=mailbox).first()
    if known and newest and not newest.is_settled:
        # The wish before this one is not yet carried out, and this one replaces it: lose nothing of it.
        saved_before = max(saved_before, known.saved_before)
    TrashEmptying.objects.update_or_create(mailbox=mailbox, defaults={"saved_before": saved_before})
    event = record(
        "mailbox.trash_emptied",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        after={
            "saved_before": datetime.fromtimestamp(
                saved_before, tz=timezone.get_current_timezone()
            ).isoformat()
        },
    )
    return outbox.request_push(mailbox, "trash", event)


@transaction.atomic
def change_domain_rules(domain: Domain, rules: dict[str, Any], *, by: Person) -> None:
    """Keep the named fields of the domain."""
    stored = Domain.objects.select_for_update(no_key=True).get(pk=domain.pk)
    before = {name: getattr(stored, name) for name in rules}
    if before == rules:
        return
    for name, value in rules.items():
        setattr(stored, name, value)
    stored.save(update_fields=list(rules))
    record(
        "domain.quota_settings_changed",
        by=by,
        about=domain,
        domain=domain.name,
        before={name: before[name] for name in rules if before[name] != rules[name]},
        after={name: rules[name] for name in rules if before[name] != rules[name]},
    )


def _change_quotas(
    mailbox_ids: Sequence[int], domain_id: int, quota_bytes: int, by: Person, priority: int
) -> list[Change]:
    require_ranges(Mailbox(quota_bytes=quota_bytes), "quota_bytes")
    domain = lock_room(domain_id)
    mailboxes = list(
        Mailbox.objects.alive()
        .filter(pk__in=mailbox_ids, domain=domain)
        .select_for_update(no_key=True, of=("self",))
        .select_related("domain", "server")
        .order_by("pk")
    )
    require_room(domain, quota_bytes, instead_of=[mailbox.quota_bytes for mailbox in mailboxes])
    held = held_by(mailbox_ids)
    for mailbox in mailboxes:
        require_fits(held.get(mailbox.pk, 0), quota_bytes)
    entries = [
        Entry(
            verb="mailbox.quota_changed",
            about=mailbox,
            domain=domain.name,
            before={"quota_bytes": mailbox.quota_bytes},
            after={"quota_bytes": quota_bytes},
        )
        for mailbox in mailboxes
    ]
    Mailbox.objects.filter(pk__in=[mailbox.pk for mailbox in mailboxes]).update(quota_bytes=quota_bytes)
    events = record_all(entries, by=by)
    wishes = list(zip(mailboxes, events, strict=True))
    return outbox.request_pushes(wishes, "account", priority=priority)


def _decide(request: QuotaRequest, state: str, by: Person, given: int | None) -> None:
    waiting = QuotaRequest.objects.filter(pk=request.pk, state=QuotaRequest.State.WAITING)
    if not waiting.update(state=state, decided_by=by, decided_at=timezone.now(), given_bytes=given):
        raise AlreadyDecided


def _tell_webmasters(mailbox: Mailbox, wanted: int) -> None:
    domain = mailbox.domain
    usage = Usage.objects.filter(mailbox=mailbox).first()
    page = settings.PUBLIC_URL + reverse("quotas:list-usage", args=[domain.name])
    for person in webmasters_to_tell(domain):
        with writing_to(person):
            parts = [
                _("%(address)s asks for %(wanted)s of room instead of %(now)s.")
                % {"address": mailbox.address, "wanted": _plain(wanted), "now": _plain(mailbox.quota_bytes)}
            ]
            if usage:
                parts.append(_("It holds %(used)s.") % {"used": _plain(usage.bytes_used)})
            parts.append(_("Approve or refuse it here: %(page)s") % {"page": page})
            subject = _("%(address)s asks for more room") % {"address": mailbox.address}
            queue.post([person.email], subject, "\n\n".join(parts) + "\n", domain=domain.name)


def _plain(size: int) -> str:
    return in_words(size).replace("\N{NO-BREAK SPACE}", " ")
