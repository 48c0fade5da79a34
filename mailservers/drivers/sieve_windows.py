"""When a Sieve test may hold: so much of it as depends on the moment alone (RFC 5260)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import NamedTuple

from mailservers.drivers.sieve_tokens import Token

# Pigeonhole takes none that is deeper.
DEEPEST = 32
# A test without a zone is about the server's, which is not known here.
ANY_ZONE = timedelta(hours=26)
_SECOND = timedelta(seconds=1)
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From a moment until just before another one."""

    starts: datetime = _FIRST
    ends: datetime = _LAST

    @property
    def is_empty(self) -> bool:
        return self.ends <= self.starts

    def and_(self, other: "Span") -> "Span":
        return Span(max(self.starts, other.starts), min(self.ends, other.ends))

    def or_(self, other: "Span") -> "Span":
        """Whatever lies between them as well."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Span(min(self.starts, other.starts), max(self.ends, other.ends))


ALWAYS = Span()
NEVER = Span(_LAST, _FIRST)


class Holds(NamedTuple):
    """A test holds at no moment outside of `maybe`, and for all mail within `surely`."""

    maybe: Span = ALWAYS
    surely: Span = NEVER


UNKNOWN = Holds()
_CONSTANTS = {"true": Holds(ALWAYS, ALWAYS), "false": Holds(NEVER, NEVER)}


def read_test(tokens: Sequence[Token]) -> Holds:
    """Of all the tokens between “if” and the block; what is not understood may always hold."""
    holds, position = _test(tokens, 0, 0)
    return holds if position == len(tokens) else UNKNOWN


def _test(tokens: Sequence[Token], position: int, depth: int) -> tuple[Holds, int]:
    """The test that begins there, and where it ends; behind all tokens when it is not understood."""
    lost = len(tokens) + 1
    if depth > DEEPEST or position >= len(tokens) or tokens[position].kind != "word":
        return UNKNOWN, lost
    name, begin = tokens[position].value, position + 1
    if name in _CONSTANTS:
        return _CONSTANTS[name], begin
    if name == "not":
        inner, after = _test(tokens, begin, depth + 1)
        return Holds(_without(inner.surely), _without(inner.maybe, NEVER)), after
    if name in ("allof", "anyof"):
        return _several(name, tokens, begin, depth)
    end = _end_of_arguments(tokens, begin)
    try:
        return (_moment(tokens[begin:end]) if name == "currentdate" else UNKNOWN), end
    except (ValueError, OverflowError):
        return UNKNOWN, end


def _end_of_arguments(tokens: Sequence[Token], begin: int) -> int:
    end, in_list = begin, False
    while end < len(tokens) and tokens[end].kind != "word":
        if tokens[end].kind == "sign":
            if tokens[end].value not in "[]," or (tokens[end].value == "," and not in_list):
                break
            in_list = tokens[end].value != "]"
        end += 1
    return end


def _several(name: str, tokens: Sequence[Token], position: int, depth: int) -> tuple[Holds, int]:
    lost = len(tokens) + 1
    if position >= len(tokens) or not tokens[position].is_a("sign", "("):
        return UNKNOWN, lost
    found: list[Holds] = []
    while True:
        inner, position = _test(tokens, position + 1, depth + 1)
        found.append(inner)
        if position >= len(tokens):
            return UNKNOWN, lost
        if tokens[position].is_a("sign", ")"):
            break
        if not tokens[position].is_a("sign", ","):
            return UNKNOWN, lost
    maybe, surely = found[0]
    for inner in found[1:]:
        if name == "allof":
            maybe, surely = maybe.and_(inner.maybe), surely.and_(inner.surely)
        else:
            maybe = maybe.or_(inner.maybe)
            # Between two spans it need not hold: the longer one alone counts.
            surely = max(surely, inner.surely, key=lambda span: span.ends - span.starts)
    return Holds(maybe, surely), position + 1


def _without(span: Span, otherwise: Span = ALWAYS) -> Span:
    """All moments but these, where that is one span; else `otherwise`."""
    if span.is_empty:
        return ALWAYS
    if span.starts <= _FIRST:
        return Span(span.ends, _LAST)
    if span.ends >= _LAST:
        return Span(_FIRST, span.starts)
    return otherwise


def _moment(arguments: Sequence[Token]) -> Holds:
    """Of a comparison with the present moment. Raises ValueError where it is none that is known here."""
    zone: timezone | None = None
    relation = ""
    rest: list[Token] = list(arguments)
    while rest and rest[0].kind == "tag":
        tag = rest.pop(0).value
        if tag == ":is":
            relation = "eq"
        elif tag == ":value" and rest and rest[0].kind == "string":
            relation = rest.pop(0).value.lower()
        elif tag == ":zone" and rest and rest[0].kind == "string":
            zone = _zone(rest.pop(0).value)
        elif tag == ":comparator" and rest and rest[0].value in ("i;octet", "i;ascii-casemap"):
            del rest[0]
        else:
            raise ValueError(tag)
    if not rest or rest[0].kind != "string":
        raise ValueError(relation)
    part, keys = rest[0].value.lower(), [token.value for token in rest[1:] if token.kind == "string"]
    if not keys:
        raise ValueError(part)
    maybe = NEVER
    for key in keys:
        maybe = maybe.or_(_compared(relation, part, key, zone or UTC))
    if zone is None:
        return Holds(Span(maybe.starts - ANY_ZONE, maybe.ends + ANY_ZONE), NEVER)
    if len(keys) > 1 or part == "year":
        return Holds(maybe, NEVER)
    # What is compared as text differs by less than that.
    blur = _SECOND if part == "iso8601" else timedelta()
    return Holds(maybe, Span(maybe.starts + blur, maybe.ends - blur) if relation != "eq" else maybe)


def _compared(relation: str, part: str, key: str, zone: timezone) -> Span:
    """As text is compared: a key's own offset from UTC counts for nothing."""
    match part:
        case "date":
            begin = datetime.strptime(key, "%Y-%m-%d").replace(tzinfo=zone)
            after = begin + timedelta(days=1)
        case "year":
            begin = datetime(int(key), 1, 1, tzinfo=zone)
            after = datetime(int(key) + 1, 1, 1, tzinfo=zone)
        case "iso8601":
            begin = datetime.strptime(key[:19].upper(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
            after = begin + _SECOND
        case _:
            raise ValueError(part)
    if not (len(key) >= len("2026") and begin > _FIRST and after < _LAST):
        raise ValueError(key)
    match relation:
        case "ge":
            return Span(starts=begin)
        case "gt":
            return Span(starts=begin if part == "iso8601" else after)
        case "le":
            return Span(ends=after)
        case "lt":
            return Span(ends=after if part == "iso8601" else begin)
        case "eq" if part != "iso8601":
            return Span(begin, after)
    raise ValueError(relation)


def _zone(offset: str) -> timezone:
    """As in +0200; Raises ValueError."""
    if len(offset) != len("+0200") or offset[0] not in "+-" or not offset[1:].isdecimal():
        raise ValueError(offset)
    length = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    return timezone(-length if offset[0] == "-" else length)


def meet(spans: Sequence[Span], now: datetime) -> bool:
    """Whether two of them have a moment in common from now on."""
    to_come = sorted(span.and_(Span(starts=now)) for span in spans)
    to_come = [span for span in to_come if not span.is_empty]
    return any(later.starts < earlier.ends for earlier, later in pairwise(to_come))
