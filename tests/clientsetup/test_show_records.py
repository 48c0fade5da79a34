import threading
from collections.abc import Iterator
from socketserver import BaseRequestHandler, ThreadingUDPServer

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

URL = "/domains/example.test/set-up/"
HOST = "maximusconfessor.all2all.test."
RIGHT = {
    "_imaps._tcp": ("SRV", f"0 1 993 {HOST}"),
    "_imap._tcp": ("SRV", "0 0 0 ."),
    "_pop3s._tcp": ("SRV", f"10 1 995 {HOST}"),
    "_pop3._tcp": ("SRV", "0 0 0 ."),
    "_submissions._tcp": ("SRV", f"0 1 465 {HOST}"),
    "_submission._tcp": ("SRV", "0 0 0 ."),
    "autoconfig": ("CNAME", "testserver."),
    "_autodiscover._tcp": ("SRV", "0 0 443 testserver."),
    "autodiscover": ("CNAME", "testserver."),
}


@pytest.fixture
def zone(settings) -> Iterator[dict[str, tuple[str, str]]]:
    """The records of a real DNS server for example.test; change them as you like."""
    records = dict(RIGHT)

    class Handler(BaseRequestHandler):
        def handle(self):
            data, socket = self.request
            question = dns.message.from_wire(data)
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.RA
            [asked] = question.question
            found = records.get(str(asked.name).removesuffix(".example.test."))
            if found is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", *found))
            socket.sendto(answer.to_wire(), self.client_address)

    with ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        settings.DNS_SERVERS = [f"127.0.0.1#{server.server_address[1]}"]
        yield records
        server.shutdown()


def look(client, webmaster) -> str:
    client.force_login(webmaster)
    return client.post(URL).content.decode()


def test_the_page_shows_every_record_without_asking_anybody(client, webmaster, settings):
    settings.DNS_SERVERS = ["192.0.2.1"]
    client.force_login(webmaster)
    text = client.get(URL).content.decode()
    for name, (_kind, value) in RIGHT.items():
        assert f"{name}.example.test." in text
        assert value in text
    assert "data-state" not in text


def test_records_that_are_there_are_right(client, webmaster, zone):
    text = look(client, webmaster)
    assert text.count('data-state="right"') == len(RIGHT)
    assert "All records are there and right." in text


def test_missing_and_different_ones_are_told(client, webmaster, zone):
    del zone["autoconfig"]
    zone["_imaps._tcp"] = ("SRV", "0 1 993 old.example.test.")
    text = look(client, webmaster)
    assert text.count('data-state="missing"') == 1
    assert text.count('data-state="other"') == 1
    assert "old.example.test." in text
    assert "Some records are missing or different." in text


def test_without_dns_the_page_says_so_within_seconds(client, webmaster, settings, monkeypatch):
    monkeypatch.setattr("clientsetup.dns_records.ANSWER_WITHIN_SECONDS", 0.2)
    settings.DNS_SERVERS = ["127.0.0.1#1"]
    text = look(client, webmaster)
    assert "DNS could not be asked just now" in text
    assert text.count('data-state="unknown"') == len(RIGHT)


def test_the_pop3_that_a_server_does_not_offer_is_said_to_be_not_offered(client, webmaster, server, zone):
    server.pop3_host = ""
    server.save()
    zone["_pop3s._tcp"] = ("SRV", "0 0 0 .")
    assert "All records are there and right." in look(client, webmaster)
