"""Records in a domain's DNS by which mail programs find their settings (RFC 6186, RFC 8314)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.utils.translation import gettext as _

from clientsetup.instructions import Endpoint, Instructions

ANSWER_WITHIN_SECONDS = 3.0
# One name for each protocol and way of security; RFC 8314 gave submission with TLS its own.
SERVICES = {
    ("imap", True): "_imaps._tcp",
    ("imap", False): "_imap._tcp",
    ("pop3", True): "_pop3s._tcp",
    ("pop3", False): "_pop3._tcp",
    ("smtp", True): "_submissions._tcp",
    ("smtp", False): "_submission._tcp",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record that a domain should have. `name` is below the domain."""

    name: str
    kind: str
    value: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Found:
    """A record and what DNS says: right, missing, other (then `values` tells what), or unknown."""

    record: Record
    state: str
    values: tuple[str, ...] = ()


def records_for(told: Instructions) -> list[Record]:
    """In the reader's language. The target "." says that something is not offered (RFC 2782)."""
    records = []
    for priority, (protocol, endpoint) in enumerate(
        (("imap", told.imap), ("pop3", told.pop3), ("smtp", told.smtp))
    ):
        for is_tls in (True, False):
            offered = endpoint if endpoint and endpoint.is_tls == is_tls else None
            rank = 0 if protocol == "smtp" else priority * 10
            records.append(_service(SERVICES[protocol, is_tls], offered, rank))
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    records += [
        Record("autoconfig", "CNAME", f"{host}.", _("Thunderbird and other programs")),
        Record("_autodiscover._tcp", "SRV", f"0 0 443 {host}.", _("Outlook")),
        Record("autodiscover", "CNAME", f"{host}.", _("Outlook, with a certificate for this name")),
    ]
    return records


def _service(name: str, endpoint: Endpoint | None, rank: int) -> Record:
    if endpoint is None:
        return Record(name, "SRV", "0 0 0 .", _("says that this is not offered"))
    return Record(name, "SRV", f"{rank} 1 {endpoint.port} {endpoint.host}.", _("programs that look in DNS"))


def look_up(domain: str, records: list[Record]) -> list[Found]:
    """What DNS says now. When it can't be reached, the rest is unknown at once: nobody waits for each."""
    found: list[Found] = []
    reachable = True
    for record in records:
        found.append(_look_up(domain, record) if reachable else Found(record, "unknown"))
        reachable = found[-1].state != "unknown"
    return found


def _look_up(domain: str, record: Record) -> Found:
    try:
        answer = _resolver().resolve(f"{record.name}.{domain}.", record.kind, search=False)
        values = tuple(sorted(data.to_text() for data in answer))
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Found(record, "missing")
    except (dns.exception.DNSException, OSError):
        return Found(record, "unknown")
    wanted = record.value.casefold()
    return Found(record, "right" if [value.casefold() for value in values] == [wanted] else "other", values)


def _resolver() -> dns.resolver.Resolver:
    """The machine's own, unless settings name servers."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(host, int(port or 53))
            for host, _at, port in (server.partition("#") for server in settings.DNS_SERVERS)
        ]
    resolver.lifetime = ANSWER_WITHIN_SECONDS
    return resolver
