import time
from types import SimpleNamespace

import pytest
from django.test import RequestFactory

from accounts import stepping_up
from tests.conftest import PASSWORD

URL = "/account/recovery-codes/"


@pytest.fixture
def anna(client, mailbox):
    client.post("/sign-in/", {"username": "anna@example.test", "password": PASSWORD})
    return client


def asks(answer) -> bool:
    return "Is it still you?" in answer.content.decode()


def test_signing_in_alone_is_not_enough(anna):
    assert asks(anna.get("/account/authenticator/"))


def test_the_password_again_lets_on_with_what_was_typed(anna):
    page = anna.post("/account/remove-factor/", {"factor": 'a "name"'})
    assert asks(page)
    assert '<input type="hidden" name="factor" value="a &quot;name&quot;">' in page.content.decode()
    # There is no such factor: the view was reached.
    assert anna.post("/account/remove-factor/", {"factor": "x", "step_up_proof": PASSWORD}).status_code == 404


def test_a_page_to_read_is_led_on_to(anna):
    fields = {"next": "/account/authenticator/", "step_up_proof": PASSWORD}
    assert anna.post("/sign-in/again/", fields).headers["Location"] == "/account/authenticator/"
    assert not asks(anna.get("/account/authenticator/"))


def test_it_leads_to_no_other_site(anna):
    fields = {"next": "https://evil.test/", "step_up_proof": PASSWORD}
    assert anna.post("/sign-in/again/", fields).status_code == 200


def test_a_wrong_password_is_told_and_is_not_in_the_page(anna):
    page = anna.post(URL, {"step_up_proof": "wrong-but-secret"})
    assert asks(page)
    assert "This is not your password." in page.content.decode()
    assert "wrong-but-secret" not in page.content.decode()


def test_it_changes_the_sessions_key_and_lasts_ten_minutes(anna, monkeypatch):
    before = anna.session.session_key
    anna.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    assert anna.session.session_key != before
    assert not asks(anna.post(URL))
    later = time.time() + 601
    monkeypatch.setattr("accounts.stepping_up.time", SimpleNamespace(time=lambda: later))
    assert asks(anna.post(URL))


def test_passwords_do_not_go_along(owner, anna):
    request = RequestFactory().post("/x/", {"new_password": "secret", "kept": "this"})
    request.user, request.session = owner, anna.session
    page = stepping_up.ask_to_step_up(request).content.decode()
    assert "this" in page
    assert "secret" not in page


def test_guessing_is_slowed_down(anna):
    for _each in range(11):
        page = anna.post(URL, {"step_up_proof": "wrong"})
    assert "Too many tries" in page.content.decode()
    assert asks(anna.post(URL, {"step_up_proof": PASSWORD}))


def test_after_a_step_up_a_file_is_fetched_by_a_page_that_leads_back(anna):
    asked = anna.post("/account/data/")
    assert '<input type="hidden" name="step_up_back" value="/account/">' in asked.content.decode()
    page = anna.post("/account/data/", {"step_up_back": "/account/", "step_up_proof": PASSWORD})
    assert "Content-Disposition" not in page
    assert "data-fetches-file" in page.content.decode()
    assert 'href="/account/"' in page.content.decode()
    assert "step_up" not in page.content.decode()
    assert "attachment" in anna.post("/account/data/")["Content-Disposition"]


def test_a_file_behind_a_link_is_fetched_after_a_step_up_as_well(anna):
    page = anna.post(
        "/sign-in/again/", {"next": "/f/?format=csv", "step_up_back": "/account/", "step_up_proof": PASSWORD}
    ).content.decode()
    assert 'href="/f/?format=csv" data-fetches-file' in page


def test_a_wrong_password_does_not_forget_the_way_back(anna):
    page = anna.post(
        "/sign-in/again/", {"next": "/f/", "step_up_back": "/account/", "step_up_proof": "wrong"}
    )
    assert '<input type="hidden" name="step_up_back" value="/account/">' in page.content.decode()


def test_a_file_leads_back_to_no_other_site(anna):
    page = anna.post("/account/data/", {"step_up_back": "https://evil.test/", "step_up_proof": PASSWORD})
    assert "evil.test" not in str(page.headers)
    assert "attachment" in page["Content-Disposition"]
