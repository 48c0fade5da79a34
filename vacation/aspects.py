"""What the portal's part of a mailbox's Sieve script should be."""

from django.utils.translation import gettext

from accounts.models import Mailbox
from audit.models import Event
from mailservers.aspects import Aspect
from mailservers.drivers.base import Driver, ScriptState
from mailservers.drivers.fitting import fit_script
from mailservers.models import Change, say
from vacation.content import auto_reply_of, forwarding_of, script_text
from vacation.models import OwnScripts
from vacation.own_rules import edits_of, note_done
from vacation.rules import own_part, rules_of
from vacation.script_drift import watch
from vacation.taking_over import may_restore_script, restore_script, restoring_needs_proof


def desired_script(mailbox: Mailbox) -> ScriptState:
    rules = rules_of(auto_reply_of(mailbox), forwarding_of(mailbox))
    text, own = script_text(mailbox), OwnScripts.of(mailbox)
    # Where nothing runs, or nothing but what is set here, there is no order.
    own_first = own.run_first or not text or mailbox.frozen_at is not None
    return ScriptState(
        text,
        active=bool(text),
        rules=rules,
        own_first=own_first,
        edits=edits_of(mailbox),
        before=own.active,
    )


def put_script(driver: Driver, login: str, script: ScriptState) -> None:
    driver.put_script(login, script)


def read_script(driver: Driver, login: str) -> ScriptState:
    return driver.read_script(login)


def script_differences(wanted: ScriptState, held: ScriptState) -> list[str]:
    """In words; the script's text stays out: it is what somebody wrote."""
    if held.broken:
        return [say(sentence, dict(values)) for sentence, values in held.broken]
    if wanted.active != held.active:
        return [
            gettext("the script is not active") if wanted.active else gettext("the script is still active")
        ]
    if wanted.text == held.text:
        return [gettext("the mailbox's own rules run at another place")]
    return [gettext("the script's text is another one")]


def feature_of(event: Event) -> str:
    """What an event has set of the two: its undo brings back that alone."""
    told = event.before or {}
    parts = [name for name, key in (("auto_reply", "enabled"), ("forwarding", "targets")) if key in told]
    if len(parts) == 1:
        return parts[0]
    if not parts and event.before is None:
        # A target has agreed, an alias is new: made anew of what is set, which nobody has changed.
        return Change.Feature.NONE
    return Change.Feature.WHOLE


script = Aspect(
    name="script",
    desired=desired_script,
    put=put_script,
    read=read_script,
    differences=script_differences,
    fit=fit_script,
    own=own_part,
    joins=("auto_reply", "forwarding", "own_scripts", "domain__mail_rules"),
    noted=note_done,
    feature_of=feature_of,
    restore=restore_script,
    may_restore=may_restore_script,
    restore_needs_proof=restoring_needs_proof,
    watch=watch,
)
