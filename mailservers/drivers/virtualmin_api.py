"""Virtualmin's remote API: its programs, called over HTTP, and what their answers mean."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_noop

from mailservers.drivers.base import Refused, ServerAway, TryAgain
from mailservers.drivers.webmin_http import AnswerLost, NeverSent, WebminHttp

PATH = "/virtual-server/remote.cgi"
FORM = "application/x-www-form-urlencoded"
# Lines the server's log has put among an answer's own.
_LOG_LINE = re.compile(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]")
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)

Parameters = Sequence[tuple[str, str | None]]
"""Options of a program in their order; None is one without a value."""


class NotAllowed(ServerAway):
    """The portal's Webmin user may not run a program."""


class ProgramFailed(Exception):
    """The program understood and ended with an error; `error` is its first line. Never holds a secret."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error

    @property
    def refusal(self) -> Refused:
        """For people, where nothing better is known of it."""
        return Refused(gettext_noop("The mail server does not take the change: %(error)s"), error=self.error)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of a list: every value is a list of texts."""

    name: str
    values: dict[str, list[str]] = field(repr=False)

    def first(self, key: str, default: str = "") -> str:
        return next(iter(self.values.get(key, [])), default)


class RemoteApi:
    """The programs of one server."""

    def __init__(self, http: WebminHttp, *, read_seconds: float, write_seconds: float) -> None:
        self._http = http
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds

    def rows(self, program: str, parameters: Parameters) -> list[Row]:
        """Of a list program; asked once more when the answer was lost. Raises ProgramFailed."""
        # Without it the table for people is cut up into useless rows.
        whole = [*parameters, ("multiline", None)]
        try:
            answer = self._call(program, whole, self._read_seconds)
        except (AnswerLost, NeverSent):
            answer = self._call(program, whole, self._read_seconds)
        data = answer.get("data")
        if not isinstance(data, list):
            raise _unknown_answer()
        return list(_rows(data))

    def text(self, program: str, parameters: Parameters) -> str:
        """What a program printed that changes nothing."""
        return _without_log_lines(str(self._call(program, parameters, self._read_seconds).get("output", "")))

    def run(self, program: str, parameters: Parameters) -> None:
        """A change: never sent twice. Raises ProgramFailed; AnswerLost when nobody knows."""
        self._call(program, parameters, self._write_seconds)

    def _call(self, program: str, parameters: Parameters, seconds: float) -> dict[str, Any]:
        refuse_unfit(parameters)
        pairs = [("program", program), ("json", "1"), *((name, value or "") for name, value in parameters)]
        kind, body = self._http.post(PATH, urlencode(pairs).encode(), FORM, seconds)
        if kind == "text/plain" and body.startswith(b"ERROR: You are not allowed"):
            raise NotAllowed(
                gettext_noop("The portal's Webmin user may not run the program %(program)s."), program=program
            )
        if kind == "text/html":
            raise ServerAway(
                gettext_noop(
                    "Webmin on the mail server answered with a page in place of data: the portal's user may"
                    " lack the right to Virtualmin."
                )
            )
        try:
            answer = json.loads(body)
        except ValueError:
            raise AnswerLost(gettext_noop("The answer of Webmin on the mail server was cut off.")) from None
        if not isinstance(answer, dict):
            raise _unknown_answer()
        match answer.get("status"):
            case "success" if kind == "application/json":
                return answer
            case "failure":
                raise _failure(answer, [value for name, value in parameters if value and name in SECRET])
            case "error":
                raise ServerAway(
                    gettext_noop("Virtualmin on the mail server does not know the program %(program)s."),
                    program=program,
                )
        raise _unknown_answer()


SECRET = frozenset(["pass", "encpass"])


def refuse_unfit(parameters: Parameters) -> None:
    """Each value is one argument of a command: a line break in it would begin another one, and with an
    empty one the option would swallow what comes next."""
    for _, value in parameters:
        if value is not None and (not value or any(map(_is_unfit, value))):
            raise Refused(
                gettext_noop("A value is empty, or has characters in it that Virtualmin cannot take.")
            )


def _is_unfit(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _rows(data: Iterable[Any]) -> Iterable[Row]:
    """Those with values: lines of the server's log and headings have none."""
    for row in data:
        values = row.get("values") if isinstance(row, dict) else None
        if isinstance(values, dict) and values:
            yield Row(
                str(row.get("name", "")),
                {
                    str(key): [str(value) for value in found]
                    for key, found in values.items()
                    if isinstance(found, list)
                },
            )


def _failure(answer: dict[str, Any], secrets: list[str]) -> ProgramFailed | TryAgain:
    text = f"{answer.get('full_error') or answer.get('error') or ''}"
    if _NO_ROOM.search(text):
        return TryAgain(gettext_noop("The mail server's disk is full."))
    first = next((line.strip() for line in _without_log_lines(text).split("\n") if line.strip()), "")
    for secret in secrets:
        first = first.replace(secret, "…")
    return ProgramFailed("".join(c for c in first if not _is_unfit(c))[:200])


def _without_log_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not _LOG_LINE.match(line))


def _unknown_answer() -> TryAgain:
    return TryAgain(gettext_noop("Virtualmin on the mail server gave an answer the portal does not know."))
