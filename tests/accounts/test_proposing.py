"""Passwords that the portal proposes."""

import re

import pytest

from accounts import proposing
from accounts.password_rules import Rules, judge
from tests.conftest import PASSWORD

URL = "/mailboxes/anna@example.test/password/"
FILLED_IN = re.compile(r'<input type="text" name="new_password(?:_again)?" value="([^"]+)"')


@pytest.mark.parametrize("kind", proposing.KINDS)
def test_each_kind_is_strong_says_how_strong_and_is_never_the_same(kind):
    made = {proposing.propose(kind) for _each in range(20)}
    assert len({proposal.text for proposal in made}) == 20
    for proposal in made:
        assert proposal.bits >= 55
        verdict = judge(proposal.text, Rules(8, 4, 3), words=[])
        assert (verdict.strength, verdict.problems) == (4, ())


@pytest.mark.parametrize("language", ["nl", "fr", "de", "en"])
def test_words_are_short_plain_many_and_fit_for_an_office(language):
    words = set(proposing.words_to_propose(language))
    assert len(words) == 2048
    assert all(re.fullmatch("[a-z]{4,6}", word) for word in words)
    assert not words & {"shit", "fuck", "neuken", "kont", "merde", "putain", "ficken", "nazi", "dood", "kill"}


def test_it_is_as_long_as_the_domain_asks_for():
    assert len(proposing.propose(proposing.RANDOM, shortest=32).text) >= 32


def test_it_is_not_told_where_objects_are_shown():
    made = proposing.propose("en")
    assert made.text not in repr(made)


@pytest.fixture
def anna(client, mailbox):
    client.force_login(mailbox.owner, "accounts.backends.MailboxBackend")
    return client


def test_a_press_of_a_button_fills_it_in_without_scripts(anna):
    answer = anna.post(URL, {"propose": "1", "kind": "nl"})
    page = answer.content.decode()
    first, again = FILLED_IN.findall(page)
    assert first == again
    assert "<h1>anna@example.test</h1>" in page
    assert "no-store" in answer.headers["Cache-Control"]
    typed = {"old_password": PASSWORD, "new_password": first, "new_password_again": again}
    assert anna.post(URL, typed).status_code == 302


def test_htmx_gets_the_two_fields_alone(anna):
    page = anna.post(URL, {"propose": "1", "kind": "random"}, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<div id="new-password">')
    assert len(FILLED_IN.findall(page)) == 2


def test_a_kind_there_is_none_of_proposes_nothing(anna):
    assert FILLED_IN.findall(anna.post(URL, {"propose": "1", "kind": "klingon"}).content.decode()) == []
