"""What the portal's part of a mailbox's Sieve script should be."""

from django.utils.translation import gettext

from accounts.models import Mailbox
from mailservers.aspects import Aspect
from mailservers.drivers.base import Driver, ScriptState
from mailservers.drivers.fitting import fit_script
from vacation.content import content_of
from vacation.models import AutoReply
from vacation.rendering import render_script
from vacation.rules import own_part, rules_of
from vacation.script_drift import watch
from vacation.services import restore_auto_reply


def desired_script(mailbox: Mailbox) -> ScriptState:
    auto_reply: AutoReply | None = getattr(mailbox, "auto_reply", None)
    rules = rules_of(auto_reply)
    if auto_reply is None or not auto_reply.enabled:
        return ScriptState("", active=False, rules=rules)
    return ScriptState(render_script(content_of(auto_reply)), active=True, rules=rules)


def put_script(driver: Driver, login: str, script: ScriptState) -> None:
    driver.put_script(login, script)


def read_script(driver: Driver, login: str) -> ScriptState:
    return own_part(driver.read_script(login))


def script_differences(wanted: ScriptState, held: ScriptState) -> list[str]:
    """In words; the script's text stays out: it is what somebody wrote."""
    if wanted.active != held.active:
        return [
            gettext("the script is not active") if wanted.active else gettext("the script is still active")
        ]
    return [gettext("the script's text is another one")]


script = Aspect(
    name="script",
    desired=desired_script,
    put=put_script,
    read=read_script,
    differences=script_differences,
    fit=fit_script,
    joins=("auto_reply",),
    restore=restore_auto_reply,
    watch=watch,
)
