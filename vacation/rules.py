"""An auto-reply and forwarding in parts, for mail servers that know no Sieve."""

from dataclasses import replace
from typing import Any

from accounts.alias_leads import addresses_of
from mailservers.drivers.base import ForwardRule, MailRules, ReplyRule, ScriptState
from vacation.content import reachable_targets
from vacation.models import AutoReply, Forwarding
from vacation.own_rules import in_the_way


def rules_of(auto_reply: AutoReply | None, forwarding: Forwarding | None = None) -> MailRules:
    forward = forward_rule_of(forwarding)
    if auto_reply is None or not auto_reply.enabled:
        return MailRules(None, forward)
    return MailRules(
        ReplyRule(
            text=auto_reply.text,
            subject=auto_reply.subject,
            starts=auto_reply.starts,
            ends=auto_reply.ends,
            days=auto_reply.days,
        ),
        forward,
    )


def forward_rule_of(forwarding: Forwarding | None) -> ForwardRule | None:
    """None: the portal was never told of any, and leaves the server's own alone."""
    if forwarding is None:
        return None
    if not forwarding.enabled:
        return ForwardRule()
    targets = reachable_targets(forwarding)
    return ForwardRule(targets, keep_copy=forwarding.keep_copy or not targets)


def own_part(wanted: ScriptState, held: ScriptState) -> ScriptState:
    """What a server holds without what is not the portal's business."""
    if held.own:
        held = replace(held, own=in_the_way(wanted, held))
    if held.rules is None or (wanted.rules is not None and wanted.rules.forward is not None):
        return held
    return ScriptState(
        held.text, active=held.rules.reply is not None, rules=replace(held.rules, forward=None)
    )


def told_by(reply: ReplyRule, current: AutoReply) -> dict[str, Any]:
    """AutoReply.as_told of what a server holds."""
    known = {current.mailbox.address, *addresses_of(current.mailbox)}
    further = [address for address in reply.addresses if address not in known]
    return {
        **current.as_told(),
        "enabled": True,
        "subject": reply.subject,
        "text": reply.text,
        "starts": reply.starts.isoformat() if reply.starts else None,
        "ends": reply.ends.isoformat() if reply.ends else None,
        "days": min(max(reply.days, 1), 60),
        "addresses": further,
    }
