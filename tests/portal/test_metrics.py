"""What Prometheus is told, and who else is."""

import ipaddress
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from audit.chain import record
from mailservers import outbox, pushing
from mailservers.models import Change


@pytest.fixture
def ask(mailbox):
    def ask():
        return outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))

    return ask


def samples(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_it_tells_what_waits_and_what_failed_by_server(client, ask):
    ask()
    Change.objects.update(requested_at=timezone.now() - timedelta(minutes=10))
    told, server = samples(client), ("server", "maximusconfessor")
    assert told["portal_changes_waiting", server] == 1
    assert told["portal_changes_failed", server] == 0
    assert 600 <= told["portal_oldest_waiting_seconds", server] < 660
    assert told["portal_server_reachable", server] == 1
    assert told["portal_connections_limit", server] == 4


def test_it_tells_how_long_changes_took_as_a_histogram(client, mailbox, ask):
    ask()
    Change.objects.update(requested_at=timezone.now() - timedelta(seconds=7))
    pushing.push_some(mailbox.server_id)
    told, of = samples(client), (("aspect", "account"), ("server", "maximusconfessor"))
    aspect, server = of
    assert told["portal_seconds_to_live_count", aspect, server] == 1
    assert 7 <= told["portal_seconds_to_live_sum", aspect, server] < 9
    assert told["portal_seconds_to_live_bucket", aspect, ("le", "5.0"), server] == 0
    assert told["portal_seconds_to_live_bucket", aspect, ("le", "10.0"), server] == 1
    assert told["portal_seconds_to_live_bucket", aspect, ("le", "+Inf"), server] == 1


def test_it_needs_no_more_queries_for_more_servers(client, server, django_assert_max_num_queries):
    for number in range(20):
        type(server).objects.create(name=f"s{number}", kind="memory")
    with django_assert_max_num_queries(6):
        client.get("/metrics")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_from", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.1"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::ffff:192.0.2.1"}, 404),
        # A proxy that the settings do not know: who asks through it is anybody.
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_PROTO": "https"}, 404),
    ],
)
def test_only_addresses_in_the_settings_find_it(client, request_from, status):
    assert client.get("/metrics", **request_from).status_code == status


@pytest.mark.django_db
def test_through_a_trusted_proxy_the_client_counts(client, settings):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1")]
    settings.METRICS_ALLOWED = [ipaddress.ip_network("10.1.0.0/16")]
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="10.1.2.3").status_code == 200
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="10.1.2.3, 192.0.2.1").status_code == 404
    assert client.get("/metrics").status_code == 404
