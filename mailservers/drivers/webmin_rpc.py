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

    def run(self, function: str, *parameters: Any) -> None:
        """A change: never sent twice."""
        self._call(function, parameters, self._write_seconds)

    def _call(self, function: str, parameters: tuple[Any, ...], seconds: float) -> Any:
        body = dumps(parameters, methodname=function, encoding="utf-8", allow_none=False).encode()
        kind, answer = self._http.post(PATH, body, "text/xml", seconds)
        if kind != "text/xml":
            raise ServerAway(gettext_noop("Webmin on the mail server answered with a page in place of data."))
        try:
            values, _method = loads(answer)
        except Fault as fault:
            trouble = _in_words(fault, function)
        except (ExpatError, ResponseError, ValueError, UnicodeDecodeError):
            trouble = AnswerLost(gettext_noop("The answer of Webmin on the mail server was cut off."))
        else:
            return values[0]
        raise trouble


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
