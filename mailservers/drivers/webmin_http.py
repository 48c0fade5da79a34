"""Requests to Webmin: HTTP Basic over verified TLS. Webmin closes each connection after its answer."""

import os
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
from django.utils.translation import gettext_noop

from mailservers.drivers.base import ServerAway, TryAgain
from mailservers.drivers.time_limits import hang_up_after
from mailservers.drivers.webmin_settings import WebminSettings

LARGEST_ANSWER = 256 * 1024 * 1024
# Five wrong sign-ins block the portal's address for everybody, so one refusal keeps it quiet for a while.
QUIET_SECONDS = 600.0


class AnswerLost(TryAgain):
    """The request may have been carried out; only reading the state can tell."""


class NeverSent(ServerAway):
    """The server could not be reached at all, so nothing was carried out."""


class WebminHttp:
    """One server. Keep it: it remembers being refused; threads may share it, and forks inherit it."""

    def __init__(self, settings: WebminSettings) -> None:
        self._settings = settings
        self._refused_until = 0.0
        self._clients: dict[int, httpx.Client] = {}
        self._making = threading.Lock()

    def post(self, path: str, body: bytes, content_type: str, seconds: float) -> tuple[str, bytes]:
        """The answer's media type and body. Errors carry none of httpx's: those know the headers."""
        if time.monotonic() < self._refused_until:
            raise _refused()
        end = time.monotonic() + seconds
        try:
            answer = self._exchange(path, body, content_type, end)
        except httpx.HTTPError as error:
            lost = _in_words(error, timed_out=time.monotonic() >= end)
        else:
            # Where the connection was shut on time, the answer only looks whole.
            if time.monotonic() < end:
                return answer
            lost = _too_late()
        raise lost

    def close(self) -> None:
        """Let go of this process's client."""
        if client := self._clients.pop(os.getpid(), None):
            client.close()

    def _exchange(self, path: str, body: bytes, content_type: str, end: float) -> tuple[str, bytes]:
        settings = self._settings
        left = max(0.1, end - time.monotonic())
        with ExitStack() as stack:

            def watch(event: str, details: Mapping[str, Any]) -> None:
                # From here on the server could go on for ever by sending a byte now and then.
                if event == "connection.start_tls.complete":
                    connection = details["return_value"].get_extra_info("socket")
                    stack.enter_context(hang_up_after(end - time.monotonic(), connection.fileno()))

            extensions: dict[str, Any] = {"trace": watch}
            if settings.tls_name:
                extensions["sni_hostname"] = settings.tls_name
            response = stack.enter_context(
                self._client().stream(
                    "POST",
                    settings.url + path,
                    content=body,
                    headers={
                        "Content-Type": content_type,
                        "Connection": "close",
                        "Accept-Encoding": "identity",
                    },
                    auth=httpx.BasicAuth(settings.user, settings.password),
                    timeout=httpx.Timeout(left, connect=min(settings.connect_seconds, left)),
                    extensions=extensions,
                )
            )
            self._refuse_status(response)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return kind, _bounded(response.iter_raw())

    def _refuse_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == httpx.codes.OK:
            return
        if status == httpx.codes.UNAUTHORIZED:
            self._refused_until = time.monotonic() + QUIET_SECONDS
            raise _refused()
        if status == httpx.codes.FORBIDDEN:
            raise ServerAway(gettext_noop("Webmin on the mail server does not let the portal's address in."))
        if response.is_redirect:
            raise ServerAway(
                gettext_noop("Webmin on the mail server sends the portal elsewhere, as to a sign-in page.")
            )
        raise ServerAway(
            gettext_noop("Webmin on the mail server answered with an error (HTTP %(status)s)."), status=status
        )

    def _client(self) -> httpx.Client:
        """One for each process: a connection must not be shared over a fork."""
        with self._making:
            if os.getpid() not in self._clients:
                # trust_env: a proxy for the web in the environment is not meant for mail servers.
                self._clients[os.getpid()] = httpx.Client(
                    verify=self._settings.tls,
                    trust_env=False,
                    limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
                )
            return self._clients[os.getpid()]


def _refused() -> ServerAway:
    return ServerAway(
        gettext_noop("Webmin on the mail server does not accept the portal's user or password.")
    )


def _too_late() -> AnswerLost:
    return AnswerLost(gettext_noop("Webmin on the mail server did not answer in time."))


def _in_words(error: httpx.HTTPError, *, timed_out: bool) -> TryAgain:
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return NeverSent(gettext_noop("The certificate of Webmin on the mail server is not trusted."))
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NeverSent(gettext_noop("Webmin on the mail server cannot be reached."))
    if timed_out or isinstance(error, httpx.TimeoutException):
        return _too_late()
    return AnswerLost(gettext_noop("Webmin on the mail server broke off."))


def _bounded(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise TryAgain(gettext_noop("Webmin on the mail server does not stop answering."))
    return bytes(body)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
