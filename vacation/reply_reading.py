"""From a Sieve script back to the auto-reply it sends: from the portal's own, and from Roundcube's form.

Roundcube changes whichever script answers, also the portal's; what it makes of it then is in
tests/vacation/roundcube. Its form knows no MIME entity: people see the entity's first lines in its text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email import message_from_string, policy
from email.header import decode_header, make_header

from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext_noop

from mailservers.drivers.addresses import bare_address
from mailservers.drivers.base import ReplyRule
from mailservers.drivers.sieve_reading import ENDS
from mailservers.drivers.sieve_tokens import required, tokens
from vacation.guard import without_guard
from vacation.rendering import DAYS, fit_address, reply_entity, reply_subject
from vacation.sieve import Argument, Command, Tag, Test, UnfitText
from vacation.sieve_parsing import NotSieve, parse

USUAL_DAYS = 7
_DAY = 24 * 60 * 60
# They do nothing to the mail beyond what happens anyway.
HARMLESS = frozenset(["keep", "stop", "return"])
_WITH_VALUE = frozenset(["days", "seconds", "subject", "from", "addresses", "handle"])
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)")
_ENTITY = re.compile(r"content-type: *text/plain\b", re.IGNORECASE)
# Nearer to the ends of the calendar, sums and other zones fail.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class NotUnderstood(ValueError):
    """The script does more than the portal can keep. `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


UNCLEAR = gettext_noop("The portal does not understand every part of the script.")
DOES_MORE = gettext_noop("The script does more than answer; the portal could not keep all of it.")
SENDS_ON_TOO = gettext_noop("With the answer it also sends mail on or throws it away; the portal does not.")
ONLY_SOME = gettext_noop("It answers only some mails, by rules that the portal does not have.")
SEVERAL = gettext_noop("The script has more than one auto-reply.")
TOO_LONG = gettext_noop("The script is too long for the portal to read all of it.")
DEPENDS = gettext_noop("What it does depends on variables or encoded characters in the script.")


def read_reply(script: str, *, alone: bool) -> ReplyRule | None:
    """The one auto-reply of a script, None when it has none that runs; raises NotUnderstood.

    `alone`: nothing else may be in the script. Where it may, the other rules are not looked at.
    """
    running = running_commands(script)
    refuse_variables(script, [command for command in running if _answers(command)])
    return reply_in(running, alone=alone)


def read_leftovers(script: str) -> list[tuple[str, int | None]]:
    """Of each auto-reply: its sender as written there, and the days here where they are others there."""
    found: list[tuple[str, int | None]] = []
    waiting = list(running_commands(script))
    for command in waiting:
        waiting += command.block
        if command.name != "vacation":
            continue
        options, _text = _options(command.arguments)
        days = _days(options)
        written = options.get("seconds", 0) if "seconds" in options else None
        differs = options.get("days", days) != days or (written is not None and written != days * _DAY)
        found.append((_subject(options.get("from", "")), days if differs else None))
    return found


def refuse_variables(script: str, commands: Sequence[Command]) -> None:
    """Raises NotUnderstood where what one of these does is told by variables."""
    if "variables" in required(tokens(script)) and any(map(_expands, commands)):
        raise NotUnderstood(DEPENDS)


def _expands(node: Command | Test) -> bool:
    texts = [
        text
        for argument in node.arguments
        for text in (argument if isinstance(argument, tuple) else (argument,))
        if isinstance(text, str)
    ]
    inner: list[Command | Test] = list(node.tests if isinstance(node, Test) else node.block)
    if isinstance(node, Command) and node.test is not None:
        inner.append(node.test)
    return any("${" in text for text in texts) or any(map(_expands, inner))


def running_commands(script: str) -> list[Command]:
    """Without what is switched off, and without the scripts it includes; raises NotUnderstood."""
    try:
        commands = [command for command in parse(script) if command.name not in ("require", "include")]
    except NotSieve:
        raise NotUnderstood(UNCLEAR) from None
    return list(_running(commands))


def reply_in(running: Sequence[Command], *, alone: bool) -> ReplyRule | None:
    """As `read_reply`, of commands that run."""
    replies: list[Command] = []
    others: list[Command] = []
    for command in running:
        (replies if _answers(command) else others).append(command)
    if alone and any(command.name not in HARMLESS for command in others):
        raise NotUnderstood(DOES_MORE)
    match replies:
        case []:
            return None
        case [reply]:
            return _rule(reply)
    raise NotUnderstood(SEVERAL)


@dataclass(slots=True)
class TimeWindow:
    """From when until when; None where there is no limit."""

    starts: datetime | None = None
    ends: datetime | None = None


def _running(commands: Sequence[Command]) -> Iterator[Command]:
    """Without rules that are switched off, as Roundcube does it: ``if false { … }``, or are never come to."""
    for position, command in enumerate(commands):
        goes_on = [following.name in ("elsif", "else") for following in commands[position + 1 : position + 2]]
        if command.name != "if" or command.test != Test("false") or any(goes_on):
            yield command
        if command.name in ENDS:
            return


def _answers(command: Command) -> bool:
    return command.name == "vacation" or any(_answers(inner) for inner in command.block)


def _rule(command: Command) -> ReplyRule:
    if command.name == "vacation":
        return _reply(command, TimeWindow())
    if command.name != "if" or command.test is None:
        raise NotUnderstood(ONLY_SOME)
    window = window_of(command.test)
    inner = [action for action in command.block if action.name not in HARMLESS]
    match inner:
        case [Command(name="vacation") as reply]:
            return _reply(reply, window)
        case [Command(name="if")]:
            raise NotUnderstood(ONLY_SOME)
    raise NotUnderstood(SENDS_ON_TOO)


def window_of(test: Test) -> TimeWindow:
    """Raises NotUnderstood for a test of anything but the moment."""
    window = TimeWindow()
    for part in without_guard(test.tests if test.name == "allof" else (test,)):
        match part:
            case Test(name="true", arguments=()):
                pass
            case Test(name="currentdate", arguments=arguments, tests=()):
                _narrow(window, arguments)
            case _:
                raise NotUnderstood(ONLY_SOME)
    return window


def _narrow(window: TimeWindow, arguments: tuple[Argument, ...]) -> None:
    """By one comparison of the present moment, as text (RFC 5260)."""
    zone: tzinfo = get_default_timezone()
    rest: list[Argument] = list(arguments)
    match arguments:
        case (Tag("zone"), str(offset), *rest):
            zone = _zone(offset)
    match rest:
        case [Tag("value"), "ge" | "gt" | "le" | "lt" as relation, "date" | "iso8601" as part, str(value)]:
            pass
        case _:
            raise NotUnderstood(ONLY_SOME)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise NotUnderstood(UNCLEAR) from None
    if not _FIRST <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= _LAST:
        raise NotUnderstood(UNCLEAR)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    # What is compared has no parts of a day, or of a second.
    if relation in ("gt", "le"):
        moment += timedelta(days=1) if part == "date" else timedelta(seconds=1)
    moment = moment.astimezone(UTC)
    if relation in ("ge", "gt"):
        window.starts = max(filter(None, (window.starts, moment)))
    else:
        window.ends = min(filter(None, (window.ends, moment)))


def _zone(offset: str) -> timezone:
    found = _ZONE.fullmatch(offset)
    if found is None or int(found[2]) > 23:
        raise NotUnderstood(UNCLEAR)
    hours = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-hours if found[1] == "-" else hours)


def _reply(vacation: Command, window: TimeWindow) -> ReplyRule:
    options, written = _options(vacation.arguments)
    subject = _subject(options.get("subject", ""))
    is_entity = "mime" in options or _ENTITY.match(written) is not None
    # The last line ends are the form's or the script's, not the writer's.
    text = (_text_of(written) if is_entity else written).rstrip("\n")
    if window.starts and window.ends and window.ends <= window.starts:
        raise NotUnderstood(UNCLEAR)
    try:
        reply_entity(text)
        reply_subject(subject)
    except UnfitText as unfit:
        raise NotUnderstood(unfit.reason % unfit.values if unfit.values else unfit.reason) from None
    if not text.strip():
        raise NotUnderstood(gettext_noop("Its text is empty."))
    return ReplyRule(
        text=text,
        subject=subject,
        starts=window.starts,
        ends=window.ends,
        days=_days(options),
        addresses=_addresses(options.get("addresses", ())),
    )


def _options(arguments: tuple[Argument, ...]) -> tuple[Mapping[str, Argument], str]:
    """What stands before the text, by tag, and the text itself."""
    options: dict[str, Argument] = {}
    left = list(arguments)
    while left and isinstance(tag := left[0], Tag):
        name = tag.name
        del left[0]
        if name in _WITH_VALUE and left:
            options[name] = left.pop(0)
        elif name == "mime":
            options[name] = ""
        else:
            raise NotUnderstood(UNCLEAR)
    match left:
        case [str(text)]:
            return options, text
    raise NotUnderstood(UNCLEAR)


def _days(options: Mapping[str, Argument]) -> int:
    match options:
        case {"days": int(days)}:
            pass
        case {"seconds": int(seconds)}:
            days = -(-seconds // _DAY)
        case _:
            days = USUAL_DAYS
    return min(max(days, DAYS[0]), DAYS[-1])


def _addresses(written: Argument) -> tuple[str, ...]:
    """In lower case; those that could not be written again are left out."""
    found = (written,) if isinstance(written, str) else written
    if not isinstance(found, tuple):
        raise NotUnderstood(UNCLEAR)
    fit = []
    for address in found:
        with suppress(UnfitText):
            fit.append(fit_address(bare_address(address)))
    return tuple(dict.fromkeys(fit))


def _subject(written: Argument) -> str:
    if not isinstance(written, str):
        raise NotUnderstood(UNCLEAR)
    try:
        return str(make_header(decode_header(written)))
    except Exception:  # noqa: BLE001 - as below
        return written


def _text_of(entity: str) -> str:
    """The text of a MIME entity."""
    try:
        message = message_from_string(f"{entity}\n", policy=policy.default)
        content = message.get_content()
    except Exception:  # noqa: BLE001 - headers of others' making: the library raises TypeErrors and more
        raise NotUnderstood(UNCLEAR) from None
    if message.get_content_type() != "text/plain" or not isinstance(content, str):
        raise NotUnderstood(UNCLEAR)
    return content.replace("\r\n", "\n")
