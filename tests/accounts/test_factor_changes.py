"""A second factor that is added, removed or reset counts at once, for everybody who is in already."""

import pytest
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factors
from accounts.models import AuthenticatorApp, KnownDevice
from accounts.people import reset_second_factor
from tests.conftest import PASSWORD
from tests.factors import add_app, code_of, key_shown

ADD, ACCOUNT = "/account/authenticator/", "/account/"


@pytest.fixture
def willem(webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    return webmaster


def signed_in(name: str, code: str = "") -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": PASSWORD})
    if code:
        client.post("/sign-in/code/", {"code": code})
    return client


def stepped_up(client: Client, proof: str = PASSWORD) -> Client:
    client.post("/sign-in/again/", {"next": ACCOUNT, "step_up_proof": proof})
    return client


def enrol(client: Client) -> int:
    return client.post(ADD, {"code": f"{totp(key_shown(client)):06}"}).status_code


def is_in(client: Client) -> bool:
    return client.get(ACCOUNT).status_code == 200


def test_who_opened_the_page_before_does_not_know_the_key_its_owner_is_shown(mailbox):
    thief = stepped_up(signed_in(mailbox.address))
    seen = key_shown(thief)
    owner = stepped_up(signed_in(mailbox.address))
    assert key_shown(owner) != seen
    enrol(owner)
    again = signed_in(mailbox.address)
    assert "not right" in again.post("/sign-in/code/", {"code": f"{totp(seen):06}"}).content.decode()


def test_a_key_that_is_shown_is_in_no_table_before_its_code_was_right(willem):
    key_shown(signed_in("willem"))
    assert not TOTPDevice.objects.exists()


def test_the_same_session_keeps_its_key_for_ten_minutes_and_then_gets_another(willem, monkeypatch):
    client = signed_in("willem")
    first = key_shown(client)
    assert key_shown(client) == first
    monkeypatch.setattr("accounts.adding_factors.CEREMONY_SECONDS", 0)
    page = client.post(ADD, {"code": f"{totp(first):06}"}).content.decode()
    assert "here is a new key" in page
    assert not AuthenticatorApp.objects.exists()


def test_a_password_changed_meanwhile_makes_the_key_another(mailbox):
    client = stepped_up(signed_in(mailbox.address))
    first = key_shown(client)
    new = "an even longer one than that"
    fields = {"old_password": PASSWORD, "new_password": new, "new_password_again": new}
    assert client.post(f"/mailboxes/{mailbox.address}/password/", fields).status_code == 302
    assert key_shown(client) != first


def test_a_thief_who_waits_at_the_page_that_adds_the_first_one_gets_no_further(willem):
    thief, owner = signed_in("willem"), signed_in("willem")
    key_shown(thief)
    assert enrol(owner) == 200
    assert not is_in(thief)
    assert thief.get(ADD).status_code == 302
    assert AuthenticatorApp.objects.count() == 1


def test_whoever_still_waits_there_owes_the_code_instead(willem):
    thief = signed_in("willem")
    key = key_shown(thief)
    # It came to be without anybody's session being ended.
    second_factors.keep_app(willem, second_factors.new_app_key(), name="phone")
    assert thief.post(ADD, {"code": f"{totp(key):06}"}).headers["Location"] == "/sign-in/code/"
    assert thief.get(ACCOUNT).headers["Location"].startswith("/sign-in/code/")
    assert AuthenticatorApp.objects.count() == 1


def test_adding_one_ends_the_other_sessions_and_not_this_one(mailbox):
    thief, owner = signed_in(mailbox.address), stepped_up(signed_in(mailbox.address))
    enrol(owner)
    assert (is_in(owner), is_in(thief)) == (True, False)


def test_removing_one_ends_the_other_sessions_and_not_this_one(mailbox):
    app = add_app(mailbox.owner)
    other = signed_in(mailbox.address, code_of(app))
    AuthenticatorApp.objects.update(last_t=-1)
    mine = signed_in(mailbox.address, code_of(app))
    fields = {"factor": app.persistent_id, "step_up_proof": code_of(app)}
    assert mine.post("/account/remove-factor/", fields).status_code == 302
    assert not AuthenticatorApp.objects.exists()
    assert (is_in(mine), is_in(other)) == (True, False)


def test_new_recovery_codes_end_the_other_sessions_and_not_this_one(mailbox):
    app = add_app(mailbox.owner)
    other = signed_in(mailbox.address, code_of(app))
    AuthenticatorApp.objects.update(last_t=-1)
    mine = signed_in(mailbox.address, code_of(app))
    assert mine.post("/account/recovery-codes/", {"step_up_proof": code_of(app)}).status_code == 200
    assert (is_in(mine), is_in(other)) == (True, False)


def test_one_that_is_reset_by_an_operator_ends_all_of_them(willem, operator):
    app = add_app(willem)
    client = signed_in("willem", code_of(app))
    halfway = signed_in("willem")
    reset_second_factor(willem, by=operator)
    assert not is_in(client)
    assert halfway.get("/sign-in/code/").headers["Location"].startswith("/sign-in/?")


def test_no_browser_but_this_is_known_after_one_is_added(mailbox):
    signed_in(mailbox.address)
    owner = stepped_up(signed_in(mailbox.address))
    assert KnownDevice.objects.filter(person=mailbox.owner).count() == 2
    enrol(owner)
    assert KnownDevice.objects.filter(person=mailbox.owner).count() == 1


# --- stepping up


def asks(answer) -> bool:
    return "Is it still you?" in answer.content.decode()


def test_who_has_one_steps_up_with_it_and_not_with_the_password(mailbox):
    app = add_app(mailbox.owner)
    client = signed_in(mailbox.address, code_of(app))
    fields = {"factor": app.persistent_id}
    assert asks(client.post("/account/remove-factor/", fields | {"step_up_proof": PASSWORD}))
    assert AuthenticatorApp.objects.exists()
    client.post("/account/remove-factor/", fields | {"step_up_proof": code_of(app)})
    assert not AuthenticatorApp.objects.exists()


def test_a_recovery_code_steps_up_as_well(mailbox):
    app = add_app(mailbox.owner)
    [code, *_others] = second_factors.make_recovery_codes(mailbox.owner)
    client = signed_in(mailbox.address, code_of(app))
    assert not asks(client.post("/account/recovery-codes/", {"step_up_proof": code}))


def test_changing_the_password_with_the_old_one_proves_no_second_factor(willem):
    app = add_app(willem)
    client = signed_in("willem", code_of(app))
    assert asks(client.get("/account/password/"))
    new = "an even longer one than that"
    fields = {"old_password": PASSWORD, "new_password": new, "new_password_again": new}
    assert asks(client.post("/account/password/", fields))
    willem.refresh_from_db()
    assert willem.check_password(PASSWORD)
    stepped_up(client, code_of(app))
    assert client.post("/account/password/", fields).status_code == 302
