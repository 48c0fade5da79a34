"""What somebody changed of the portal's script on a server, in words, and how the database takes it over."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from django.utils.translation import gettext_noop

from accounts.alarms import raise_alarms
from accounts.models import Mailbox
from mailservers.aspects import SENDS_ON, Drift, Seen, Watch, see_each
from mailservers.drivers.base import (
    Driver,
    DriverError,
    ForwardRule,
    OwnRule,
    OwnScript,
    ReplyRule,
    ScriptReport,
    ScriptState,
)
from mailservers.drivers.portal_script import NAME as PORTAL
from mailservers.drivers.sieve_reading import answer_together, has_vacation, redirects
from mailservers.servers import limits_of
from vacation import own_rules
from vacation.content import content_of
from vacation.forward_reading import SOME_TIMES, FoundForward, read_script
from vacation.forwarding import is_inside
from vacation.loops import way_back
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget
from vacation.rendering import render_script
from vacation.reply_reading import ONLY_SOME, NotUnderstood
from vacation.rules import told_by
from vacation.taking_over import keep_script, leads_outside, may_keep_script, restore_own_rules

OFF = ScriptState("", active=False)
# A sentence for each of thousands would help nobody.
MOST_TOLD = 20
MOST_TARGETS = 100
Reply = ReplyRule | Literal["as here"] | None
NOT_SWITCHED = gettext_noop("The portal cannot switch that rule off by itself. Please do so in webmail.")
STOPS_OTHERS = gettext_noop("The rule keeps those after it from running; without it they would run again.")
LEADS_BACK = gettext_noop("Mail that is sent on there would come back to this mailbox.")
TOO_MANY = gettext_noop("Together these are more addresses than the mail server forwards to.")
MEND_IT = gettext_noop("Please mend the mailbox's own scripts in webmail.")
MOVES = gettext_noop("Your filter “%(rule)s” moves to the script “%(script)s” and still runs.")
IS_KEPT_OFF = gettext_noop("The rule “%(rule)s” is kept in the script “%(script)s”, switched off.")
BEGINS_LATER = gettext_noop("It sends mail on from a set time, which the portal does not do.")


def read_scripts(
    driver: Driver, logins: Sequence[str], connections: int, seconds: float
) -> Mapping[str, Seen | DriverError]:
    """A script that lies there but does not run is as good as none."""
    reports = driver.read_scripts(logins, connections=connections, seconds=seconds)
    return see_each(reports, _seen)


def explain_script(mailbox: Mailbox, wanted: ScriptState, held: ScriptState) -> Drift:
    """What somebody wrote stays out of the sentences."""
    drift = _with_what_moves(_explained(mailbox, wanted, held), wanted, held)
    if held.broken:
        # Nothing of it runs, whatever the rest says.
        drift = replace(drift, held=None, why_not=MEND_IT, keeping=())
        only = replace(held, broken=()) == wanted
        told = tuple((sentence, dict(values)) for sentence, values in held.broken)
        drift = replace(drift, differences=told if only else (*told, *drift.differences))
    return replace(drift, leave=_leave(wanted, held))


def _with_what_moves(drift: Drift, wanted: ScriptState, held: ScriptState) -> Drift:
    """Rules made in the portal's script go into one of the mailbox's own.

    Those that answer all mail or send all of it on are switched off with that: what is set here holds.
    """
    if not held.moving:
        return drift
    scripts = [OwnScript(PORTAL, held.in_portal)]
    in_the_way = own_rules.in_the_way(wanted, replace(held, own=own_rules.found_in(scripts)))
    off = own_rules.as_told(scripts, in_the_way) or []
    texts = {rule["before"] for rule in off}
    restoring = []
    for rule in held.moving:
        where = {"rule": rule.name, "script": rule.script}
        if rule.runs and rule.text not in texts:
            restoring.append((MOVES, where))
        else:
            restoring.append((IS_KEPT_OFF, where))
    known = (drift.put_right or {}).get("own_rules", [])
    put_right = {"own_rules": [*known, *off]} if off else drift.put_right
    # Kept, it is the portal's from then on: beside that it must not run either.
    taken = (drift.held or {}).get("own_rules", [])
    held_too = {**drift.held, "own_rules": [*taken, *off]} if off and drift.held is not None else drift.held
    return replace(drift, held=held_too, restoring=tuple(restoring), put_right=put_right)


def _leave(wanted: ScriptState, held: ScriptState) -> str:
    """Rules made in webmail may stay beside the portal's part, where that is as it should be.

    Unless both would answer: then the server sends neither.
    """
    if not held.own or replace(held, own=()) != wanted or _rival(held.own, wanted.text):
        return ""
    sends_on = any(redirects(rule.text) for rule in held.own)
    told = json.dumps([[rule.script, rule.text] for rule in held.own])
    digest = hashlib.sha256(told.encode()).hexdigest()[:40]
    return f"{SENDS_ON if sends_on else 'answers'} {digest}"


def _rival(own: Sequence[OwnRule], text: str) -> bool:
    """Whether two of these, or one and this script, would answer the same mail."""
    return answer_together([text, *(rule.text for rule in own)])


def _explained(mailbox: Mailbox, wanted: ScriptState, held: ScriptState) -> Drift:
    own = held.own
    told_own = own_rules.as_told(held.own_scripts, own)
    put_right = {"own_rules": told_own} if own and told_own else None
    changed = [*_own_differences(held, own)]
    try:
        reply, forward = _parts_of(mailbox, held)
    except NotUnderstood as reason:
        changed.insert(0, (gettext_noop("The portal's script was rewritten there."), {}))
        return Drift(tuple(changed), held=None, why_not=reason.reason, put_right=put_right)
    try:
        own_reply, own_forward = _own_parts(held, own)
        forward = _both(forward, own_forward)
        told = _told_reply(mailbox, held, own_reply or reply)
        told |= _told_forward(mailbox, wanted, own_reply or reply, forward, is_own=own_forward is not None)
        _refuse_what_no_form_takes(mailbox, told)
    except NotUnderstood as reason:
        if not own:
            changed.insert(0, (gettext_noop("The portal's script was rewritten there."), {}))
        return Drift(tuple(changed), held=None, why_not=reason.reason, put_right=put_right)
    if own_reply is None:
        changed += [(sentence, {}) for sentence in _reply_differences(mailbox, reply, told)]
    if own_forward is None:
        changed += [(sentence, {}) for sentence in _forward_differences(mailbox, told)]
    if not changed:
        changed = [(gettext_noop("The portal's script is another one there."), {})]
    if not own:
        is_read = isinstance(reply, ReplyRule) and held.rules is None
        more = tuple(own_rules.left_out(mailbox, held.text)) if is_read else ()
        return Drift(tuple(changed), held=told, keeping=more)
    if told_own is None:
        return Drift(tuple(changed), held=None, why_not=NOT_SWITCHED)
    return Drift(
        tuple(changed),
        held=told | {"own_rules": told_own},
        keeping=tuple(_keeping(mailbox, held, own, own_reply, told)),
        put_right=put_right,
    )


def raise_unknown(found: Sequence[tuple[Mailbox, Sequence[str]]], known_before: bool) -> None:
    """What the portal itself sends on is no reason for an alarm."""
    confirmed: dict[int, set[str]] = {}
    rows = ForwardingTarget.objects.filter(
        forwarding__mailbox__in=[mailbox.pk for mailbox, _ in found], confirmed_at__isnull=False
    )
    for mailbox_id, address in rows.values_list("forwarding__mailbox", "address"):
        confirmed.setdefault(mailbox_id, set()).add(address)
    unknown = [
        (mailbox, [target for target in targets if target not in confirmed.get(mailbox.pk, set())])
        for mailbox, targets in found
    ]
    raise_alarms([(mailbox, targets) for mailbox, targets in unknown if targets], known_before)


def _parts_of(
    mailbox: Mailbox, held: ScriptState
) -> tuple[ReplyRule | Literal["as here"] | None, FoundForward | ForwardRule | None]:
    """Raises NotUnderstood."""
    if held.rules is not None:
        forward = held.rules.forward
        return held.rules.reply, forward if forward and forward.targets else None
    if not held.active:
        return None, None
    current = AutoReply.of(mailbox)
    # Periods, days of the week and a second text are known by being the same as here.
    return read_script(held.text, ours=render_script(content_of(current)) if current.enabled else "")


def _own_parts(held: ScriptState, own: Sequence[OwnRule]) -> tuple[ReplyRule | None, FoundForward | None]:
    """What the mailbox's own rules do of what the portal does; raises NotUnderstood."""
    for rule in own:
        if rule.why_not:
            raise NotUnderstood(rule.why_not)
    if any(not rule.is_plain for rule in own):
        raise NotUnderstood(ONLY_SOME)
    if own_rules.stop_others(held.own_scripts, own):
        raise NotUnderstood(STOPS_OTHERS)
    return own_rules.read(own) if own else (None, None)


