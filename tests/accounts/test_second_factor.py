import re

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken

from accounts.models import AuthenticatorApp, PersonSession
from audit.models import Event
from tests.conftest import PASSWORD
from tests.factors import add_app, code_of, key_shown

ADD, ACCOUNT = "/account/authenticator/", "/account/"


@pytest.fixture
def willem(client, webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    return webmaster


def sign_in(client, name="willem"):
    return client.post("/sign-in/", {"username": name, "password": PASSWORD})


def code_for(person) -> str:
    return code_of(AuthenticatorApp.objects.get(user=person))


def enrol(client) -> list[str]:
    """Through the page; the recovery codes it shows."""
    code = f"{totp(key_shown(client)):06}"
    page = client.post(ADD, {"code": code, "name": "my phone"}).content.decode()
    return re.findall(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</li>", page)


@pytest.mark.parametrize("path", ["/", "/domains/", ACCOUNT, "/settings/"])
def test_a_webmaster_without_one_sees_nothing_but_the_page_that_adds_one(client, willem, path):
    sign_in(client)
    assert client.get(path).headers["Location"] == ADD


@pytest.mark.parametrize("role", ["operator", "support"])
def test_staff_neither(client, request, role):
    person = request.getfixturevalue(role)
    person.set_password(PASSWORD)
    person.save()
    sign_in(client, person.username)
    assert client.get("/servers/").headers["Location"] == ADD


def test_a_mailbox_user_needs_none(client, mailbox):
    sign_in(client, mailbox.address)
    assert client.get(f"/mailboxes/{mailbox.address}/").status_code == 200


def test_the_page_shows_a_qr_code_and_the_key_for_whom_cannot_scan_it(client, willem):
    sign_in(client)
    page = client.get(ADD).content.decode()
    assert 'src="data:image/svg+xml,' in page
    assert "otpauth://totp/Mail%20portal%3Awillem?secret=" in page


def test_the_first_code_lets_in_shows_recovery_codes_and_changes_the_sessions_key(client, willem):
    sign_in(client)
    before = client.session.session_key
    assert len(enrol(client)) == 10
    assert client.session.session_key != before
    assert client.get("/domains/").status_code == 200
    verbs = [event.verb for event in Event.objects.order_by("pk")]
    assert verbs == ["person.second_factor_added", "person.signed_in", "person.recovery_codes_made"]


def test_a_wrong_first_code_is_told_and_adds_nothing(client, willem):
    sign_in(client)
    wrong = f"{(totp(key_shown(client)) + 1) % 1_000_000:06}"
    assert "not the code the app should show" in client.post(ADD, {"code": wrong}).content.decode()
    assert client.get("/domains/").status_code == 302


def test_afterwards_signing_in_asks_for_the_code(client, willem):
    sign_in(client)
    enrol(client)
    other = Client()
    sign_in(other)
    assert other.get("/domains/").headers["Location"] == "/sign-in/code/?next=%2Fdomains%2F"
    # Nor does it offer to add another one instead.
    assert other.get(ADD).headers["Location"].startswith("/sign-in/code/")
    # It leads to the page that was wanted.
    there = other.post("/sign-in/code/?next=%2Fdomains%2F", {"code": code_for(willem)})
    assert there.headers["Location"] == "/domains/"
    assert other.get("/domains/").status_code == 200


def test_a_recovery_code_lets_in_once_however_it_is_typed(client, willem):
    sign_in(client)
    [first, *_others] = enrol(client)
    for expected in (200, 302):
        other = Client()
        sign_in(other)
        other.post("/sign-in/code/", {"code": f" {first.upper().replace('-', ' ')}"})
        assert other.get("/domains/").status_code == expected


def test_recovery_codes_are_not_kept_in_clear(client, willem):
    sign_in(client)
    codes = enrol(client)
    kept = {token.lower() for token in StaticToken.objects.values_list("token", flat=True)}
    assert len(kept) == 10
    assert kept.isdisjoint(code.replace("-", "") for code in codes)


def test_a_code_is_good_once(client, willem):
    sign_in(client)
    code = f"{totp(key_shown(client)):06}"
    client.post(ADD, {"code": code})
    other = Client()
    sign_in(other)
    assert "not right" in other.post("/sign-in/code/", {"code": code}).content.decode()


def test_guessing_codes_is_slowed_down_elsewhere_and_not_here(client, willem):
    sign_in(client)
    enrol(client)
    thief = Client()
    sign_in(thief)
    for _each in range(6):
        page = thief.post("/sign-in/code/", {"code": "000000"})
    assert "Too many tries" in page.content.decode()
    client.post("/sign-out/")
    sign_in(client)
    client.post("/sign-in/code/", {"code": code_for(willem)})
    assert client.get("/domains/").status_code == 200


def test_the_only_one_of_a_webmaster_stays(client, willem):
    sign_in(client)
    enrol(client)
    fields = {"factor": AuthenticatorApp.objects.get().persistent_id, "step_up_proof": code_for(willem)}
    page = client.post("/account/remove-factor/", fields, follow=True)
    assert "Add another one first." in page.content.decode()
    assert AuthenticatorApp.objects.exists()


def test_a_mailbox_user_adds_one_and_removes_it_with_its_recovery_codes(client, mailbox):
    sign_in(client, mailbox.address)
    client.post("/sign-in/again/", {"next": ADD, "step_up_proof": PASSWORD})
    enrol(client)
    page = client.get(ACCOUNT).content.decode()
    assert "my phone" in page
    assert "10 of them are left." in page
    client.post("/account/remove-factor/", {"factor": AuthenticatorApp.objects.get().persistent_id})
    assert not AuthenticatorApp.objects.exists()
    assert not StaticToken.objects.exists()


def test_nobody_removes_anothers(client, mailbox, webmaster):
    theirs = add_app(webmaster)
    sign_in(client, mailbox.address)
    fields = {"factor": theirs.persistent_id, "step_up_proof": PASSWORD}
    assert client.post("/account/remove-factor/", fields).status_code == 404


def test_my_devices_are_listed_and_one_can_be_ended(client, mailbox):
    other = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    for each in (client, other):
        sign_in(each, mailbox.address)
    page = client.get(ACCOUNT).content.decode()
    assert "Firefox on Linux" in page
    assert other.session.session_key not in page
    number = re.search(r'name="session" value="(\w+)"', page)[1]
    client.post("/account/end-session/", {"session": number})
    assert other.get(ACCOUNT).status_code == 302
    assert client.get(ACCOUNT).status_code == 200


def test_all_others_can_be_ended_at_once(client, mailbox):
    others = [Client(), Client()]
    for each in (client, *others):
        sign_in(each, mailbox.address)
    page = client.post("/account/end-other-sessions/", follow=True)
    assert "Signed out in 2 places." in page.content.decode()
    assert [each.get(ACCOUNT).status_code for each in (client, *others)] == [200, 302, 302]


def test_nobody_ends_anothers_session(client, mailbox, stranger):
    client.force_login(stranger, "accounts.backends.PersonBackend")
    theirs = Client()
    sign_in(theirs, mailbox.address)
    page = theirs.get(ACCOUNT).content.decode()
    assert 'name="session"' not in page
    client.post("/account/end-other-sessions/")
    assert PersonSession.objects.filter(person=mailbox.owner).count() == 1
