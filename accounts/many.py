"""Many mailboxes of a domain in one transaction: rows, events and pushes, a statement for each kind.

All of it happens in the caller's transaction, with the domain locked (`room.lock_room`), so that its limits
hold; the caller has asked them (`room.Ledger`). Pushes go behind those that a person waits for, unless the
caller says that one does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import app_password_rule, notices
from accounts.aliases import take_off
from accounts.answering import tell_rules, tell_scripts
from accounts.folding import searched_text
from accounts.led_here import tell_back, tell_gone
from accounts.logins import give_logins
from accounts.models import Domain, Mailbox, Person
from accounts.names import require_free
from accounts.naming import new_local_part_of
from accounts.room import held_by, require_fits
from accounts.switches import SWITCHES
from audit.chain import Entry, record_all
from mailservers import outbox
from mailservers.models import Change
from mailservers.ranges import require_ranges
from mailservers.servers import limits_of

BULK = Change.Priority.BULK
# What an event is called when it is about this alone.
_ALONE = {
    ("quota_bytes",): "mailbox.quota_changed",
    ("enabled", True): "mailbox.switched_on",
    ("enabled", False): "mailbox.switched_off",
    ("sends", True): "mailbox.sending_allowed",
    ("sends", False): "mailbox.sending_stopped",
    ("receives", True): "mailbox.mail_taken",
    ("receives", False): "mailbox.mail_refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMailbox:
    """One that is to be made."""

    address: str
    login: str
    name: str
    quota_bytes: int
    recovery_address: str
    language: str
    enabled: bool
    sends: bool = True
    receives: bool = True
    password_hash: str
    """In Dovecot's form; empty: nobody can sign in before its user has chosen a password."""
    template: str = ""
    """What it was made with, for the event."""


def lock_mailboxes(domain: Domain, numbers: Iterable[int | None]) -> dict[int, Mailbox]:
    """Those of the domain as they are now, deleted ones included, by their numbers."""
    mine = Mailbox.objects.filter(domain=domain, pk__in=[number for number in numbers if number])
    # Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those.
    locked = mine.select_for_update(of=("self",), no_key=True).order_by("pk")
    return {mailbox.pk: mailbox for mailbox in locked.select_related("domain", "server", "owner")}


def create_mailboxes(
    domain: Domain, wanted: Sequence[NewMailbox], *, by: Person | None
) -> list[tuple[Mailbox, Change]]:
    """Raises BadName, or IntegrityError when an address or a login is taken, or was given before."""
    now, limits = timezone.now(), limits_of(domain.server)
    for each in wanted:
        new_local_part_of(each.address, domain.name, limits)
    require_free(*(each.address for each in wanted))
    give_logins(domain.server, [each.login for each in wanted])
    by_rule = app_password_rule.of_new_mailbox(domain)
    rows = [
        Mailbox(
            **{name: value for name, value in asdict(each).items() if name != "template"},
            domain=domain,
            server=domain.server,
            password_changed_at=now if each.password_hash else None,
            # With a password it may be in use: then there is a term of grace.
            **({} if each.password_hash else by_rule),
        )
        for each in wanted
    ]
    for row in rows:
        require_ranges(row)
    made = Mailbox.objects.bulk_create(rows)
    events = record_all(
        [
            Entry(
                verb="mailbox.created",
                about=mailbox,
                domain=domain.name,
                after={"login": mailbox.login} | ({"template": each.template} if each.template else {}),
            )
            for mailbox, each in zip(made, wanted, strict=True)
        ],
        by=by,
    )
    changes = outbox.request_pushes(list(zip(made, events, strict=True)), "account")
    return list(zip(made, changes, strict=True))