def _both(
    forward: FoundForward | ForwardRule | None, own: FoundForward | None
) -> FoundForward | ForwardRule | None:
    """What the portal's part and a rule of the mailbox's own do together."""
    if own is None or forward is None:
        return own or forward
    if isinstance(forward, ForwardRule) or (forward.starts, forward.ends) != (own.starts, own.ends):
        raise NotUnderstood(SOME_TIMES)
    targets = sorted({*forward.targets, *own.targets})
    return replace(own, targets=tuple(targets), keep_copy=forward.keep_copy and own.keep_copy)


def _refuse_what_no_form_takes(mailbox: Mailbox, told: Mapping[str, Any]) -> None:
    targets, limits = told.get("targets", []), limits_of(mailbox.server)
    most = limits.redirects if limits is not None and limits.redirects else MOST_TARGETS
    if len(targets) > most:
        raise NotUnderstood(TOO_MANY)
    known = {target.address for target in Forwarding.of(mailbox).listed_targets()}
    if any(way_back(mailbox.address, address, mailbox.domain) for address in targets if address not in known):
        raise NotUnderstood(LEADS_BACK)


def _own_differences(held: ScriptState, own: Sequence[OwnRule]) -> Iterator[tuple[str, dict[str, Any]]]:
    for rule in own[:MOST_TOLD]:
        where = {"rule": rule.name, "script": rule.script}
        answers, sends_on = has_vacation(rule.text), bool(redirects(rule.text))
        if rule.starts is not None:
            sentence = gettext_noop(
                "The rule “%(rule)s” in the script “%(script)s” answers or sends mail on from %(date)s."
            )
            yield sentence, where | {"date": rule.starts.date().isoformat()}
        elif answers and sends_on:
            yield (
                gettext_noop("The rule “%(rule)s” in the script “%(script)s” answers and sends mail on."),
                where,
            )
        elif answers:
            yield gettext_noop("The rule “%(rule)s” in the script “%(script)s” answers automatically."), where
        else:
            yield gettext_noop("The rule “%(rule)s” in the script “%(script)s” sends mail on."), where
    if len(own) > MOST_TOLD:
        yield gettext_noop("So do %(number)s more rules."), {"number": len(own) - MOST_TOLD}
    if _rival(own, held.text if held.active else ""):
        yield gettext_noop("More than one auto-reply runs there: the mail server then sends none at all."), {}


