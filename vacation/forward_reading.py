"""From a Sieve script back to what it sends on: from the portal's own, and from Roundcube's form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext_noop

from mailservers.drivers.addresses import bare_address
from mailservers.drivers.base import ReplyRule
from vacation.rendering import fit_address
from vacation.reply_reading import (
    HARMLESS,
    ONLY_SOME,
    SEVERAL,
    UNCLEAR,
    NotUnderstood,
    TimeWindow,
    refuse_variables,
    reply_in,
    running_commands,
    window_of,
)
from vacation.sieve import Command, Tag, Test, UnfitText

SOME_COPIES = gettext_noop("It keeps a copy of what it sends to some addresses only.")
SOME_TIMES = gettext_noop("It sends mail on to different addresses at different times.")


@dataclass(frozen=True, slots=True)
class FoundForward:
    """Where a script sends mail on to; the moments are aware."""

    targets: tuple[str, ...]
    keep_copy: bool
    starts: datetime | None = None
    ends: datetime | None = None


def read_script(
    script: str, *, ours: str = ""
) -> tuple[ReplyRule | Literal["as here"] | None, FoundForward | None]:
    """What a script of answers and forwards does; raises NotUnderstood when it does more.

    `ours`: the script of an auto-reply that is not read when it is found whole.
    """
    answers: list[Command] = []
    forwards: list[Command] = []
    running = running_commands(script)
    known = running_commands(ours) if ours else []
    as_here = bool(known) and all(command in running for command in known)
    for command in running:
        if as_here and command in known:
            continue
        if command.name == "redirect":
            forwards.append(Command("if", test=Test("true"), block=(command,)))
        elif command.name == "if" and any(inner.name == "redirect" for inner in command.block):
            forwards.append(command)
            rest = tuple(inner for inner in command.block if inner.name != "redirect")
            if any(inner.name not in HARMLESS for inner in rest):
                answers.append(Command("if", test=command.test, block=rest))
        else:
            answers.append(command)
    refuse_variables(script, [*answers, *forwards])
    keeps = any(command.name == "keep" for command in answers)
    found = _forward(forwards, keeps=keeps)
    reply = reply_in(answers, alone=True)
    if as_here and reply is not None:
        raise NotUnderstood(SEVERAL)
    return "as here" if as_here else reply, found


def _forward(commands: Sequence[Command], *, keeps: bool) -> FoundForward | None:
    if not commands:
        return None
    targets: list[str] = []
    copies: set[bool] = set()
    windows: list[TimeWindow] = []
    for command in commands:
        if command.test is None:
            raise NotUnderstood(ONLY_SOME)
        windows.append(window_of(command.test))
        keeps_here = keeps or any(inner.name == "keep" for inner in command.block)
        for action in command.block:
            if action.name == "redirect":
                targets.append(_target(action))
                copies.add(keeps_here or Tag("copy") in action.arguments)
    if len(copies) > 1:
        raise NotUnderstood(SOME_COPIES)
    if any(window != windows[0] for window in windows):
        raise NotUnderstood(SOME_TIMES)
    return FoundForward(tuple(sorted(set(targets))), copies.pop(), windows[0].starts, windows[0].ends)


def _target(action: Command) -> str:
    match action.arguments:
        case (Tag("copy"), str(address)) | (str(address),):
            pass
        case _:
            raise NotUnderstood(UNCLEAR)
    try:
        return fit_address(bare_address(address))
    except UnfitText:
        raise NotUnderstood(UNCLEAR) from None