def change_mailboxes(
    wanted: Sequence[tuple[Mailbox, dict[str, Any]]], *, by: Person | None, priority: int = BULK
) -> list[Change]:
    """Set the named fields: name, recovery_address, language, quota_bytes, and those of switches.py.

    Raises HoldsMore for room that is less than what is there.
    """
    entries, moved, renamed = [], [], []
    held = held_by(mailbox.pk for mailbox, values in wanted if "quota_bytes" in values)
    alike: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for mailbox, values in wanted:
        before = {name: getattr(mailbox, name) for name in values}
        if values.get("recovery_address", mailbox.recovery_address) != mailbox.recovery_address:
            moved.append((mailbox, mailbox.recovery_address))
        if values.get("name", mailbox.name) != mailbox.name:
            renamed.append(mailbox)
        if "quota_bytes" in values:
            require_fits(held.get(mailbox.pk, 0), values["quota_bytes"])
        for name, value in values.items():
            setattr(mailbox, name, value)
        require_ranges(mailbox, *values)
        stored = values | ({"searched": searched_text(mailbox)} if "name" in values else {})
        alike.setdefault(repr(stored), (stored, []))[1].append(mailbox.pk)
        if values.get("enabled") is False:
            end_sessions(mailbox)
        entries.append(_changed(mailbox, before, values))
    # A statement for all that become the same: bulk_update costs more than one for each mailbox.
    for values, numbers in alike.values():
        Mailbox.objects.filter(pk__in=numbers).update(**values)
    notices.tell_moved(moved, by=by)
    for takes_mail, tell in ((False, tell_gone), (True, tell_back)):
        tell([mailbox.address for mailbox, values in wanted if values.get("receives") is takes_mail], by)
    events = record_all(entries, by=by)
    pairs = [(mailbox, event) for (mailbox, _), event in zip(wanted, events, strict=True)]
    changes = outbox.request_pushes(pairs, "account", priority=priority)
    if renamed:
        tell_scripts(renamed, "mailbox.name_in_reply", {}, by=by, priority=priority)
    return changes


def delete_mailboxes(
    mailboxes: Sequence[Mailbox], *, by: Person | None, priority: int = BULK
) -> list[Change]:
    """Off at once; addresses and mail are kept for a while, in which they can be brought back."""
    now = timezone.now()
    until = now + timedelta(days=settings.KEEP_DELETED_DAYS)
    addresses = [mailbox.address for mailbox in mailboxes]
    tell_gone(addresses, by)
    take_off(addresses, by=by, with_them=mailboxes)
    for mailbox in mailboxes:
        mailbox.deleted_at, mailbox.purge_after = now, until
        end_sessions(mailbox)
    Mailbox.objects.filter(pk__in=[each.pk for each in mailboxes]).update(deleted_at=now, purge_after=until)
    return _note(mailboxes, "mailbox.deleted", by, {"kept_until": until.isoformat()}, priority)


def restore_mailboxes(
    mailboxes: Sequence[Mailbox], *, by: Person | None, priority: int = BULK
) -> list[Change]:
    """As they were before; `aliases.bring_back` does what led to each."""
    for mailbox in mailboxes:
        mailbox.deleted_at = mailbox.purge_after = None
    Mailbox.objects.filter(pk__in=[each.pk for each in mailboxes]).update(deleted_at=None, purge_after=None)
    tell_back([mailbox.address for mailbox in mailboxes if mailbox.receives], by)
    changes = _note(mailboxes, "mailbox.restored", by, None, priority)
    # What their scripts are made of may have changed meanwhile: where the domain lets mail go, say.
    tell_rules(mailboxes, "mailbox.rules_restored", by=by, priority=priority)
    return changes


def end_sessions(mailbox: Mailbox) -> None:
    """Here; the push ends those on the mail server. Sessions are bound to this value."""
    if mailbox.owner and not mailbox.owner.has_usable_password():
        mailbox.owner.set_unusable_password()
        mailbox.owner.save(update_fields=["password"])


def _note(
    mailboxes: Sequence[Mailbox],
    verb: str,
    by: Person | None,
    after: dict[str, Any] | None,
    priority: int,
) -> list[Change]:
    entries = [Entry(verb=verb, about=each, domain=each.domain.name, after=after) for each in mailboxes]
    events = record_all(entries, by=by)
    return outbox.request_pushes(list(zip(mailboxes, events, strict=True)), "account", priority=priority)


def _changed(mailbox: Mailbox, before: dict[str, Any], after: dict[str, Any]) -> Entry:
    domain = mailbox.domain.name
    if len(after) == 1 and (alone := _ALONE.get(next(iter(after.items())))):
        return Entry(verb=alone, about=mailbox, domain=domain)
    verb = _ALONE.get(tuple(after), "mailbox.edited")
    if "enabled" in after and set(after) <= set(SWITCHES):
        # What goes with it is told beside the sentence.
        verb = _ALONE["enabled", after["enabled"]]
    # "enabled" is an auto-reply's in the histories.
    told = [
        {"signing_in" if name == "enabled" else name: value for name, value in values.items()}
        for values in (before, after)
    ]
    return Entry(verb=verb, about=mailbox, domain=domain, before=told[0], after=told[1])