def _keeping(
    mailbox: Mailbox,
    held: ScriptState,
    own: Sequence[OwnRule],
    own_reply: ReplyRule | None,
    told: Mapping[str, Any],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What comes of keeping rules of the mailbox's own."""
    if own_reply is not None:
        yield gettext_noop("The auto-reply set here becomes the one of that rule."), {}
        for rule in own:
            yield from own_rules.left_out(mailbox, rule.text)
    rules = DomainRules.of(mailbox.domain)
    known = {target.address: target.answer for target in Forwarding.of(mailbox).listed_targets()}
    for address in told.get("targets", []):
        where = {"address": address}
        if not rules.permits(address):
            yield gettext_noop("Nothing goes to %(address)s: the domain's rules do not allow it."), where
        elif not is_inside(mailbox, address) and known.get(address) != "confirmed":
            yield (
                gettext_noop("%(address)s is asked by mail first; until it agrees, nothing goes there."),
                where,
            )
    if own_rules.are_stopped_before(held.own_scripts, own):
        yield (
            gettext_noop("It holds for all mail then; there, rules before it keep some mail from it."),
            {},
        )
    yield (
        gettext_noop(
            "The rule is switched off there. All other rules stay as they are and still run. A copy of the"
            " script is kept, and Undo switches the rule on again."
        ),
        {},
    )


def _told_reply(mailbox: Mailbox, held: ScriptState, reply: Reply) -> dict[str, Any]:
    current = AutoReply.of(mailbox)
    if reply is None:
        return {**current.as_told(), "enabled": False}
    if reply == "as here":
        return current.as_told()
    told = told_by(reply, current)
    # Servers that know no Sieve know no subject either, and no further addresses: ours stay.
    unknown = {"subject": current.subject, "addresses": current.addresses}
    return told if held.rules is None else {**told, **unknown}


def _told_forward(
    mailbox: Mailbox,
    wanted: ScriptState,
    reply: Reply,
    forward: FoundForward | ForwardRule | None,
    *,
    is_own: bool,
) -> dict[str, Any]:
    """Nothing for a mailbox that never forwarded and does not now."""
    current = Forwarding.of(mailbox)
    if forward is None:
        if current.pk is None or not _sends_on(wanted):
            return {}
        return {**current.as_told(), "forward": False}
    starts = forward.starts if isinstance(forward, FoundForward) else None
    ends = forward.ends if isinstance(forward, FoundForward) else None
    auto_reply = AutoReply.of(mailbox)
    answers = (auto_reply.starts, auto_reply.ends) if reply == "as here" else _window_of(reply)
    away = starts is not None or (current.only_while_away and not is_own)
    if away and starts != answers[0]:
        raise NotUnderstood(BEGINS_LATER)
    if away and ends == answers[1]:
        ends = current.ends
    # Those that wait for an answer, or are gone, are no difference: the server could not hold them.
    waiting = [
        target.address
        for target in current.listed_targets()
        if target.answer != "confirmed" or target.gone_at is not None
    ]
    return {
        "forward": True,
        "targets": sorted({*forward.targets, *waiting}),
        "keep_copy": forward.keep_copy,
        "forward_until": ends.isoformat() if ends else None,
        "only_while_away": away,
    }


def _window_of(reply: ReplyRule | None) -> tuple[datetime | None, datetime | None]:
    return (reply.starts, reply.ends) if reply else (None, None)


def _sends_on(wanted: ScriptState) -> bool:
    if wanted.rules is not None:
        return bool(wanted.rules.forward and wanted.rules.forward.targets)
    return bool(redirects(wanted.text))


def _reply_differences(mailbox: Mailbox, reply: Reply, told: Mapping[str, Any]) -> list[str]:
    current = AutoReply.of(mailbox)
    if reply is None:
        gone = gettext_noop("The auto-reply does not run there: it was switched off, or its script replaced.")
        return [gone] if current.enabled else []
    if not current.enabled:
        return [gettext_noop("The auto-reply runs there, and is switched off here.")]
    now = current.as_told()
    return [sentence for name, sentence in _CHANGED.items() if (told[name] or "") != (now[name] or "")]


def _forward_differences(mailbox: Mailbox, told: Mapping[str, Any]) -> list[str]:
    if "forward" not in told:
        return []
    now = Forwarding.of(mailbox).as_told()
    if told["forward"] != now["forward"]:
        return [
            gettext_noop("Mail is forwarded there, and not here.")
            if told["forward"]
            else gettext_noop("Mail is not forwarded there any more.")
        ]
    return [
        sentence for name, sentence in _FORWARD_CHANGED.items() if (told[name] or "") != (now[name] or "")
    ]


_CHANGED = {
    "subject": gettext_noop("The auto-reply has another subject there."),
    "text": gettext_noop("The auto-reply has another text there."),
    "starts": gettext_noop("The auto-reply begins at another time there."),
    "ends": gettext_noop("The auto-reply ends at another time there."),
    "days": gettext_noop("The auto-reply leaves another number of days between two replies there."),
}
_FORWARD_CHANGED = {
    "targets": gettext_noop("Mail is forwarded to other addresses there."),
    "keep_copy": gettext_noop("Whether a copy is kept is another choice there."),
    "forward_until": gettext_noop("Forwarding ends at another time there."),
    "only_while_away": gettext_noop("Mail is forwarded there also while the auto-reply is off."),
}


def _seen(report: ScriptReport) -> Seen:
    held = report.script
    if not held.active and held.rules is None:
        held = replace(OFF, own_redirects=held.own_redirects, moving=held.moving, in_portal=held.in_portal)
    own = own_rules.found_in(report.own)
    if own:
        held = replace(held, own=own, own_scripts=report.own)
    return Seen(held, report.redirects, in_the_way=bool(own))


watch = Watch(
    read=read_scripts,
    explain=explain_script,
    keep=keep_script,
    restore=restore_own_rules,
    may_keep=may_keep_script,
    needs_proof=leads_outside,
    alarm=raise_unknown,
    noted=own_rules.note_seen,
    after_refusal=True,
    after_push=own_rules.do_the_portals,
    at_once=100,
)
