"""doveadm's HTTP API: what a Dovecot server can be asked beyond accounts and scripts."""

import base64
import json
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx
from django.utils.translation import gettext_noop

from mailservers.drivers.base import Refused, TryAgain
from mailservers.drivers.time_limits import hang_up_after

LARGEST_ANSWER = 8 * 1024 * 1024

# What an answer that is not as it should be leads to; RecursionError: JSON that is nested without end.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

NO_SUCH_USER = 67
NOT_FOUND = 68


class TooMuch(TryAgain):
    """The answer is longer than anybody would want to keep in memory: ask for less."""


class BrokeOff(TryAgain):
    """There was no answer at all, or only the beginning of one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one command: its rows, or the exit code it failed with."""

    rows: list[dict[str, str]]
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Doveadm:
    """One server's API; each request has a connection of its own, as Dovecot drops idle ones unseen."""

    url: str
    key: str = field(repr=False)
    tls: ssl.SSLContext
    """Its own: httpx offers HTTP by it (ALPN), and other services then refuse to speak to whoever uses it."""
    tls_name: str
    """The name in the certificate, if not the URL's host."""
    connect_seconds: float
    read_seconds: float
    total_seconds: float

    def run(self, commands: Sequence[tuple[str, Mapping[str, object]]]) -> list[Outcome]:
        """Run the commands in one request; each may fail by itself."""
        tagged = [[name, parameters, str(tag)] for tag, (name, parameters) in enumerate(commands)]
        body = self._request("POST", json.dumps(tagged).encode())
        try:
            answers = {str(tag): _outcome(kind, payload) for kind, payload, tag in json.loads(body)}
            return [answers[str(tag)] for tag in range(len(commands))]
        # Not only our mistakes: a command that the server's settings forbid is answered with broken JSON.
        except UNREADABLE:
            raise TryAgain(
                gettext_noop("The mail server's doveadm interface gave an answer the portal does not know.")
            ) from None

    def command_names(self) -> frozenset[str]:
        """What the server can be asked; also shows that it is there and takes the key."""
        try:
            return frozenset(command["command"] for command in json.loads(self._request("GET", b"")))
        except UNREADABLE:
            raise TryAgain(
                gettext_noop("The mail server's doveadm interface gave an answer the portal does not know.")
            ) from None

    def _request(self, method: str, body: bytes) -> bytes:
        """The answer's body. Errors carry none of httpx's: those know the headers, and so the key."""
        end = time.monotonic() + self.total_seconds
        try:
            return self._exchange(method, body, end)
        except httpx.HTTPError as error:
            if isinstance(error, httpx.TimeoutException) or time.monotonic() >= end:
                raise TryAgain(
                    gettext_noop("The mail server's doveadm interface did not answer in time.")
                ) from None
            if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
                raise TryAgain(
                    gettext_noop("The certificate of the mail server's doveadm interface is not trusted.")
                ) from None
            raise BrokeOff(
                gettext_noop("The mail server's doveadm interface cannot be reached, or broke off.")
            ) from None

    def _exchange(self, method: str, body: bytes, end: float) -> bytes:
        timeout = httpx.Timeout(
            min(self.read_seconds, self.total_seconds), connect=min(self.connect_seconds, self.total_seconds)
        )
        # No "Connection: close", though we do close: with it, Dovecot 2.3 never answers a wrong key.
        headers = {
            "Authorization": "X-Dovecot-API " + base64.b64encode(self.key.encode()).decode(),
            "Accept-Encoding": "identity",
        }
        with ExitStack() as stack:

            def watch(event: str, details: Mapping[str, Any]) -> None:
                # From here on the server could go on for ever by sending a byte now and then.
                if event == "connection.start_tls.complete":
                    connection = details["return_value"].get_extra_info("socket")
                    stack.enter_context(hang_up_after(end - time.monotonic(), connection.fileno()))

            # trust_env: a proxy for the web in the environment is not meant for mail servers.
            extensions: dict[str, Any] = {"trace": watch}
            if self.tls_name:
                extensions["sni_hostname"] = self.tls_name
            client = stack.enter_context(httpx.Client(verify=self.tls, timeout=timeout, trust_env=False))
            response = stack.enter_context(
                client.stream(method, self.url, content=body, headers=headers, extensions=extensions)
            )
            if response.status_code != httpx.codes.OK:
                _refuse_status(response.status_code)
            return _bounded(response.iter_raw())


def for_one(login: str) -> str:
    """The login as a parameter. doveadm takes wildcards there: one command would reach many mailboxes."""
    if "*" in login or "?" in login:
        raise Refused(gettext_noop("A login with * or ? in it cannot be used with the mail server."))
    return login


def _outcome(kind: str, payload: Any) -> Outcome:
    if kind == "doveadmResponse":
        if isinstance(payload, dict):  # as `user` answers: by name
            payload = [{"username": name, **fields} for name, fields in payload.items()]
        return Outcome([{str(name): str(value) for name, value in row.items()} for row in payload])
    if kind == "error" and payload["type"] == "exitCode":
        return Outcome([], int(payload["exitCode"]))
    raise ValueError(kind)


def _refuse_status(status: int) -> NoReturn:
    if status in (401, 403):
        raise TryAgain(gettext_noop("The mail server's doveadm interface does not accept the portal's key."))
    raise TryAgain(
        gettext_noop("The mail server's doveadm interface answered with an error (HTTP %(status)s)."),
        status=status,
    )


def _bounded(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise TooMuch(gettext_noop("The mail server's doveadm interface does not stop answering."))
    return bytes(body)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
