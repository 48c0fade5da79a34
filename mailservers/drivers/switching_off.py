"""Switches auto-replies in people's own scripts off, so that the portal's can take their place.

It is done as Roundcube does it: whoever made one there finds it there, and can switch it on again.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from mailservers.drivers.sieve_reading import Token, has_vacation, live_tokens, tokens


def without_vacation(script: str) -> str | None:
    """The script with its auto-replies switched off; None where they are no rules of their own."""
    changed = source = script.replace("\r\n", "\n")
    for command in reversed(list(_commands(tokens(source)))):
        if any(token.is_a("word", "vacation") for token in live_tokens(command)):
            rule = _switched_off(source, command)
            if rule is None:
                return None
            changed = changed[: command[0].start] + rule + changed[command[-1].end :]
    # An "else" would run now where the rule before it is off.
    return None if has_vacation(changed) or _has_lone_else(changed) else changed


def _commands(every: list[Token]) -> Iterator[list[Token]]:
    """The outermost commands; what follows the last one is left out."""
    begun, depth = 0, 0
    for position, token in enumerate(every):
        if token.kind != "sign":
            continue
        depth += {"{": 1, "}": -1}.get(token.value, 0)
        if depth == 0 and token.value in (";", "}"):
            yield every[begun : position + 1]
            begun = position + 1


def _switched_off(source: str, command: list[Token]) -> str | None:
    first, last = command[0], command[-1]
    if first.is_a("word", "vacation"):
        return f"if false # true\n{{\n\t{source[first.start : last.end]}\n}}"
    opening = next((token for token in command if token.is_a("sign", "{")), None)
    if not first.is_a("word", "if") or opening is None:
        return None
    test = source[first.end : opening.start].strip()
    texts = [token.value for token in command if token.kind == "string" and token.start < opening.start]
    if "#" in test or "/*" in test or any("\n" in text for text in texts):
        return None
    in_a_line = re.sub(r"\s*\n\s*", " ", test)
    return f"if false # {in_a_line}\n{source[opening.start : last.end]}"


def _has_lone_else(script: str) -> bool:
    commands = list(_commands(tokens(script)))
    return any(
        following[0].value in ("elsif", "else")
        and [token.value for token in before[:3]] == ["if", "false", "{"]
        for before, following in pairwise(commands)
    )
