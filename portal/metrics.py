"""Figures for Prometheus, read from the database when it asks: workers are many, and come and go."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from mailservers.figures import Figures, figures_of
from mailservers.models import PushTime, Server
from mailservers.push_times import BOUNDS
from portal.source_address import UNBELIEVED, source_address

CONTENT_TYPE = CONTENT_TYPE_LATEST


# What proxies add; a client that asks by itself sends none of them.
PROXIED = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    UNBELIEVED,
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)


def may_be_read_by(meta: Mapping[str, Any]) -> bool:
    """Whether the request comes from an address in the settings."""
    peer = str(meta.get("REMOTE_ADDR", ""))
    address = source_address(peer, str(meta.get("HTTP_X_FORWARDED_FOR", "")), settings.TRUSTED_PROXIES)
    # Behind a proxy that is not known as one everybody would look like the proxy, which is often loopback.
    is_proxied = any(meta.get(name) for name in PROXIED)
    if not address or (is_proxied and ip_address(address) == ip_address(peer)):
        return False
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in settings.METRICS_ALLOWED)


def metrics() -> bytes:
    """In Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(PushFigures())
    return generate_latest(registry)


class PushFigures(Collector):
    """A class because that is what a registry takes."""

    def collect(self) -> Iterator[Metric]:
        servers = list(Server.objects.all())
        found = figures_of(servers)
        yield from (_gauge(name, words, servers, found) for name, words in GAUGES.items())
        yield _seconds_to_live()

    def describe(self) -> list[Metric]:
        """Nothing beforehand: a registry would read the database just to learn the names."""
        return []


GAUGES = {
    "portal_changes_waiting": "Changes that wait for their server or are being pushed.",
    "portal_changes_failed": "Changes that failed and that nothing newer stands for.",
    "portal_unread": "Parts of mailboxes, and aliases, that could not be read when they were last compared.",
    "portal_oldest_waiting_seconds": "How long the oldest waiting change has waited; 0 when none waits.",
    "portal_connections_in_use": "Workers that speak to the server now.",
    "portal_connections_limit": "Workers that may speak to the server at the same time.",
    "portal_server_reachable": "1 unless several attempts in a row could not reach the server.",
    "portal_server_paused": "1 while an operator paused the server or it is in maintenance.",
}


def _gauge(name: str, words: str, servers: list[Server], found: dict[int, Figures]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=["server"])
    for server in servers:
        family.add_metric([server.name], _value(name, server, found[server.pk]))
    return family


def _value(name: str, server: Server, figures: Figures) -> float:
    oldest = figures.oldest_waiting_at
    values = {
        "portal_changes_waiting": figures.waiting,
        "portal_changes_failed": figures.failed,
        "portal_unread": figures.unread,
        "portal_oldest_waiting_seconds": (timezone.now() - oldest).total_seconds() if oldest else 0,
        "portal_connections_in_use": figures.connections_in_use,
        "portal_connections_limit": server.connections,
        "portal_server_reachable": not server.is_away,
        "portal_server_paused": bool(server.paused_at or server.is_in_maintenance),
    }
    return float(values[name])


def _seconds_to_live() -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "portal_seconds_to_live",
        "From the wish for a change until the server was seen to hold it.",
        labels=["server", "aspect"],
    )
    steps: dict[tuple[str, str], dict[int, PushTime]] = {}
    for row in PushTime.objects.select_related("server").order_by("server__name", "aspect", "step"):
        steps.setdefault((row.server.name, row.aspect), {})[row.step] = row
    for labels, rows in steps.items():
        buckets, so_far = [], 0
        for step in range(len(BOUNDS) + 1):
            so_far += rows[step].changes if step in rows else 0
            buckets.append((str(BOUNDS[step]) if step < len(BOUNDS) else "+Inf", float(so_far)))
        total = sum(row.seconds for row in rows.values())
        family.add_metric(list(labels), buckets=buckets, sum_value=total)
    return family
