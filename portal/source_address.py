"""Whose address a request really comes from."""

import ipaddress
from collections.abc import Sequence

from portal.environment import Network

# Where X-Forwarded-Proto stands that no trusted proxy sent; no request can name it.
UNBELIEVED = "portal.unbelieved_proto"


def source_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy: walks X-Forwarded-For from its end; "" if unknown.

    Only what a trusted proxy added is believed, so nobody can claim to be somebody else.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    address = peer
    while True:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if not hops or not any(ip in network for network in trusted):
            return str(ip)
        address = hops.pop()


def is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    """Whether this peer may say for whom, and over what, a request came to it."""
    try:
        ip = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(ip in network for network in trusted)
