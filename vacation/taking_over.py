"""Brings both of what a script is made of to what an event kept, or to what a server holds."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import Mailbox, Person
from audit.chain import Actor, Entry, record
from audit.models import Event
from mailservers.aspects import TakenBack
from mailservers.models import Change
from mailservers.outbox import NotAllowed
from vacation import forwarding, own_rules, services
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget
from vacation.permission import May, may, must_ask_for
from vacation.telling import tell_user


@transaction.atomic
def restore_script(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: TakenBack) -> Event:
    """Bring back what an event kept: of the auto-reply, of the forwarding, or of both."""
    return _take(mailbox, told, by, how)


@transaction.atomic
def keep_script(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> Event:
    """Take over what the server holds; addresses outside that never confirmed are asked first."""
    event = _take(mailbox, told, by, "kept_from_server")
    if isinstance(by, Person):
        for setting, is_part in (("auto_reply", told.get("enabled")), ("forwarding", told.get("forward"))):
            if is_part:
                tell_user(mailbox, setting, by)
    return event


@transaction.atomic
def restore_own_rules(mailbox: Mailbox, told: dict[str, Any], by: Actor) -> Event:
    """Have rules of the mailbox's own switched off that do what is the portal's to do."""
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    before, after = _switch_own_rules(mailbox, told)
    return record(
        "mailbox.restored_on_server",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before=before,
        after=after,
    )


def may_keep_script(mailbox: Mailbox, told: dict[str, Any], person: Person) -> bool:
    """Whether what the server holds is also what this person may set."""
    return _is_permitted(mailbox, told, person)


def leads_outside(mailbox: Mailbox, told: dict[str, Any]) -> bool:
    """Whether mail would go to addresses outside the domain to which the portal sends none now."""
    if not told.get("forward"):
        return False
    # Its own, as one made with this mailbox would be what the page then shows as set.
    mine = Mailbox.objects.select_related("domain").get(pk=mailbox.pk)
    before = Forwarding.of(mine)
    return forwarding.sends_anew(before, Forwarding.from_told(mine, told), told["targets"])


def restoring_needs_proof(mailbox: Mailbox, told: dict[str, Any]) -> bool:
    """As `leads_outside`; rules of the mailbox's own that are switched on again may do anything."""
    return bool(told.get("own_rules_on")) or leads_outside(mailbox, told)


def may_restore_script(change: Change, person: Person) -> bool:
    """Whether undoing it is something this person may do: whoever has to ask may not do it at once.

    For buttons, so without a query more: what a grant is not for is found when it is pressed.
    """
    rules: DomainRules | None
    if Change.mailbox.is_cached(change) and change.mailbox:
        rules = getattr(change.mailbox.domain, "mail_rules", None)
    else:
        rules = DomainRules.objects.filter(domain__mailboxes=change.mailbox_id).first()
    if rules is None or rules.leaves_all_to_users or change.event is None:
        return True
    mailbox = Mailbox.objects.select_related("domain__mail_rules").get(pk=change.mailbox_id or 0)
    return _is_permitted(mailbox, change.event.before or {}, person)


def _take(mailbox: Mailbox, told: dict[str, Any], by: Actor, how: str) -> Event:
    if isinstance(by, Person) and not _is_permitted(mailbox, told, by):
        raise PermissionDenied
    # The mailbox's row is the lock of both.
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    entries: list[tuple[str, Entry]] = []
    try:
        if "enabled" in told:
            entries.append(("auto_reply", services.bring_back(mailbox, told)))
        if "targets" in told:
            entries.append(("forwarding", forwarding.bring_back(mailbox, told)))
    except ValidationError as out_of_range:
        raise NotAllowed(" ".join(out_of_range.messages)) from None
    before, after = _switch_own_rules(mailbox, told)
    if "own_rules_first" in told:
        first = told["own_rules_first"]
        own_rules.put_first(mailbox, first=first)
        before, after = {**before, "own_rules_first": not first}, {**after, "own_rules_first": first}
    what = entries[0][0] if len(entries) == 1 else "mail_rules"
    return record(
        f"{what}.{how}",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before=_merged([*(entry.before for _, entry in entries), before]),
        after=_merged([*(entry.after for _, entry in entries), after]),
    )


def _switch_own_rules(mailbox: Mailbox, told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Switch off what is taken over, or off and on what an event tells; what the next one keeps of it."""
    off, on = told.get("own_rules_off", []), told.get("own_rules_on", [])
    if found := told.get("own_rules"):
        off = own_rules.switch_off(mailbox, found)
    else:
        if on and AutoReply.objects.filter(mailbox=mailbox, enabled=True).exists():
            # Beside the one that is on, or comes back, another would keep the server from sending any.
            silent = [number for number in on if not own_rules.answers(mailbox, number)]
            if silent != on and not told.get("enabled"):
                raise NotAllowed(
                    gettext(
                        "The rule answers mail, and so does the auto-reply that is set here. Switch that off"
                        " first."
                    )
                )
            on = silent
        own_rules.switch(mailbox, off, off=True)
        own_rules.switch(mailbox, on, off=False)
    if not off and not on:
        return {}, {}
    names = own_rules.names_of(mailbox, off or on)
    return (
        {"own_rules_on": off, "own_rules_off": on, "off_in_webmail": names if on else []},
        {"own_rules_on": on, "own_rules_off": off, "off_in_webmail": names if off else []},
    )


def _is_permitted(mailbox: Mailbox, told: dict[str, Any], by: Person) -> bool:
    """Undo and keeping theirs are changes too: whoever has to ask may not make them at once."""
    # Rules of the mailbox's own that are switched on again may send mail anywhere.
    if by.helps_by_grant and told.get("own_rules_on"):
        return False
    # Nothing is made with the mailbox as its owner here: the page would then show that as what is set.
    reply = (AutoReply.objects.filter(mailbox=mailbox).first() or AutoReply()).as_told()
    switches_on = told.get("enabled") and any(told.get(name, now) != now for name, now in reply.items())
    if switches_on and may(by, mailbox, "auto_reply") != May.CHANGE:
        return False
    if not told.get("forward"):
        return True
    forward = (Forwarding.objects.filter(mailbox=mailbox).first() or Forwarding()).as_told()
    if all(told[name] == now for name, now in forward.items()):
        return True
    known = set(
        ForwardingTarget.objects.filter(forwarding__mailbox=mailbox).values_list("address", flat=True)
    )
    outside = [address for address in told["targets"] if not forwarding.is_inside(mailbox, address)]
    if by.helps_by_grant and leads_outside(mailbox, told):
        return False
    asks = must_ask_for(by, mailbox, set(outside) - known)
    return not asks and may(by, mailbox, "forwarding") == May.CHANGE


def _merged(parts: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    return {name: value for part in parts if part for name, value in part.items()}
