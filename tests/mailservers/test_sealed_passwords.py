"""A password that a server takes in clear text only: sealed by a page, opened by a worker, then gone."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from nacl.public import PrivateKey

from accounts.models import Mailbox
from mailservers import sealed_passwords
from mailservers.drivers.base import TryAgain
from mailservers.models import SealedPassword
from mailservers.sealed_passwords import LIVES_FOR, NoSealingKey
from mailservers.tasks import erase_expired_passwords
from portal.environment import Environment

CLEAR = "Ä long one, with 😀"


@pytest.fixture(autouse=True)
def keys(settings) -> None:
    key = PrivateKey.generate()
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = key.public_key.encode(), key.encode()


def kept() -> SealedPassword:
    return SealedPassword.objects.get()


def test_a_worker_opens_what_a_page_sealed(mailbox):
    sealed_passwords.seal(mailbox, CLEAR)
    opened = sealed_passwords.unseal(mailbox)
    assert (opened.number, opened.text) == (kept().pk, CLEAR)
    assert CLEAR.encode() not in bytes(kept().sealed)


def test_a_page_cannot_open_it(mailbox, settings):
    sealed_passwords.seal(mailbox, CLEAR)
    settings.SEALING_PRIVATE_KEY = b""
    with pytest.raises(TryAgain, match="lack the key"):
        sealed_passwords.unseal(mailbox)
    settings.SEALING_PRIVATE_KEY = PrivateKey.generate().encode()
    with pytest.raises(TryAgain, match="lack the key"):
        sealed_passwords.unseal(mailbox)


def test_without_a_key_nothing_is_kept(mailbox, settings):
    settings.SEALING_PUBLIC_KEY = b""
    with pytest.raises(NoSealingKey):
        sealed_passwords.seal(mailbox, CLEAR)
    assert not SealedPassword.objects.exists()


def test_a_newer_one_takes_its_place_and_is_not_erased_with_it(mailbox):
    sealed_passwords.seal(mailbox, "the first")
    first = kept().pk
    sealed_passwords.seal(mailbox, "the second")
    sealed_passwords.erase(first)
    assert sealed_passwords.unseal(mailbox).text == "the second"
    sealed_passwords.erase(kept().pk)
    assert sealed_passwords.unseal(mailbox) is None


def test_after_a_day_it_is_gone_but_not_forgotten(mailbox):
    sealed_passwords.seal(mailbox, CLEAR)
    assert timedelta(0) < kept().expires_at - timezone.now() <= LIVES_FOR
    SealedPassword.objects.update(expires_at=timezone.now())
    # Even before the sweep has come.
    assert sealed_passwords.unseal(mailbox).text == ""
    assert (erase_expired_passwords(), erase_expired_passwords()) == (1, 0)
    assert bytes(kept().sealed) == b""
    assert sealed_passwords.unseal(mailbox).text == ""


def test_in_another_mailboxes_row_it_opens_nothing(mailbox, stranger):
    sealed_passwords.seal(mailbox, CLEAR)
    SealedPassword.objects.update(mailbox=Mailbox.objects.get(owner=stranger))
    with pytest.raises(TryAgain):
        sealed_passwords.unseal(Mailbox.objects.get(owner=stranger))


def test_the_keys_that_a_command_makes_fit(mailbox, settings, capsys, monkeypatch):

    call_command("make_sealing_keys")
    for line in capsys.readouterr().out.split():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    environment = Environment()
    settings.SEALING_PUBLIC_KEY = environment.sealing_key("PORTAL_SEALING_PUBLIC_KEY")
    settings.SEALING_PRIVATE_KEY = environment.sealing_key("PORTAL_SEALING_PRIVATE_KEY")
    assert environment.problems == []
    sealed_passwords.seal(mailbox, CLEAR)
    assert sealed_passwords.unseal(mailbox).text == CLEAR
    monkeypatch.setenv("PORTAL_SEALING_PUBLIC_KEY", "c2hvcnQ=")
    assert environment.sealing_key("PORTAL_SEALING_PUBLIC_KEY") == b""
    assert "make_sealing_keys" in environment.problems[0]
