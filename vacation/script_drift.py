"""What somebody changed of the portal's script on a server, in words, and how the database takes it over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from django.utils.translation import gettext_noop

from accounts.alarms import raise_alarms
from accounts.models import Mailbox
from mailservers.aspects import Drift, Seen, Watch
from mailservers.drivers.base import Driver, DriverError, ForwardRule, ReplyRule, ScriptReport, ScriptState
from mailservers.drivers.sieve_reading import redirects
from vacation.content import content_of
from vacation.forward_reading import FoundForward, read_script
from vacation.models import AutoReply, Forwarding, ForwardingTarget
from vacation.rendering import render_script
from vacation.reply_reading import NotUnderstood
from vacation.rules import told_by
from vacation.taking_over import keep_script

OFF = ScriptState("", active=False)
Reply = ReplyRule | Literal["as here"] | None
BEGINS_LATER = gettext_noop("It sends mail on from a set time, which the portal does not do.")


def read_scripts(
    driver: Driver, logins: Sequence[str], connections: int, seconds: float
) -> Mapping[str, Seen | DriverError]:
    """A script that lies there but does not run is as good as none."""
    reports = driver.read_scripts(logins, connections=connections, seconds=seconds)
    return {login: _seen(report) for login, report in reports.items()}


def explain_script(mailbox: Mailbox, wanted: ScriptState, held: ScriptState) -> Drift:
    """What somebody wrote stays out of the sentences."""
    try:
        reply, forward = _parts_of(mailbox, held)
        told = _told_reply(mailbox, held, reply) | _told_forward(mailbox, wanted, reply, forward)
    except NotUnderstood as reason:
        rewritten = gettext_noop("The portal's script was rewritten there.")
        return Drift(((rewritten, {}),), held=None, why_not=reason.reason)
    changed = [
        *_reply_differences(mailbox, reply, told),
        *_forward_differences(mailbox, told),
    ]
    if not changed:
        changed = [gettext_noop("The portal's script is another one there.")]
    return Drift(tuple((sentence, {}) for sentence in changed), held=told)


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


def _told_reply(mailbox: Mailbox, held: ScriptState, reply: Reply) -> dict[str, Any]:
    current = AutoReply.of(mailbox)
    if reply is None:
        return {**current.as_told(), "enabled": False}
    if reply == "as here":
        return current.as_told()
    told = told_by(reply, current)
    # Servers that know no Sieve know no subject either: ours stays.
    return told if held.rules is None else {**told, "subject": current.subject}


def _told_forward(
    mailbox: Mailbox,
    wanted: ScriptState,
    reply: Reply,
    forward: FoundForward | ForwardRule | None,
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
    away = current.only_while_away or starts is not None
    if away and starts != answers[0]:
        raise NotUnderstood(BEGINS_LATER)
    if away and ends == answers[1]:
        ends = current.ends
    # Those that wait for an answer are no difference: the server could not hold them.
    waiting = [target.address for target in current.listed_targets() if target.answer != "confirmed"]
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


def _seen(report: ScriptReport | DriverError) -> Seen | DriverError:
    if isinstance(report, DriverError):
        return report
    held = report.script
    return Seen(held if held.active or held.rules is not None else OFF, report.redirects)


watch = Watch(read=read_scripts, explain=explain_script, keep=keep_script, alarm=raise_unknown, at_once=100)
