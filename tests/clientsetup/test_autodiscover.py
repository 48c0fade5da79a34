import pytest
from django.test import Client

from tests.clientsetup.programs import outlooks_question, read_as_outlook

URL = "/autodiscover/autodiscover.xml"
JSON = "/autodiscover/autodiscover.json"
MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;"><!ENTITY z "&y;&y;&y;">]>'
    + outlooks_question("&z;@example.test").partition("?>")[2]
)
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + outlooks_question("&x;").partition("?>")[2]
)


def post(client, body, path=URL):
    return client.post(path, body, content_type="text/xml")


@pytest.mark.parametrize("path", [URL, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.XML"])
def test_outlook_gets_the_settings_of_the_addresses_domain(client, domain, lenient, path):
    told = read_as_outlook(post(client, outlooks_question("Anna@Example.test"), path).content)
    assert [(one.protocol, one.port, one.security) for one in told] == [
        ("imap", 993, "SSL"),
        ("pop3", 995, "SSL"),
        ("smtp", 465, "SSL"),
    ]
    assert {one.host for one in told} == {"maximusconfessor.all2all.test"}
    assert {one.user_name for one in told} == {"Anna@Example.test"}


def test_where_the_address_is_no_user_name_outlook_has_to_ask(client, mailbox):
    answer = post(client, outlooks_question(mailbox.address))
    assert {one.user_name for one in read_as_outlook(answer.content)} == {""}
    assert mailbox.login.encode() not in answer.content


def test_addresses_that_exist_and_that_do_not_get_the_same_answer(client, mailbox):
    there, nobody = (post(client, outlooks_question(f"{name}@example.test")) for name in ("anna", "nobody"))
    assert there.content == nobody.content


def test_it_works_by_the_domains_own_name_and_without_a_csrf_token(domain, lenient):
    strict = Client(enforce_csrf_checks=True, headers={"host": "autodiscover.example.test"})
    assert read_as_outlook(post(strict, outlooks_question("anna@example.test")).content)


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        OUTSIDE,
        "",
        "<",
        "no xml",
        "<Autodiscover/>",
        outlooks_question(""),
        outlooks_question("anna@example.test", schema=""),
        outlooks_question("anna@example.test").replace("requestschema/2006", "requestschema/1999"),
        outlooks_question("x" * 20_000 + "@example.test"),
        '<?xml version="1.0" encoding="klingon"?><a/>',
        b"\xff\xfe\x00",
        b"<a>\x00</a>",
    ],
)
def test_what_is_no_question_is_refused_in_its_own_format(client, domain, lenient, body):
    answer = post(client, body)
    assert answer.status_code == 400
    assert b"<ErrorCode>600</ErrorCode>" in answer.content
    assert b"root:" not in answer.content


def test_a_question_for_another_kind_of_answer_is_told_there_is_none(client, domain, lenient):
    answer = post(client, outlooks_question("anna@example.test", schema=MOBILE))
    assert b"<ErrorCode>601</ErrorCode>" in answer.content


@pytest.mark.parametrize("address", ["anna@unknown.test", "anna", "a@../..", "a@" + "x" * 5000])
def test_a_domain_that_is_not_ours_has_no_settings(client, domain, lenient, address):
    answer = post(client, outlooks_question(address))
    assert answer.status_code == 200
    assert b"<ErrorCode>500</ErrorCode>" in answer.content


def test_version_2_tells_where_version_1_answers(client, domain, lenient):
    for answer in (
        client.get(JSON, {"Email": "anna@example.test", "Protocol": "AutodiscoverV1"}),
        client.get(
            "/Autodiscover/Autodiscover.json", {"Email": "a@example.test", "Protocol": "autodiscoverv1"}
        ),
        client.get(f"{JSON}/v1.0/anna@example.test", {"Protocol": "Autodiscoverv1"}),
    ):
        assert answer.json() == {
            "Protocol": "AutodiscoverV1",
            "Url": "http://testserver/autodiscover/autodiscover.xml",
        }


def test_version_2_refuses_other_protocols_and_domains(client, domain, lenient):
    for protocol in ("ActiveSync", "EWS", "", "../"):
        answer = client.get(JSON, {"Email": "anna@example.test", "Protocol": protocol})
        assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "InvalidProtocol")
    for address in ("a@unknown.test", "", "x" * 10_000):
        answer = client.get(JSON, {"Email": address, "Protocol": "AutodiscoverV1"})
        assert (answer.status_code, answer.json()["ErrorCode"]) == (404, "DomainNotFound")
