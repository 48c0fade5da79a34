"""The verdict while somebody types."""

import pytest

from accounts.models import PasswordRules
from accounts.one_time_links import CHOOSE_PASSWORD, make_link

URL = "/judge-password/"


@pytest.fixture
def anna(client, mailbox):
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")
    return client


def verdict(client, typed, **more):
    answer = client.post(URL, {"new_password": typed, **more})
    return answer.status_code, answer.content.decode().strip()


def test_it_says_in_words_what_would_be_better(anna, mailbox):
    _status, page = verdict(anna, "wachtwoord", mailbox=mailbox.address)
    assert "Too easy to guess" in page
    assert "One word is not enough" in page
    assert "wachtwoord" not in page


def test_it_asks_for_what_the_mailboxs_domain_asks(anna, mailbox):
    PasswordRules.objects.create(domain=mailbox.domain, shortest=16)
    assert "at least 16 characters" in verdict(anna, "teapot gravel 7", mailbox=mailbox.address)[1]


def test_before_anything_is_typed_it_says_nothing(anna, mailbox):
    assert verdict(anna, "", mailbox=mailbox.address) == (200, "")


def test_it_knows_whose_one_time_link_it_is(client, mailbox):
    code = make_link(CHOOSE_PASSWORD, mailbox, by=None).partition("#")[2]
    assert "around your name" in verdict(client, "Jansen2026", code=code)[1]
    assert verdict(client, "Jansen2026", code="guessed")[0] == 404


def test_nobody_elses_mailbox_and_no_stranger(anna, stranger, client):
    assert verdict(anna, "wachtwoord", mailbox="bert@elsewhere.test")[0] == 404
    client.logout()
    assert verdict(client, "wachtwoord")[0] == 404


def test_nobody_keeps_the_portal_busy_with_it(anna, mailbox, monkeypatch):
    monkeypatch.setattr("accounts.password_views._too_many_verdicts", lambda: True)
    assert verdict(anna, "wachtwoord", mailbox=mailbox.address)[0] == 429


def test_so_many_a_minute_are_too_many(monkeypatch, anna, mailbox):
    monkeypatch.setattr("accounts.password_views.MOST_VERDICTS", 0)
    assert verdict(anna, "wachtwoord", mailbox=mailbox.address)[0] == 429


def test_it_is_kept_nowhere(anna, mailbox):
    answer = anna.post(URL, {"new_password": "wachtwoord", "mailbox": mailbox.address})
    assert "no-store" in answer.headers["Cache-Control"]
