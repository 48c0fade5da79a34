"""Sieve source (RFC 5228) from typed nodes: what people wrote can become a string in it, never syntax."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_noop

# Control characters (tabulator and line feed are none here), and halves of surrogate pairs.
_UNFIT = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")
_INDENT = "    "


class UnfitText(ValueError):
    """What somebody wrote can't be sent as it is. `reason` is a sentence with %(name)s places for `values`.

    The two are kept apart so that the sentence can be translated when it is shown.
    """

    def __init__(self, reason: str, **values: str | int) -> None:
        super().__init__(reason % values if values else reason)
        self.reason = reason
        self.values = values


@dataclass(frozen=True, slots=True)
class Tag:
    """The name of an argument: ``Tag("days")`` is ``:days``."""

    name: str


Argument = str | int | Tag | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """A question about the mail or the moment, with the extensions it needs."""

    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple["Test", ...] = ()
    extensions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Command:
    """An action, or a control such as ``if`` with its test and its block of commands."""

    name: str
    arguments: tuple[Argument, ...] = ()
    test: Test | None = None
    block: tuple["Command", ...] = ()
    extensions: frozenset[str] = frozenset()


def allof(*tests: Test) -> Test:
    return Test("allof", tests=tests)


def anyof(*tests: Test) -> Test:
    return Test("anyof", tests=tests)


def not_(test: Test) -> Test:
    return Test("not", tests=(test,))


def currentdate(relation: str, part: str, value: str) -> Test:
    """Compare a part of the present moment in UTC (RFC 5260); `relation` is ge, lt, … (RFC 5231)."""
    return Test(
        "currentdate",
        (Tag("zone"), "+0000", Tag("value"), relation, part, value),
        extensions=frozenset({"date", "relational"}),
    )


def envelope_is(part: str, *addresses: str) -> Test:
    return Test("envelope", (Tag("is"), part, addresses), extensions=frozenset({"envelope"}))


def if_(test: Test, *block: Command) -> Command:
    return Command("if", test=test, block=block)


def vacation(
    entity: str, *, from_: str, addresses: tuple[str, ...], handle: str, days: int, subject: str = ""
) -> Command:
    """Answer with a MIME entity (RFC 5230); without a subject the server makes one of the mail's."""
    return Command(
        "vacation",
        (
            *(Tag("days"), days),
            *((Tag("subject"), subject) if subject else ()),
            *(Tag("from"), from_),
            *(Tag("addresses"), addresses),
            *(Tag("handle"), handle),
            Tag("mime"),
            entity,
        ),
        extensions=frozenset({"vacation"}),
    )


def redirect(address: str, *, copy: bool = False) -> Command:
    """Send the mail on; with `copy` (RFC 3894) the mailbox keeps it as well."""
    if copy:
        return Command("redirect", (Tag("copy"), address), extensions=frozenset({"copy"}))
    return Command("redirect", (address,))


def keep() -> Command:
    return Command("keep")


def stop() -> Command:
    return Command("stop")


def script(*commands: Command) -> str:
    """The source of a whole script, ``require`` included, with LF line ends."""
    extensions = {extension for command in commands for extension in _extensions(command)}
    require = [Command("require", (tuple(sorted(extensions)),))] if extensions else []
    return "".join(_command(command, "") for command in [*require, *commands])


def fit_text(text: str) -> str:
    """The text with LF line ends, else to the letter; `UnfitText` when it holds what mail can't carry."""
    text = text.replace("\r\n", "\n")
    if unfit := _UNFIT.search(text):
        raise UnfitText(
            gettext_noop("Please remove the character U+%(code)s from line %(line)d: it can't be sent."),
            line=text.count("\n", 0, unfit.start()) + 1,
            code=f"{ord(unfit[0]):04X}",
        )
    return text


def quote(text: str) -> str:
    """The one way text enters a script: a quoted string (RFC 5228, 2.4.2), where only two characters escape.

    ``${x}`` in it stays what it is, as no script of ours requires "variables".
    """
    return '"' + fit_text(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _extensions(node: Command | Test) -> Iterator[str]:
    yield from node.extensions
    if isinstance(node, Test):
        inner: tuple[Command | Test, ...] = node.tests
    else:
        inner = (*node.block, *((node.test,) if node.test else ()))
    for part in inner:
        yield from _extensions(part)


def _command(command: Command, indent: str) -> str:
    words = [command.name, *map(_argument, command.arguments)]
    if command.test is None:
        return f"{indent}{' '.join(words)};\n"
    words.append(_test(command.test, indent))
    block = "".join(_command(inner, indent + _INDENT) for inner in command.block)
    return f"{indent}{' '.join(words)} {{\n{block}{indent}}}\n"


def _test(test: Test, indent: str) -> str:
    words = [test.name, *map(_argument, test.arguments)]
    deeper = indent + _INDENT
    if test.name == "not":
        words.append(_test(test.tests[0], indent))  # a single test has no parentheses
    elif test.tests:
        rows = ",\n".join(deeper + _test(inner, deeper) for inner in test.tests)
        words.append(f"(\n{rows}\n{indent})")
    return " ".join(words)


def _argument(argument: Argument) -> str:
    match argument:
        case Tag(name):
            return f":{name}"
        case str():
            return quote(argument)
        case int():
            if argument < 0:
                raise ValueError(f"Sieve has no negative numbers: {argument}")
            return str(argument)
        case tuple():
            return f"[{', '.join(map(quote, argument))}]"
