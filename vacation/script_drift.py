"""What somebody changed of the portal's script on a server, in words, and how the database takes it over."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email import message_from_string, policy
from email.header import decode_header, make_header
from typing import Any

from django.utils.translation import gettext_noop

from accounts.alarms import raise_alarms
from accounts.models import Mailbox
from mailservers.aspects import Drift, Seen, Watch
from mailservers.drivers.base import Driver, DriverError, ScriptReport, ScriptState
from vacation.content import content_of
from vacation.models import AutoReply
from vacation.rendering import render_script
from vacation.rules import own_part, told_by
from vacation.services import keep_auto_reply

OFF = ScriptState("", active=False)

_STRING = r'"((?:[^"\\]|\\.)*)"'
_LIMIT = re.compile(r'"(ge|lt)" "iso8601" ' + _STRING)


def read_scripts(
    driver: Driver, logins: Sequence[str], connections: int, seconds: float
) -> Mapping[str, Seen | DriverError]:
    """A script that lies there but does not run is as good as none."""
    reports = driver.read_scripts(logins, connections=connections, seconds=seconds)
    return {login: _seen(report) for login, report in reports.items()}


def explain_script(mailbox: Mailbox, wanted: ScriptState, held: ScriptState) -> Drift:
    """What somebody wrote stays out of the sentences."""
    current = AutoReply.of(mailbox)
    if not held.active:
        return Drift(
            (
                (
                    gettext_noop(
                        "The auto-reply does not run there: it was switched off, or its script replaced."
                    ),
                    {},
                ),
            ),
            held={**current.as_told(), "enabled": False},
        )
    told = read_auto_reply(mailbox, held)
    if told is None:
        return Drift(
            ((gettext_noop("The script of the auto-reply was rewritten there."), {}),),
            held=None,
            why_not=gettext_noop("The portal does not understand every part of the script."),
        )
    if not wanted.active:
        sentences = [gettext_noop("The auto-reply runs there, and is switched off here.")]
    else:
        sentences = [
            sentence
            for name, sentence in _CHANGED.items()
            if (told[name] or "") != (current.as_told()[name] or "")
        ] or [gettext_noop("The script of the auto-reply is another one there.")]
    return Drift(tuple((sentence, {}) for sentence in sentences), held=told)


def read_auto_reply(mailbox: Mailbox, held: ScriptState) -> dict[str, Any] | None:
    """The auto-reply (AutoReply.as_told) that would make exactly this script; None when there is none."""
    current = AutoReply.of(mailbox)
    if held.rules is not None and held.rules.reply is not None:
        return told_by(held.rules.reply, current)
    for told in _candidates(held):
        try:
            reply = AutoReply.from_told(mailbox, told)
            reply.absence = current.absence
            made = render_script(content_of(reply))
        except ValueError:
            continue
        if made == held.text:
            return told
    return None


_CHANGED = {
    "subject": gettext_noop("The auto-reply has another subject there."),
    "text": gettext_noop("The auto-reply has another text there."),
    "starts": gettext_noop("The auto-reply begins at another time there."),
    "ends": gettext_noop("The auto-reply ends at another time there."),
    "days": gettext_noop("The auto-reply leaves another number of days between two replies there."),
}


def _seen(report: ScriptReport | DriverError) -> Seen | DriverError:
    if isinstance(report, DriverError):
        return report
    held = own_part(report.script)
    return Seen(held if held.active or held.rules is not None else OFF, report.redirects)


def _candidates(held: ScriptState) -> Iterator[dict[str, Any]]:
    """What it may be made of; whether it is, tells only making it anew."""
    if held.rules is not None:
        return
    days = re.search(r":days (\d{1,3}) ", held.text)
    subject = re.search(r":subject " + _STRING, held.text)
    entity = re.search(r":mime " + _STRING + r";", held.text, re.DOTALL)
    if days is None or entity is None:
        return
    try:
        limits = {relation: _moment(text) for relation, text in _LIMIT.findall(held.text)}
        text = _text_of(_unquoted(entity[1]))
        written = _unquoted(subject[1]) if subject else ""
        decoded = str(make_header(decode_header(written)))
    except (ValueError, LookupError):
        return
    for some_text in (text.removesuffix("\n"), text):
        for some_subject in dict.fromkeys((written, decoded)):
            yield {
                "enabled": True,
                "subject": some_subject,
                "text": some_text,
                "starts": limits.get("ge"),
                "ends": limits.get("lt"),
                "days": int(days[1]),
            }


def _unquoted(string: str) -> str:
    return re.sub(r"\\(.)", r"\1", string, flags=re.DOTALL)


def _moment(text: str) -> str:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).isoformat()


def _text_of(entity: str) -> str:
    """Raises LookupError or ValueError for what is no text."""
    message = message_from_string(entity + "\n", policy=policy.default)
    content = message.get_content()
    if not isinstance(content, str):
        raise ValueError(message.get_content_type())
    return content.replace("\r\n", "\n")


watch = Watch(
    read=read_scripts, explain=explain_script, keep=keep_auto_reply, alarm=raise_alarms, at_once=100
)
