"""Whether a domain has mail refused whose sender can't be verified, as forwarded mail's often (RFC 7489)."""

import re

import dns.exception
import dns.nameserver
import dns.resolver
from django.conf import settings

ANSWER_WITHIN_SECONDS = 3.0
STRICT = {"reject", "quarantine"}


def is_strict(domain: str) -> bool:
    """False also when DNS does not answer: then nothing is said."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
    if settings.DNS_SERVERS:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(host, int(port or 53))
            for host, _at, port in (server.partition("#") for server in settings.DNS_SERVERS)
        ]
    resolver.lifetime = ANSWER_WITHIN_SECONDS
    try:
        answer = resolver.resolve(f"_dmarc.{domain}", "TXT")
    except (dns.exception.DNSException, OSError):
        return False
    return any(policy_in(b"".join(row.strings).decode("utf-8", "replace")) in STRICT for row in answer)


def policy_in(record: str) -> str:
    """What a record asks for; empty when it is none of DMARC's."""
    if not re.match(r"v\s*=\s*DMARC1\s*(;|$)", record):
        return ""
    found = re.search(r";\s*p\s*=\s*(\w+)", record)
    return found[1].lower() if found else ""
