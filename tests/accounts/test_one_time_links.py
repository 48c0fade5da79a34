from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import passwords
from accounts.models import OneTimeLink, Person
from accounts.one_time_links import CHOOSE_PASSWORD, find_link, make_link, plan_links, use_link
from accounts.people import invite
from accounts.renewing import renew_hash
from accounts.services import change_password
from audit.models import Event
from tests.conftest import PASSWORD

NEW = "gravel teapot seventeen"


def code_of(address: str) -> str:
    return address.partition("#")[2]


@pytest.fixture
def newcomer(operator, domain) -> tuple[Person, str]:
    person = Person(username="nora", email="nora@hoster.test")
    return person, code_of(invite(person, domains=[domain], by=operator))


def choose(client, code, password=NEW, again=None):
    fields = {"code": code, "new_password": password, "new_password_again": again or password}
    return client.post("/choose-password/", fields)


def test_its_host_is_the_settings_and_its_code_has_256_bits(mailbox):
    address = make_link(CHOOSE_PASSWORD, mailbox, by=None)
    assert address.startswith("http://testserver/choose-password/#")
    assert len(code_of(address)) == 43


def test_the_code_itself_is_kept_nowhere(mailbox):
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    assert code not in str(OneTimeLink.objects.values_list().get())


def test_it_is_good_once(mailbox):
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    assert use_link(CHOOSE_PASSWORD, code).mailbox == mailbox
    assert use_link(CHOOSE_PASSWORD, code) is None


def test_it_is_good_for_72_hours(mailbox):
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    left = OneTimeLink.objects.get().expires_at - timezone.now()
    assert timedelta(hours=71, minutes=59) < left <= timedelta(hours=72)
    OneTimeLink.objects.update(expires_at=timezone.now())
    assert find_link(CHOOSE_PASSWORD, code) is None


def test_a_new_password_ends_it(mailbox):
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    change_password(mailbox, NEW, by=None)
    assert find_link(CHOOSE_PASSWORD, code) is None


def test_a_newer_one_that_somebody_made_ends_it(mailbox, webmaster):
    first, second = (code_of(make_link(CHOOSE_PASSWORD, mailbox, by=webmaster)) for _each in range(2))
    assert find_link(CHOOSE_PASSWORD, first) is None
    assert find_link(CHOOSE_PASSWORD, second)


def test_one_that_a_visitor_asks_for_ends_none_and_is_ended_by_none(mailbox, webmaster):
    """A letter stays good whoever asks, and a slow mail when the next one was asked for."""
    makers = [webmaster, None, None]
    codes = [code_of(make_link(CHOOSE_PASSWORD, mailbox, by=maker)) for maker in makers]
    assert all(find_link(CHOOSE_PASSWORD, code) for code in codes)
    make_link(CHOOSE_PASSWORD, mailbox, by=webmaster)
    assert [bool(find_link(CHOOSE_PASSWORD, code)) for code in codes] == [False, True, True]
    plan_links(CHOOSE_PASSWORD, [mailbox], by=webmaster)
    assert [bool(find_link(CHOOSE_PASSWORD, code)) for code in codes] == [False, True, True]
    change_password(mailbox, NEW, by=None)
    assert not any(find_link(CHOOSE_PASSWORD, code) for code in codes)


def test_a_hash_that_is_made_anew_is_no_other_password(mailbox):
    mailbox.password_hash = passwords.hash_password(PASSWORD, "SHA512-CRYPT")
    mailbox.save()
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    assert renew_hash(mailbox, PASSWORD)
    assert find_link(CHOOSE_PASSWORD, code)


def test_it_opens_nothing_else(mailbox, monkeypatch):
    code = code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None))
    OneTimeLink.objects.update(purpose="something-else")
    assert find_link(CHOOSE_PASSWORD, code) is None


def test_looking_at_it_does_not_use_it_up(client, newcomer):
    _person, code = newcomer
    for _each in range(2):
        assert "nora" in client.get("/choose-password/", {"code": code}).content.decode()


def test_an_invited_webmaster_chooses_a_password_and_is_led_to_the_second_factor(client, newcomer):
    person, code = newcomer
    assert choose(client, code).headers["Location"] == "/"
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert client.get("/domains/").headers["Location"] == "/account/authenticator/"
    assert Event.objects.filter(verb="person.password_changed", subject="nora").exists()


@pytest.mark.parametrize(
    ("password", "again", "sentence"),
    [
        ("short", None, "at least 8 characters"),
        ("nora@hoster", None, "around your name"),
        (NEW, "something else", "The two new passwords differ."),
    ],
)
def test_a_bad_password_is_told_and_leaves_the_link_good(client, newcomer, password, again, sentence):
    person, code = newcomer
    assert sentence in choose(client, code, password, again).content.decode()
    person.refresh_from_db()
    assert not person.has_usable_password()
    assert choose(client, code).status_code == 302


def test_a_used_link_says_so(client, newcomer):
    _person, code = newcomer
    choose(client, code)
    client.logout()
    answer = choose(client, code, "another gravel teapot")
    assert answer.status_code == 404
    assert "This link is over" in answer.content.decode()


def test_a_mailboxs_link_sets_its_password(client, mailbox):
    choose(client, code_of(make_link(CHOOSE_PASSWORD, mailbox, by=None)))
    client.post("/sign-in/", {"username": "anna@example.test", "password": NEW})
    assert client.get("/").headers["Location"] == "/mailboxes/anna@example.test/"


def test_a_disabled_persons_link_is_over(newcomer):
    person, code = newcomer
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert find_link(CHOOSE_PASSWORD, code) is None
