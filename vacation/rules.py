"""An auto-reply in parts, for mail servers that know no Sieve."""

from dataclasses import replace
from typing import Any

from mailservers.drivers.base import MailRules, ReplyRule, ScriptState
from vacation.models import AutoReply


def rules_of(auto_reply: AutoReply | None) -> MailRules:
    if auto_reply is None or not auto_reply.enabled:
        return MailRules()
    return MailRules(
        ReplyRule(
            text=auto_reply.text,
            subject=auto_reply.subject,
            starts=auto_reply.starts,
            ends=auto_reply.ends,
            days=auto_reply.days,
        )
    )


def own_part(held: ScriptState) -> ScriptState:
    """What a server holds without what is not the portal's business: it forwards nobody's mail."""
    if held.rules is None:
        return held
    return ScriptState(
        held.text, active=held.rules.reply is not None, rules=replace(held.rules, forward=None)
    )


def told_by(reply: ReplyRule, current: AutoReply) -> dict[str, Any]:
    """AutoReply.as_told of what a server holds; such servers have no subject, so ours stays."""
    return {
        **current.as_told(),
        "enabled": True,
        "text": reply.text,
        "starts": reply.starts.isoformat() if reply.starts else None,
        "ends": reply.ends.isoformat() if reply.ends else None,
        "days": min(max(reply.days, 1), 60),
    }
