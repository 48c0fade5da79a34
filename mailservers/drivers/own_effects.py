"""What scripts of a mailbox's own do that would undo what the portal promises, when they run beside its own.

Nothing here runs a script: what might happen to some mail counts as if it did.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mailservers.drivers.sieve_reading import Token, live_tokens, tokens


class Command(NamedTuple):
    """A command with what stands in its block; tests are among the tokens before it."""

    name: str
    head: tuple[Token, ...]
    block: "tuple[Command, ...]"


def commands(script: str) -> tuple[Command, ...]:
    """All that can be reached in it, but `require`."""
    return tuple(command for command in _commands(live_tokens(tokens(script))) if command.name != "require")


def ends_all(script: str) -> bool:
    """Whether nothing behind the script is ever come to, if it runs before that."""
    return _ends(commands(script), "stop")


def _ends(every: Sequence[Command], word: str) -> bool:
    """Whether each way through these comes to it."""
    place = 0
    while place < len(every):
        command = every[place]
        if command.name == word:
            return True
        if command.name == "return":
            return False
        if command.name == "if":
            branches = [command, *_branches(every[place + 1 :])]
            is_whole = branches[-1].name == "else" or _is_true(command)
            if is_whole and all(_ends(branch.block, word) for branch in branches):
                return True
            place += len(branches)
        else:
            place += 1
    return False


def _branches(after: Sequence[Command]) -> Iterator[Command]:
    for command in after:
        if command.name not in ("elsif", "else"):
            return
        yield command


def _is_true(command: Command) -> bool:
    return [token.value for token in command.head] == ["if", "true"]


def _commands(every: Sequence[Token]) -> list[Command]:
    blocks: list[list[Command]] = [[]]
    heads: list[list[Token]] = []
    head: list[Token] = []
    for token in every:
        if token.is_a("sign", ";"):
            if head:
                blocks[-1].append(Command(head[0].value, tuple(head), ()))
            head = []
        elif token.is_a("sign", "{"):
            heads.append(head)
            blocks.append([])
            head = []
        elif token.is_a("sign", "}") and heads:
            block, opening = blocks.pop(), heads.pop()
            if opening:
                blocks[-1].append(Command(opening[0].value, tuple(opening), tuple(block)))
            head = []
        else:
            head.append(token)
    return blocks[0]
