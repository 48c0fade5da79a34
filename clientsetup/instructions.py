"""What a mail program has to be told, from the row of the mailbox's own server."""

from dataclasses import dataclass, replace

from accounts.models import Mailbox
from branding.looks import webmail_of
from mailservers.models import Security, Server


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a program connects. `protocol` is imap, pop3 or smtp."""

    protocol: str
    host: str
    port: int
    security: str

    @property
    def security_words(self) -> str:
        """In the reader's language."""
        return str(Security(self.security).label)

    @property
    def is_tls(self) -> bool:
        """TLS from the first byte, not asked for later."""
        return self.security == Security.TLS


@dataclass(frozen=True, slots=True)
class Instructions:
    """None where the server does not offer a protocol, or nobody has filled it in."""

    imap: Endpoint | None
    pop3: Endpoint | None
    smtp: Endpoint | None
    takes_addresses: bool
    webmail_url: str
    largest_message_bytes: int

    @property
    def incoming(self) -> list[Endpoint]:
        """The recommended one first."""
        return [endpoint for endpoint in (self.imap, self.pop3) if endpoint]

    @property
    def is_complete(self) -> bool:
        """A program can fetch and send."""
        return bool(self.incoming and self.smtp)


def instructions_for(mailbox: Mailbox) -> Instructions:
    """With the domain's own webmail, where it has one."""
    told = instructions_of(mailbox.server)
    return replace(told, webmail_url=webmail_of(mailbox.domain_id, told.webmail_url))


def instructions_of(server: Server) -> Instructions:
    return Instructions(
        imap=_endpoint("imap", server.imap_host, server.imap_port, server.imap_security),
        pop3=_endpoint("pop3", server.pop3_host, server.pop3_port, server.pop3_security),
        smtp=_endpoint("smtp", server.smtp_host, server.smtp_port, server.smtp_security),
        takes_addresses=server.takes_addresses,
        webmail_url=server.webmail_url,
        largest_message_bytes=server.largest_message_bytes,
    )


def _endpoint(protocol: str, host: str, port: int, security: str) -> Endpoint | None:
    return Endpoint(protocol, host, port, security) if host else None
