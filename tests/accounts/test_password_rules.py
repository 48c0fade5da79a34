"""What the portal thinks of passwords, and what a domain may ask for beyond that."""

import time

import pytest

from accounts.models import PasswordRules
from accounts.password_rules import Rules, judge, rules_for
from audit.models import Event

GOOD = "gravel teapot seventeen"
WORDS = ["example0001", "anna@example.test", "Anna Jansen", "example.test"]
RULES = Rules(shortest=8, strength=3, history=3)
ANYWAY = "Add another word or two that have nothing to do with the others."


def verdict(clear, rules=RULES):
    return judge(clear, rules, words=WORDS)


@pytest.mark.parametrize(
    "good", [GOOD, "Grüße aus Überlingen, 4 Enten", "пароль очень длинный", "x7#kQ9!vLp2@", GOOD * 42]
)
def test_good_ones_pass(good):
    assert verdict(good).problems == ()


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("", "at least 8 characters"),
        ("seven77", "at least 8 characters"),
        ("gravel\nteapot", "control characters"),
        ("gravel teapot \ud800", "control characters"),
        ("a" * 1025, "at most 1024 bytes"),
        ("é" * 600, "at most 1024 bytes"),
        # The login, the address, the name and the domain: with something behind, backwards, nearly.
        ("EXAMPLE0001!", "around your name"),
        ("anna@example.test", "around your name"),
        ("Jansen2026", "around your name"),
        ("j4n5en-26", "around your name"),
        ("nesnaj2026", "around your name"),
        ("example0002", "around your name"),
        ("exampel0001", "around your name"),
        # The commonest ones, in four languages.
        ("password1234", "Too easy"),
        ("wachtwoord", "Too easy"),
        ("Welkom2026!", "Too easy"),
        ("motdepasse", "Too easy"),
        ("responsabilité", "Too easy"),
        ("Sommer2025", "Too easy"),
        ("Verantwortung1", "Too easy"),
        ("qwertyuiop", "Too easy"),
        ("12345678", "Too easy"),
        ("verantwoordelijkheid!", "Too easy"),
    ],
)
def test_bad_ones_are_told_what_is_wrong(bad, problem):
    found = verdict(bad)
    assert len(found.problems) == 1
    assert problem in found.problems[0]


@pytest.mark.parametrize(
    ("bad", "advice"),
    [
        ("wachtwoord", "One word is not enough"),
        ("p4ssw0rd", "Digits and signs in place of letters"),
        ("asdfghjkl;'", "keys that lie beside each other"),
        ("abababababab", "Repeating something"),
        ("abcdefgh", "goes on by itself"),
        ("teapot1984", "years and dates"),
        ("Margaretha", "Leave out names"),
        ("trustno1", "Many people have this password"),
        ("drowssap", "backwards"),
    ],
)
def test_advice_tells_how_to_mend_it(bad, advice):
    assert any(advice in sentence for sentence in verdict(bad).advice)


def test_no_sentence_holds_any_of_the_password():
    found = verdict("wachtwoord1984")
    assert not any(part in " ".join(found.problems + found.advice) for part in ("wachtwoord", "1984"))


def test_a_domain_that_asks_for_more_gets_more():
    fair = "fiets teapot"
    assert (verdict(fair).is_good, verdict(fair).strength) == (True, 3)
    strict = verdict(fair, Rules(shortest=8, strength=4, history=3))
    assert (strict.problems, strict.advice[-1]) == (("Your domain asks for a stronger one.",), ANYWAY)
    assert "16 characters" in verdict("teapot gravel 7", Rules(16, 3, 3)).problems[0]


def test_a_megabyte_costs_nothing():
    began = time.process_time()
    assert verdict("gravel teapot " * 100_000).problems
    assert time.process_time() - began < 0.05


def test_the_words_of_one_person_say_nothing_to_another():
    assert not judge("zyxgloop quabbs", RULES, words=["zyxgloop quabbs"]).is_good
    assert judge("zyxgloop quabbs", RULES, words=[]).is_good


# --- what a domain asks for

URL = "/domains/example.test/password-rules/"
MORE = {"shortest": "12", "strength": "4", "history": "5"}


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    return client


def test_a_webmaster_asks_for_more(willem, mailbox, webmaster):
    assert willem.post(URL, MORE).status_code == 302
    mailbox.domain.refresh_from_db()
    assert rules_for(mailbox) == Rules(12, 4, 5)
    event = Event.objects.get(verb="domain.password_rules_changed")
    assert (event.by, event.before["shortest"], event.after["shortest"]) == (webmaster, 8, 12)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("shortest", "7", "greater than or equal to 8"),
        ("shortest", "33", "less than or equal to 32"),
        ("shortest", "", "required"),
        ("strength", "2", "Select a valid choice"),
        ("history", "11", "less than or equal to 10"),
        ("history", "-1", "greater than or equal to 3"),
    ],
)
def test_nobody_asks_for_less_than_the_portal_or_for_the_absurd(willem, field, value, sentence):
    assert sentence in willem.post(URL, MORE | {field: value}).content.decode()
    assert not PasswordRules.objects.exists()


def test_the_portals_bounds_hold_over_older_rules_of_a_domain(mailbox, settings):
    PasswordRules.objects.create(domain=mailbox.domain, shortest=9, strength=3, history=3)
    settings.PASSWORD_SHORTEST = 14
    assert rules_for(mailbox).shortest == 14
