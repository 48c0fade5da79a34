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


@dataclass(frozen=True, slots=True)
class Expanding:
    """A string in which ``${1}`` stands for what the last header_matches found (RFC 5229)."""

    before: str
    after: str


Argument = str | int | Tag | Expanding | tuple[str, ...]


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


def weekday_is(zone: str, days: tuple[int, ...]) -> Test:
    """Whether today is one of these days (0 is Sunday) at this offset from UTC, as in +0200."""
    return Test(
        "currentdate",
        (Tag("zone"), zone, Tag("is"), "weekday", tuple(map(str, days))),
        extensions=frozenset({"date"}),
    )


def envelope_domain_is(part: str, *domains: str) -> Test:
    return Test("envelope", (Tag("domain"), Tag("is"), part, domains), extensions=frozenset({"envelope"}))


def envelope_name_matches(patterns: tuple[str, ...]) -> Test:
    """Whether what stands before the @ of the sender is one of these, with * and ? for what is unknown."""
    arguments = (Tag("localpart"), Tag("matches"), "from", patterns)
    return Test("envelope", arguments, extensions=frozenset({"envelope"}))


def envelope_name_contains(parts: tuple[str, ...]) -> Test:
    arguments = (Tag("localpart"), Tag("contains"), "from", parts)
    return Test("envelope", arguments, extensions=frozenset({"envelope"}))


def header_name_matches(headers: tuple[str, ...], patterns: tuple[str, ...]) -> Test:
    """The same of addresses in the head of the mail."""
    return Test("address", (Tag("localpart"), Tag("matches"), headers, patterns))


def header_matches(headers: tuple[str, ...], patterns: tuple[str, ...]) -> Test:
    return Test("header", (Tag("matches"), headers, patterns))


def subject_matches_anything() -> Test:
    """True for every mail with a subject, which ${1} then stands for."""
    return Test("header", (Tag("matches"), "subject", "*"), extensions=frozenset({"variables"}))


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


def else_(*block: Command) -> Command:
    return Command("else", block=block)


def vacation(
    entity: str,
    *,
    from_: str,
    addresses: tuple[str, ...],
    handle: str,
    days: int,
    subject: str | Expanding = "",
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
    # With this one, what people wrote could be taken for the name of a variable.
    dollar = [Command("set", ("dollar", "$"))] if "variables" in extensions else []
    written = [_command(command, "", expands=bool(dollar)) for command in commands]
    return "".join([*(_command(command, "") for command in [*require, *dollar]), *written])


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

    ``${x}`` in it stays what it is in a script that does not require "variables"; in one that does, see
    `_literal`.
    """
    return '"' + fit_text(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(text: str) -> str:
    """For a script with variables: ${x} is what it reads, as a variable holds the first character."""
    return text.replace("${", "${dollar}{")


def _extensions(node: Command | Test) -> Iterator[str]:
    yield from node.extensions
    if isinstance(node, Test):
        inner: tuple[Command | Test, ...] = node.tests
    else:
        inner = (*node.block, *((node.test,) if node.test else ()))
    for part in inner:
        yield from _extensions(part)


def _command(command: Command, indent: str, *, expands: bool = False) -> str:
    words = [command.name, *(_argument(argument, expands=expands) for argument in command.arguments)]
    if command.test is None and not command.block:
        return f"{indent}{' '.join(words)};\n"
    if command.test is not None:
        words.append(_test(command.test, indent, expands=expands))
    block = "".join(_command(inner, indent + _INDENT, expands=expands) for inner in command.block)
    return f"{indent}{' '.join(words)} {{\n{block}{indent}}}\n"


def _test(test: Test, indent: str, *, expands: bool) -> str:
    words = [test.name, *(_argument(argument, expands=expands) for argument in test.arguments)]
    deeper = indent + _INDENT
    if test.name == "not":
        words.append(_test(test.tests[0], indent, expands=expands))  # a single test has no parentheses
    elif test.tests:
        rows = ",\n".join(deeper + _test(inner, deeper, expands=expands) for inner in test.tests)
        words.append(f"(\n{rows}\n{indent})")
    return " ".join(words)


def _argument(argument: Argument, *, expands: bool = False) -> str:
    written = _literal if expands else str
    match argument:
        case Tag(name):
            return f":{name}"
        case Expanding(before, after):
            return quote(f"{_literal(before)}${{1}}{_literal(after)}")
        case str():
            return quote(written(argument))
        case int():
            if argument < 0:
                raise ValueError(f"Sieve has no negative numbers: {argument}")
            return str(argument)
        case tuple():
            return f"[{', '.join(quote(written(part)) for part in argument)}]"
