"""Passwords that only the mail server knows: asked on a real Dovecot."""

import ssl

import pytest
from passlib.hash import sha512_crypt

from mailservers.drivers.base import ServerAway
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.imap_sign_in import ImapPlace, lets_in, trust_of
from tests.mailservers.drivers.contract import new_account

PASSWORD = 'corréct "horse" \\ {5}'


@pytest.fixture(scope="module")
def login(dovecot_with_sqlite) -> str:
    driver = DovecotDriver(dovecot_with_sqlite.endpoints(), dovecot_with_sqlite.credentials())
    account = new_account(password_hash="{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(PASSWORD))
    driver.put_account(account)
    driver.close()
    return account.login


@pytest.fixture
def place(dovecot_with_sqlite) -> ImapPlace:
    return ImapPlace("localhost", dovecot_with_sqlite.ports["imaps"], starttls=False)


def test_it_lets_in_who_knows_the_password(dovecot_with_sqlite, place, login):
    tls = trust_of("dovecot", dovecot_with_sqlite.endpoints())
    assert lets_in(place, tls, login, PASSWORD)


def test_and_nobody_else(place, login, trust):
    assert not lets_in(place, trust, login, "another one")
    assert not lets_in(place, trust, login, f"{PASSWORD}\0")


def test_starttls_as_well(dovecot_with_sqlite, login, trust):
    place = ImapPlace("localhost", dovecot_with_sqlite.ports["imap"], starttls=True)
    assert lets_in(place, trust, login, PASSWORD)


def test_a_server_that_cannot_be_verified_gets_no_password(place, login):
    with pytest.raises(ServerAway, match="CertVerification"):
        lets_in(place, ssl.create_default_context(), login, PASSWORD)


def test_a_server_that_is_away_is_no_refusal(login, trust):
    with pytest.raises(ServerAway):
        lets_in(ImapPlace("localhost", 1, starttls=False), trust, login, PASSWORD)
