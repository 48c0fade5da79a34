"""Warnings when a mailbox rises above a threshold of its domain: once, and again after it fell below."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.models import Mailbox
from accounts.sizes import in_words
from mails import queue
from mailservers.models import Usage
from quotas.models import QuotaWarning

FULL = 100


def note_crossings(mailbox_ids: Sequence[int]) -> None:
    """Compare what was just read with what people were warned of, and write the warnings that are due."""
    open_ones = _open_thresholds(mailbox_ids)
    usages = (
        Usage.objects.filter(mailbox__in=mailbox_ids)
        .select_related("mailbox__domain")
        .defer("folders", "mailbox__password_hash")
    )
    for usage in usages:
        if _reached(usage) != open_ones[usage.mailbox_id]:
            _note(usage.mailbox_id)


@transaction.atomic
def _note(mailbox_id: int) -> None:
    # Its row is the lock: two readings of one mailbox at a time would both warn.
    mailbox = (
        Mailbox.objects.select_for_update(no_key=True, of=("self",))
        .select_related("domain")
        .filter(pk=mailbox_id)
        .first()
    )
    usage = Usage.objects.filter(mailbox=mailbox_id).first()
    if mailbox is None or usage is None:
        return
    usage.mailbox = mailbox
    known, reached, now = _open_thresholds([mailbox_id])[mailbox_id], _reached(usage), timezone.now()
    QuotaWarning.objects.filter(
        mailbox=mailbox_id, threshold__in=known - reached, ended_at__isnull=True
    ).update(ended_at=now)
    QuotaWarning.objects.bulk_create(
        [QuotaWarning(mailbox=mailbox, threshold=each, crossed_at=now) for each in sorted(reached - known)]
    )
    # Somebody who knows of 95 % need not hear of 80.
    if max(reached, default=0) > max(known & reached, default=0):
        _write(mailbox, usage)


def _reached(usage: Usage) -> set[int]:
    limit = usage.limit_with(usage.mailbox.quota_bytes)
    thresholds = usage.mailbox.domain.warning_thresholds
    return {each for each in thresholds if limit and usage.bytes_used * 100 >= limit * each}


def _open_thresholds(mailbox_ids: Sequence[int]) -> dict[int, set[int]]:
    """By mailbox, the thresholds it is known to be above."""
    found: dict[int, set[int]] = defaultdict(set)
    rows = QuotaWarning.objects.filter(mailbox__in=mailbox_ids, ended_at__isnull=True)
    for mailbox_id, threshold in rows.values_list("mailbox", "threshold"):
        found[mailbox_id].add(threshold)
    return found


def _write(mailbox: Mailbox, usage: Usage) -> None:
    domain = mailbox.domain
    with writing_to(mailbox):
        # A full mailbox takes no mail: the recovery address is the one that helps then.
        _post([mailbox.address, mailbox.recovery_address], mailbox, usage)
    if domain.warn_webmasters:
        for person in domain.webmasters.filter(is_active=True).exclude(email=""):
            with writing_to(person):
                _post([person.email], mailbox, usage)


def _post(addresses: Iterable[str], mailbox: Mailbox, usage: Usage) -> None:
    queue.post(addresses, _subject(mailbox, usage), _text(mailbox, usage), domain=mailbox.domain.name)


def _subject(mailbox: Mailbox, usage: Usage) -> str:
    percent = _percent(mailbox, usage)
    if percent >= FULL:
        return _("The mailbox %(address)s is full") % {"address": mailbox.address}
    return _("The mailbox %(address)s is %(percent)d %% full") % {
        "address": mailbox.address,
        "percent": percent,
    }


def _text(mailbox: Mailbox, usage: Usage) -> str:
    limit = usage.limit_with(mailbox.quota_bytes)
    parts = [
        _("%(address)s holds %(used)s of %(limit)s.")
        % {"address": mailbox.address, "used": in_words(usage.bytes_used), "limit": in_words(limit)}
    ]
    if usage.bytes_used >= limit:
        parts.append(_("New mail is sent back to its sender until there is room again."))
    else:
        parts.append(_("When it is full, new mail is sent back to its sender."))
    if usage.trash_bytes:
        parts.append(
            _("%(size)s of that lie in the trash, which counts as well: empty it first.")
            % {"size": in_words(usage.trash_bytes)}
        )
    else:
        parts.append(_("Delete what is no longer needed, large attachments first, and empty the trash then."))
    page = settings.PUBLIC_URL + reverse("quotas:show-usage", args=[mailbox.address])
    parts.append(_("What takes the room, and how to get more: %(page)s") % {"page": page})
    # Lines of text, not of code: mail programs wrap them.
    return "\n\n".join(parts).replace("\N{NO-BREAK SPACE}", " ") + "\n"


def _percent(mailbox: Mailbox, usage: Usage) -> int:
    """Rounded down: 99.9 % is not yet full."""
    return usage.bytes_used * 100 // (usage.limit_with(mailbox.quota_bytes) or 1)
