"""What was refused leaves a line in the log, bounded, and never what somebody typed."""

import logging

import pytest
from django.test import Client

from accounts import refusals
from accounts.refusals import note_refusal


@pytest.fixture(autouse=True)
def _nothing_yet():
    refusals.forget_all()
    yield
    refusals.forget_all()


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.WARNING, "accounts.refusals")

    def told() -> list[dict]:
        return [record.msg for record in caplog.records if record.name == "accounts.refusals"]

    return told


def sign_in(name):
    return Client().post("/sign-in/", {"username": name, "password": "wrong"})


def test_a_name_that_nobody_has_leaves_a_line_without_it(db, told):
    sign_in("correct horse battery staple")
    (line,) = told()
    assert (line["kind"], line["source"], line["count"]) == ("unknown name", "127.0.0.1", 1)
    assert "horse" not in str(line)


def test_tries_beyond_the_limit_leave_one_with_the_account(mailbox, told):
    for _each in range(13):
        sign_in("example0001")
    lines = [line for line in told() if line["kind"] == "password tries"]
    assert [line["who"] for line in lines] == [f"person {mailbox.owner.pk}"]


def test_a_minute_later_it_is_told_how_many_there_were(db, told, monkeypatch):
    for _each in range(500):
        note_refusal("access", "person 1")
    assert [line["count"] for line in told()] == [1]
    now = refusals.time.monotonic()
    monkeypatch.setattr(refusals.time, "monotonic", lambda: now + 61)
    note_refusal("access", "person 2")
    assert [(line["who"], line["count"]) for line in told()] == [
        ("person 1", 1),
        ("person 1", 499),
        ("person 2", 1),
    ]


def test_many_sources_take_no_more_memory(told, monkeypatch):
    monkeypatch.setattr(refusals, "MOST", 10)
    for number in range(100):
        note_refusal("access", f"person {number}")
    assert len(refusals._counted) <= 10


@pytest.mark.parametrize("path", ["/mailboxes/anna@example.test/", "/domains/example.test/", "/people/olga/"])
def test_asking_for_what_is_others_leaves_a_line(client, mailbox, operator, stranger, told, path):
    client.force_login(stranger, "accounts.backends.PersonBackend")
    for _each in range(3):
        assert client.get(path).status_code == 404
    (line,) = told()
    assert (line["kind"], line["who"], line["status"]) == ("access", f"person {stranger.pk}", 404)
    assert "anna" not in str(line)


def test_what_is_open_and_addresses_that_are_no_pages_leave_none(client, mailbox, told):
    client.force_login(mailbox.owner, "accounts.backends.PersonBackend")
    client.get("/mailboxes/anna@example.test/")
    client.get("/wp-login.php")
    assert told() == []
