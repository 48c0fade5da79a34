"""Whatever is sent before signing in, the answer is a page with a sentence: never an error of ours."""

import json

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.django_db, pytest.mark.sql]

ODD = [
    "",
    " ",
    "\0",
    "anna\0@example.test",
    "\ud800",
    "anna@\udfff",
    "x" * 1_000_000,
    "\u202eanna@example.test",
    "anna@" + "ü" * 300 + ".test",
    "anna@xn--\u00fc.test",
    "anna@xn--zzzzzzzzzz.test",
    "anna@..",
    "anna@\u3002",
    "anna@a\u200d.test",
    "anna@\u0640.test",
    "@" * 300,
    "\U0001f4a9@\U0001f4a9.la",
    "anna@[127.0.0.1]",
    "%s%n{0}{{7*7}}",
    "' OR 1=1 --",
    "\r\nBcc: x@example.test",
    "İ@İ.test",
    "ﷺ" * 320,
    "١٢٣٤٥٦",
]
ANYTHING = st.one_of(st.sampled_from(ODD), st.text(st.characters(), max_size=330))
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def encoded(**fields: str) -> bytes:
    """As a hostile program sends them: half characters and all."""
    return b"&".join(
        name.encode() + b"=" + b"".join(b"%%%02X" % byte for byte in value.encode("utf-8", "surrogatepass"))
        for name, value in fields.items()
    )


def send(path, client=None, **fields):
    client = client or Client(raise_request_exception=True)
    return client.post(path, encoded(**fields), content_type="application/x-www-form-urlencoded")


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch):
    monkeypatch.setattr("accounts.throttling.FROM_ADDRESS", ())


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/sign-in/", "username"),
        ("/sign-in/", "password"),
        ("/sign-in/?next=", "next"),
        ("/forgotten-password/", "name"),
        ("/choose-password/", "code"),
        ("/sign-in/passkey/", "passkey"),
    ],
)
def test_no_odd_text_is_too_odd(mailbox, path, field, odd):
    fields = {"username": "anna@example.test", "password": "wrong"} | {field: odd}
    assert send(path, **fields).status_code in (200, 302, 400, 404)


@QUICK
@given(name=ANYTHING, password=ANYTHING)
def test_nor_is_anything_else_at_signing_in(mailbox, name, password):
    assert send("/sign-in/", username=name, password=password).status_code in (200, 302, 400)


@QUICK
@given(name=ANYTHING)
def test_nor_where_a_link_is_asked_for(mailbox, name):
    assert send("/forgotten-password/", name=name).status_code in (200, 400)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_nor_at_the_code(client, webmaster, odd):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    session = client.session
    session["owes_code"] = True
    session.save()
    assert send("/sign-in/code/", client, code=odd).status_code in (200, 302, 400)
    assert send("/sign-in/code/", client, passkey=odd).status_code in (200, 302, 400)


@pytest.mark.parametrize("cookie", ["sessionid", "known_device", "csrftoken", "django_language", "messages"])
@pytest.mark.parametrize(
    "value", ["", "x" * 4000, "\x00", "\xff\xfe", "....", "a.b.c.d.e.f.g", "é", "\xed\xa0\x80", "'\";,"]
)
def test_nor_is_a_cookie(mailbox, cookie, value):
    client = Client()
    client.cookies[cookie] = value
    assert client.get("/sign-in/").status_code == 200
    assert send("/sign-in/", client, username="anna@example.test", password="wrong").status_code in (200, 403)


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "xn--", "[::1", "evil.test:99999", "ü.test", "x" * 300, "a\0b"]
)
def test_nor_is_a_host(mailbox, host):
    answer = Client().post(
        "/sign-in/", {"username": "anna@example.test", "password": "wrong"}, headers={"host": host}
    )
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("name", ["User-Agent", "Accept-Language", "Referer", "X-Forwarded-For", "Origin"])
@pytest.mark.parametrize("value", ["\0", "\ud800", "x" * 20_000, "é\xff", "de;q=nan, *;q=9"])
def test_nor_is_a_header(mailbox, name, value):
    for password in ("wrong", "a long enough one"):
        fields = {"username": "anna@example.test", "password": password}
        answer = Client().post("/sign-in/", fields, headers={name: value})
        assert answer.status_code in (200, 302, 403)


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "null",
        "1e999",
        '{"id": null}',
        json.dumps({"id": "\0", "rawId": "\0", "type": "public-key", "response": {}}),
        json.dumps(
            {"id": "\ud800", "rawId": "\ud800", "type": "public-key", "response": {"userHandle": "\0"}}
        ),
        "[" * 7_000,
        '{"a":' * 1_200 + "1" + "}" * 1_200,
    ],
    ids=range(8),
)
def test_nor_is_a_passkeys_answer(mailbox, answer, settings):
    settings.PASSKEY_ORIGIN = "http://localhost:8000"
    settings.OTP_WEBAUTHN_RP_ID, settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = (
        "localhost",
        ["http://localhost:8000"],
    )
    client = Client(headers={"host": "localhost:8000"})
    assert client.post("/sign-in/passkey/begin/").status_code == 200
    page = client.post("/sign-in/passkey/", {"passkey": answer})
    assert "was not right" in page.content.decode()
