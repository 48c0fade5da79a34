"""Asks a mail server by IMAP whether a name and a password belong together."""

import imaplib
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from mailservers.drivers import given
from mailservers.drivers.base import ServerAway
from mailservers.drivers.time_limits import hang_up_after

CONNECT_SECONDS = 3.0
# Dovecot waits two seconds before it tells that a password is wrong.
TOTAL_SECONDS = 5.5


@dataclass(frozen=True, slots=True)
class ImapPlace:
    """Where mail programs sign in."""

    host: str
    port: int
    starttls: bool


def trust_of(kind: str, endpoints: Mapping[str, object]) -> ssl.SSLContext:
    """Whom the server's mail services are vouched for by; raises ConfigurationError."""
    if kind == "dovecot":
        return given.tls(endpoints)
    return given.tls(endpoints, "sieve_ca_file", "sieve_ca_pem")


def lets_in(place: ImapPlace, tls: ssl.SSLContext, name: str, password: str) -> bool:
    """One sign-in, over TLS that is verified (RFC 9051, AUTHENTICATE PLAIN). Raises ServerAway."""
    if "\0" in name + password or not name or not password:
        return False
    began = time.monotonic()
    try:
        with socket.create_connection((place.host, place.port), CONNECT_SECONDS) as plain:
            left = TOTAL_SECONDS - (time.monotonic() - began)
            # From the first byte on: a library bounds each of its reads at most, never the whole.
            with hang_up_after(left, plain.fileno()):
                plain.settimeout(TOTAL_SECONDS)
                return _ask(place, plain, tls, name, password)
    except (OSError, imaplib.IMAP4.abort, imaplib.IMAP4.error) as trouble:
        # Its words are the server's own, but nothing of them is needed.
        raise ServerAway(
            gettext_noop("The mail server could not be asked: %(error)s."), error=type(trouble).__name__
        ) from None


class _Imap(imaplib.IMAP4):
    """On a connection that stands; a class because that is how the library lets one be handed in."""

    def __init__(self, host: str, line: socket.socket) -> None:
        self._line = line
        super().__init__(host)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._line


def _ask(place: ImapPlace, plain: socket.socket, tls: ssl.SSLContext, name: str, password: str) -> bool:
    line = plain if place.starttls else tls.wrap_socket(plain, server_hostname=place.host)
    with line, _Imap(place.host, line) as imap:
        if place.starttls:
            imap.starttls(ssl_context=tls)
        return _signs_in(imap, name, password)


def _signs_in(imap: imaplib.IMAP4, name: str, password: str) -> bool:
    try:
        imap.authenticate("PLAIN", lambda _challenge: f"\0{name}\0{password}".encode())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as refusal:
        # RFC 5530: it can't tell now, which is no answer.
        if "[UNAVAILABLE]" in str(refusal) or "[INUSE]" in str(refusal):
            raise
        return False
    return True
