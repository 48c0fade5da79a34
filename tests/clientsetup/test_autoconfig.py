import pytest

from accounts.models import Domain
from tests.clientsetup.programs import Told, read_as_thunderbird

URL = "/mail/config-v1.1.xml"
HOST = "maximusconfessor.all2all.test"


def expected(name: str) -> list[Told]:
    ports = [("imap", 993), ("pop3", 995), ("smtp", 465)]
    return [Told(protocol, HOST, port, "SSL", name) for protocol, port in ports]


@pytest.mark.parametrize("path", [URL, "/.well-known/autoconfig/mail/config-v1.1.xml", URL.upper()])
def test_thunderbird_gets_the_settings_of_the_addresses_domain(client, domain, lenient, path):
    answer = client.get(path, {"emailaddress": "Anna@Example.Test"})
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert read_as_thunderbird(answer.content, "anna@example.test") == expected("anna@example.test")


def test_without_an_address_the_host_it_came_to_tells_the_domain(client, domain, lenient):
    for host in ("autoconfig.example.test", "AUTOCONFIG.EXAMPLE.TEST:80", "example.test"):
        answer = client.get(URL, headers={"host": host})
        assert read_as_thunderbird(answer.content, "a@example.test") == expected("a@example.test")


def test_addresses_that_exist_and_that_do_not_get_the_same_answer(client, mailbox, lenient):
    there = client.get(URL, {"emailaddress": mailbox.address})
    nobody = client.get(URL, {"emailaddress": "nobody@example.test"})
    assert there.status_code == nobody.status_code == 200
    assert there.content == nobody.content
    assert mailbox.login.encode() not in there.content


def test_a_server_that_takes_no_addresses_is_not_told_with_a_name_that_would_fail(client, domain):
    assert client.get(URL, {"emailaddress": "anna@example.test"}).status_code == 404


def test_starttls_is_told_as_such(client, domain, lenient):
    lenient.smtp_security, lenient.smtp_port = "starttls", 587
    lenient.save()
    *_incoming, smtp = read_as_thunderbird(
        client.get(URL, {"emailaddress": "a@example.test"}).content, "a@b.c"
    )
    assert (smtp.port, smtp.security) == (587, "STARTTLS")


def test_a_domain_in_other_letters_is_found_by_both_its_names(client, lenient):
    Domain.objects.create(name="xn--bcher-kva.test", server=lenient)
    for address in ("leser@bücher.test", "leser@BÜCHER.test", "leser@xn--bcher-kva.test"):
        answer = client.get(URL, {"emailaddress": address})
        assert answer.status_code == 200
        assert b'id="xn--bcher-kva.test"' in answer.content


@pytest.mark.parametrize(
    "address",
    [
        "anna@unknown.test",
        "@example.test",
        "example.test",
        "anna@",
        "a@../../etc/passwd",
        "a@exa mple.test",
        "a@-example.test",
        "a@.test",
        "a@example..test",
        "x" * 10_000 + "@example.test",
        "a@" + "x" * 10_000 + ".test",
        "%EMAILADDRESS%",
    ],
)
def test_what_is_no_address_here_is_not_found(client, domain, lenient, address):
    assert client.get(URL, {"emailaddress": address}).status_code == 404


@pytest.mark.parametrize(
    "host", ["unknown.test", "autoconfig.", "..", "a b", "[::1]", "", "autoconfig.unknown.test"]
)
def test_odd_hosts_are_not_found_and_break_nothing(client, domain, lenient, host):
    assert client.get(URL, headers={"host": host}).status_code == 404


def test_elsewhere_an_unknown_host_is_refused_as_before(client, db):
    assert client.get("/sign-in/", headers={"host": "autoconfig.example.test"}).status_code == 400


def test_over_plain_http_it_is_sent_to_the_portals_own_name_which_has_a_certificate(
    client, domain, lenient, settings
):
    settings.SECURE_SSL_REDIRECT = True
    query = "emailaddress=anna%40example.test"
    answer = client.get(f"{URL}?{query}", headers={"host": "autoconfig.example.test"})
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://testserver{URL}?{query}"
