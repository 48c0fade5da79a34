"""From Sieve source to the nodes of sieve.py: strict, for scripts whose every part has to be understood."""

import re
from dataclasses import dataclass

from mailservers.drivers.sieve_tokens import Token, tokens
from vacation.sieve import Argument, Command, Tag, Test

_NUMBER = re.compile(r"(\d{1,9})([kmg]?)")
_STEPS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# Deeper than anybody's rules, and far from what Python's stack bears.
DEEPEST = 30


class NotSieve(ValueError):
    """The source does not keep to the grammar of RFC 5228, or goes too deep or on too long."""


def parse(source: str) -> tuple[Command, ...]:
    """All commands, comments left out; names and tags in lower case. Raises NotSieve."""
    every = tokens(source)
    if not every.is_whole:
        raise NotSieve
    return _Reader(every).commands(until="", depth=0)


@dataclass(slots=True)
class _Reader:
    """Goes through the tokens once."""

    ahead: list[Token]
    position: int = 0

    def commands(self, *, until: str, depth: int) -> tuple[Command, ...]:
        if depth > DEEPEST:
            raise NotSieve
        found = []
        while not self._comes(until):
            found.append(self._command(depth))
        return tuple(found)

    def _command(self, depth: int) -> Command:
        name, arguments = self._word(), self._arguments()
        test = self._test(depth) if self._next_kind() == "word" else None
        if self._skip(";"):
            return Command(name, arguments, test)
        self._expect("{")
        block = self.commands(until="}", depth=depth + 1)
        self._expect("}")
        return Command(name, arguments, test, block)

    def _test(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise NotSieve
        name, arguments = self._word(), self._arguments()
        if self._next_kind() == "word":
            return Test(name, arguments, (self._test(depth + 1),))
        if not self._skip("("):
            return Test(name, arguments)
        inner = [self._test(depth + 1)]
        while self._skip(","):
            inner.append(self._test(depth + 1))
        self._expect(")")
        return Test(name, arguments, tuple(inner))

    def _arguments(self) -> tuple[Argument, ...]:
        found: list[Argument] = []
        while True:
            token = self._peek()
            if token.kind == "tag":
                found.append(Tag(token.value.removeprefix(":")))
            elif token.kind == "string":
                found.append(token.value)
            elif token.kind == "number" and (number := _NUMBER.fullmatch(token.value)):
                found.append(int(number[1]) * _STEPS[number[2]])
            elif token.is_a("sign", "["):
                found.append(self._list())
                continue
            else:
                return tuple(found)
            self.position += 1

    def _list(self) -> tuple[str, ...]:
        self._expect("[")
        found = [self._string()]
        while self._skip(","):
            found.append(self._string())
        self._expect("]")
        return tuple(found)

    def _string(self) -> str:
        return self._take("string").value

    def _word(self) -> str:
        return self._take("word").value

    def _take(self, kind: str) -> Token:
        token = self._peek()
        if token.kind != kind:
            raise NotSieve
        self.position += 1
        return token

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise NotSieve

    def _skip(self, sign: str) -> bool:
        """Whether this sign came, and is behind us now."""
        if self.position == len(self.ahead) or not self.ahead[self.position].is_a("sign", sign):
            return False
        self.position += 1
        return True

    def _comes(self, sign: str) -> bool:
        """Whether this sign is next; no sign: whether there is nothing more."""
        if self.position == len(self.ahead):
            return not sign
        return bool(sign) and self.ahead[self.position].is_a("sign", sign)

    def _next_kind(self) -> str:
        return self._peek().kind

    def _peek(self) -> Token:
        if self.position == len(self.ahead):
            raise NotSieve
        return self.ahead[self.position]
