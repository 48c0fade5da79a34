"""What a mailbox's server can't do with an auto-reply, told before somebody tries."""

from copy import copy

from django.utils.translation import gettext as _

from mailservers.drivers.base import Limits, Refused, ScriptState
from mailservers.drivers.fitting import fit_script
from vacation.models import AutoReply
from vacation.rules import rules_of


def sentences_about(limits: Limits) -> list[str]:
    """In the reader's language; none where the server can do everything."""
    if limits.sieve:
        return []
    if not limits.replies:
        return [_("This mailbox's server cannot answer automatically.")]
    found = []
    if limits.reply_zone:
        found.append(
            _(
                "This mailbox's server answers for whole days in the zone %(zone)s: from the midnight before"
                " the beginning you give, until the midnight after the end."
            )
            % {"zone": limits.reply_zone}
        )
    if not limits.reply_subject:
        found.append(_("The server writes the subject of the answers itself."))
    if limits.reply_as_argument:
        found.append(
            _("A backslash followed by the letter n cannot be sent: the server takes it for a new line.")
        )
        found.append(
            _("Nor can $TO, $FROM, $SUBJECT, $DATE and $BODY: the server puts something else there.")
        )
        found.append(
            _("Senders with names such as no-reply and bounces get no answer; those with longer names do.")
        )
    return found


def refuse_unfit(auto_reply: AutoReply, limits: Limits) -> None:
    """Raises Refused for what the server could never be told."""
    fit_script(ScriptState("", active=auto_reply.enabled, rules=rules_of(auto_reply)), limits)


def as_held(auto_reply: AutoReply | None, limits: Limits | None) -> AutoReply | None:
    """The auto-reply as the server carries it out, with its own beginning and end; not to be saved."""
    if auto_reply is None or limits is None or limits.sieve or not auto_reply.enabled:
        return auto_reply
    try:
        script = fit_script(ScriptState("", active=True, rules=rules_of(auto_reply)), limits)
    except Refused:
        return auto_reply
    held = copy(auto_reply)
    if script.rules is not None and script.rules.reply is not None:
        held.starts, held.ends = script.rules.reply.starts, script.rules.reply.ends
    return held
