"""Webmin's xmlrpc.cgi: functions of its modules, called as root, and what their answers mean."""

from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, ResponseError, dumps, loads

from django.utils.translation import gettext_noop

from mailservers.drivers.base import ServerAway, TryAgain
from mailservers.drivers.webmin_http import AnswerLost, WebminHttp

PATH = "/xmlrpc.cgi"


class RemoteProcedures:
    """The functions of one server. What they say of a mistake stays unsaid: it may hold what was sent."""

    def __init__(self, http: WebminHttp, *, read_seconds: float, write_seconds: float) -> None:
        self._http = http
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds

    def ask(self, function: str, *parameters: Any) -> Any:
        """A function that changes nothing; asked once more when the answer was lost."""
        try:
            return self._call(function, parameters, self._read_seconds)
        except AnswerLost:
            return self._call(function, parameters, self._read_seconds)

    def ask_all(self, function: str, *parameters: Any) -> list[dict[str, Any]]:
        """As `ask`, of a function that tells many: Webmin sends the one of a list of one alone."""
        found = self.ask(function, *parameters)
        return [found] if isinstance(found, dict) else list(found)

    def run(self, function: str, *parameters: Any) -> None:
        """A change: never sent twice."""
        self._call(function, parameters, self._write_seconds)

    def _call(self, function: str, parameters: tuple[Any, ...], seconds: float) -> Any:
        as_bytes = tuple(_as_bytes(parameter) for parameter in parameters)
        body = dumps(as_bytes, methodname=function, encoding="utf-8", allow_none=False).encode()
        kind, answer = self._http.post(PATH, body, "text/xml", seconds)
        if kind != "text/xml":
            raise ServerAway(gettext_noop("Webmin on the mail server answered with a page in place of data."))
        try:
            # Whatever letters an administrator's program left in a name: the others are read all the same.
            values, _method = loads(answer.decode("utf-8", "replace"))
        except Fault as fault:
            trouble = _in_words(fault, function)
        except (ExpatError, ResponseError, ValueError, UnicodeDecodeError):
            trouble = AnswerLost(gettext_noop("The answer of Webmin on the mail server was cut off."))
        else:
            return values[0]
        raise trouble


def _as_bytes(value: Any) -> Any:
    """Texts as the letters of their bytes: Webmin writes each letter of what it was sent as one byte.

    An ä sent as such ends in a file as Latin-1, and breaks every later answer that tells of it.
    """
    match value:
        case str():
            return value.encode().decode("latin-1")
        case dict():
            return {key: _as_bytes(each) for key, each in value.items()}
        case list() | tuple():
            return [_as_bytes(each) for each in value]
    return value


def _in_words(fault: Fault, function: str) -> TryAgain:
    match fault.faultCode:
        case 1:
            return ServerAway(gettext_noop("The portal's Webmin user may not make remote procedure calls."))
        case 2:
            return ServerAway(gettext_noop("Webmin on the mail server lacks the Perl module XML::Parser."))
        case 5 | 6:
            module = function.partition("::")[0]
            return ServerAway(
                gettext_noop("Webmin on the mail server lacks the module %(module)s."), module=module
            )
    return TryAgain(
        gettext_noop("Webmin on the mail server could not carry out %(function)s."), function=function
    )
