"""What scripts of a mailbox's own do that would undo what the portal promises, when they run beside its own.

Nothing here runs a script: what might happen to some mail counts as if it did.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.utils.translation import gettext_noop

from mailservers.drivers.base import OwnScript, Told
from mailservers.drivers.sieve_reading import live_tokens, redirects
from mailservers.drivers.sieve_tokens import Token, tokens
from mailservers.drivers.sieve_windows import DEEPEST

FORMER_ORDER = gettext_noop(
    "Until something is saved here, your rules in webmail still run after the auto-reply and the forwarding."
)
FOLDER_IS_MISSING = gettext_noop(
    "Your rules in webmail file mail into the folder “%(folder)s”, which is not there: such mail lies in the"
    " inbox. Please create the folder, or take the rule away."
)


class NestedCommand(NamedTuple):
    """A command with what stands in its block; tests are among the tokens before it."""

    name: str
    head: tuple[Token, ...]
    block: "tuple[NestedCommand, ...]"


def nested_commands(script: str) -> tuple[NestedCommand, ...]:
    """All that can be reached in it, but `require`."""
    return tuple(command for command in _commands(live_tokens(tokens(script))) if command.name != "require")


def ends_all(script: str) -> bool:
    """Whether nothing behind the script is ever come to, if it runs before that."""
    return _ends(nested_commands(script), "stop")


def notes_on(own: Iterable[OwnScript], text: str, most: int, *, own_first: bool) -> Iterator[Told]:
    """What these scripts do that the portal's text, which runs beside them, does not expect.

    `most`: so often the server sends one mail on; 0: nobody knows.
    """
    sent_on = len(set(redirects(text)))
    for script in own:
        where, every = {"script": script.name}, nested_commands(script.text)
        refusing = ("reject", "ereject")
        if own_first and _goes_on_after(every, refusing):
            yield (
                gettext_noop(
                    "Your script “%(script)s” refuses mail and lets other rules go on: such mail lies in the"
                    " inbox then. Please add “stop” behind it in webmail."
                ),
                where,
            )
        elif not own_first and _goes_on_after(every, refusing, whatever_follows=True):
            yield (
                gettext_noop(
                    "Your script “%(script)s” refuses mail. After an answer or forwarding the server can't:"
                    " such mail lies in the inbox. Let your own rules run first."
                ),
                where,
            )
        if own_first and _goes_on_after(every, ("discard",)):
            yield (
                gettext_noop(
                    "Your script “%(script)s” throws mail away and lets other rules go on: such mail is"
                    " answered and forwarded. Please add “stop” behind it in webmail."
                ),
                where,
            )
    own_targets = {target for script in own for target in redirects(script.text)} - set(redirects(text))
    if most and sent_on and own_targets and sent_on + len(own_targets) > most:
        yield (
            gettext_noop(
                "Together with your own rules, mail may go on to %(count)d addresses. The server sends one"
                " mail to %(most)d at most: such mail goes to none of them."
            ),
            {"count": sent_on + len(own_targets), "most": most},
        )


def folders_needed(script: str) -> set[str]:
    """Those that mail is filed into, and that are not made when they are missing."""
    found: set[str] = set()
    waiting = list(nested_commands(script))
    while waiting:
        command = waiting.pop()
        waiting += command.block
        tags = {token.value for token in command.head if token.kind == "tag"}
        strings = [token.value for token in command.head if token.kind == "string"]
        if command.name == "fileinto" and strings and ":create" not in tags and "${" not in strings[-1]:
            found.add(strings[-1])
    return found


def _goes_on_after(
    every: Sequence[NestedCommand],
    actions: Sequence[str],
    *,
    ends: bool = False,
    whatever_follows: bool = False,
) -> bool:
    """Whether one of the actions can be followed by what stands behind the script."""
    ending = _ending(every, "stop")
    for place, command in enumerate(every):
        ends_after = not whatever_follows and (ends or ending[place + 1])
        if command.name in actions and not ends_after:
            return True
        inner = {"ends": ends_after, "whatever_follows": whatever_follows}
        if command.block and _goes_on_after(command.block, actions, **inner):
            return True
    return False


def _ends(every: Sequence[NestedCommand], word: str) -> bool:
    """Whether each way through these comes to it."""
    return _ending(every, word)[0]


def _ending(every: Sequence[NestedCommand], word: str) -> list[bool]:
    """For each place, whether each way from there on comes to it: told from the last one on."""
    ending = [False] * (len(every) + 1)
    # Of the branches that follow without a gap: where they end, and what all of them do.
    after, all_end, has_else = len(every), True, False
    for place in range(len(every) - 1, -1, -1):
        command = every[place]
        if command.name not in ("if", "elsif", "else"):
            ending[place] = command.name == word or (command.name != "return" and ending[place + 1])
            after, all_end, has_else = place, True, False
            continue
        all_end = all_end and _ends(command.block, word)
        has_else = has_else or command.name == "else"
        ending[place] = ending[place + 1]
        if command.name == "if":
            ending[place] = (all_end and (has_else or _is_true(command))) or ending[after]
            after, all_end, has_else = place, True, False
    return ending


def _is_true(command: NestedCommand) -> bool:
    return [token.value for token in command.head] == ["if", "true"]


def _commands(every: Sequence[Token]) -> list[NestedCommand]:
    blocks: list[list[NestedCommand]] = [[]]
    heads: list[list[Token]] = []
    head: list[Token] = []
    for token in every:
        if token.is_a("sign", ";"):
            if head:
                blocks[-1].append(NestedCommand(head[0].value, tuple(head), ()))
            head = []
        elif token.is_a("sign", "{"):
            if len(blocks) > DEEPEST:
                return []
            heads.append(head)
            blocks.append([])
            head = []
        elif token.is_a("sign", "}") and heads:
            block, opening = blocks.pop(), heads.pop()
            if opening:
                blocks[-1].append(NestedCommand(opening[0].value, tuple(opening), tuple(block)))
            head = []
        else:
            head.append(token)
    return blocks[0]
