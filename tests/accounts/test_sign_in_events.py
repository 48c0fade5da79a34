import pytest

from accounts import signing_in
from audit.models import Event

pytestmark = pytest.mark.sql


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(signing_in, "WRONG_AFTER_SECONDS", 0.0)


def try_to_sign_in(client, name):
    client.post("/sign-in/", {"username": name, "password": "not this one"})


def test_a_wrong_password_is_an_event_about_the_mailbox(client, mailbox):
    try_to_sign_in(client, "Anna@example.test")
    event = Event.objects.get()
    assert (event.verb, event.outcome, event.subject, event.by) == (
        "person.sign_in_failed",
        "failed",
        "anna@example.test",
        None,
    )


def test_what_is_nobodys_name_may_be_a_password_and_is_not_kept(client, db):
    try_to_sign_in(client, "correct horse battery staple")
    assert not Event.objects.exists()


def test_signing_out_is_an_event(client, webmaster):
    client.force_login(webmaster)
    client.post("/sign-out/")
    assert Event.objects.get().verb == "person.signed_out"
