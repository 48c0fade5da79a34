"""Asks a mail server by IMAP whether a name and a password belong together."""

import imaplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from mailservers.drivers import given
from mailservers.drivers.base import ServerAway
from mailservers.drivers.time_limits import hang_up_after

CONNECT_SECONDS = 3.0
# Dovecot waits two seconds before it tells that a password is wrong.
TOTAL_SECONDS = 6.0


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
    try:
        with (
            _connect(place, tls) as imap,
            hang_up_after(TOTAL_SECONDS - CONNECT_SECONDS, imap.sock.fileno()),
        ):
            if place.starttls:
                imap.starttls(ssl_context=tls)
            return _signs_in(imap, name, password)
    except (OSError, imaplib.IMAP4.abort, imaplib.IMAP4.error) as trouble:
        # Its words are the server's own, but nothing of them is needed.
        raise ServerAway(
            gettext_noop("The mail server could not be asked: %(error)s."), error=type(trouble).__name__
        ) from None


def _connect(place: ImapPlace, tls: ssl.SSLContext) -> imaplib.IMAP4:
    if place.starttls:
        return imaplib.IMAP4(place.host, place.port, timeout=CONNECT_SECONDS)
    return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=tls, timeout=CONNECT_SECONDS)


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
