"""Passwords on a real Dovecot whose auth cache is on: each scheme, changing, switching off, hashing anew."""

import hashlib
import imaplib
import poplib
from base64 import b64encode
from collections.abc import Iterator

import pytest
from passlib.hash import argon2, bcrypt, md5_crypt, sha256_crypt, sha512_crypt
from sqlalchemy import create_engine, text

from accounts import passwords
from accounts.lifecycle import switch_mailbox
from accounts.models import Mailbox
from accounts.services import change_password
from audit.chain import record
from audit.models import Event
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.users import private_directory
from mailservers.credentials import seal
from mailservers.models import Change
from mailservers.outbox import request_push
from mailservers.servers import driver_for
from tests.mailservers.drivers.mailbox import imap, sign_in, signs_in, tls, webmail

CACHE = "auth_cache_size = 1M\nauth_cache_ttl = 1 hour\nauth_cache_negative_ttl = 1 hour\n"
CLEAR, NEW = "correct horse bättery", "gravel teapot seventeen"
RAW = CLEAR.encode()
SALT = b"salt1234"
ADDRESS = "anna@example.test"


def salted(name: str) -> str:
    return b64encode(hashlib.new(name, RAW + SALT).digest() + SALT).decode()


HASHES = {
    "SHA512-CRYPT": sha512_crypt.using(rounds=1000).hash(CLEAR),
    "ARGON2ID": argon2.using(type="ID", memory_cost=1024, rounds=1).hash(CLEAR),
    "ARGON2I": argon2.using(type="I", memory_cost=1024, rounds=3).hash(CLEAR),
    "BLF-CRYPT": bcrypt.using(rounds=4).hash(CLEAR),
    "MD5-CRYPT": md5_crypt.hash(CLEAR),
    "SHA256-CRYPT": sha256_crypt.using(rounds=1000).hash(CLEAR),
    "CRYPT": sha512_crypt.using(rounds=1000).hash(CLEAR),
    "SSHA": salted("sha1"),
    "SSHA256": salted("sha256"),
    "SSHA512": salted("sha512"),
    "SMD5": salted("md5"),
    "SHA": b64encode(hashlib.new("sha1", RAW, usedforsecurity=False).digest()).decode(),
    "SHA256": b64encode(hashlib.sha256(RAW).digest()).decode(),
    "SHA512": b64encode(hashlib.sha512(RAW).digest()).decode(),
    "LDAP-MD5": b64encode(hashlib.new("md5", RAW, usedforsecurity=False).digest()).decode(),
    "PLAIN-MD5": hashlib.new("md5", RAW, usedforsecurity=False).hexdigest(),
    "PBKDF2": f"$1$salt1234$5000${hashlib.pbkdf2_hmac('sha1', RAW, SALT, 5000).hex()}",
    "PLAIN": CLEAR,
}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with private_directory("passwords") as directory:
        dovecot = Dovecot("pass", directory / "d", CertificateAuthority(directory / "ca"), 25)
        dovecot.override(CACHE)
        dovecot.start()
        yield dovecot
        dovecot.stop()


@pytest.fixture
def anna(dovecot, mailbox, committed) -> Iterator[Mailbox]:
    """Her mailbox lives on the Dovecot, with CLEAR as its password, hashed as servers did once."""
    server = mailbox.server
    server.kind, server.endpoints = "dovecot", dovecot.endpoints()
    server.sealed_credentials = seal(dovecot.credentials())
    server.save()
    mailbox.password_hash = "{SHA512-CRYPT}" + HASHES["SHA512-CRYPT"]
    mailbox.save()
    with committed():
        request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    assert Change.objects.get().state == Change.State.LIVE
    yield mailbox
    driver_for(server).remove_account(mailbox.login)
    driver_for(server).end_sessions(mailbox.login)


def set_hash(dovecot: Dovecot, login: str, password_hash: str) -> None:
    engine = create_engine(dovecot.sql_url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO mailbox (login, address, password, quota_bytes) VALUES (:l, :a, :p, 0)"),
            {"l": login, "a": f"{login}@schemes.test", "p": password_hash},
        )
    engine.dispose()


def lets_in(dovecot: Dovecot, login: str, typed: str) -> bool:
    """As a sign-in asks it, without the pause after a wrong password."""
    try:
        return "auth succeeded" in dovecot.run_doveadm("auth", "test", login, typed)
    except RuntimeError:
        return False


def test_each_scheme_says_yes_and_no_where_the_portal_does(dovecot):
    """In one go: the right password and a wrong one, on the server and here."""
    for scheme, bare in HASHES.items():
        login, password_hash = f"by-{scheme.lower()}", f"{{{scheme}}}{bare}"
        set_hash(dovecot, login, password_hash)
        for typed, right in ((CLEAR, True), (f"{CLEAR}x", False)):
            said = (lets_in(dovecot, login, typed), passwords.matches(typed, password_hash))
            assert said == (right, right), f"{scheme} {right}"
        assert passwords.can_check(password_hash)


def test_a_new_password_ends_what_is_open_and_the_old_one_at_once(dovecot, anna, committed):
    mail, pop = imap(dovecot), poplib.POP3_SSL("localhost", dovecot.ports["pop3s"], context=tls(dovecot))
    sign_in(mail, ADDRESS, CLEAR)
    pop._shortcmd("AUTH PLAIN " + b64encode(f"\0{ADDRESS}\0{CLEAR}".encode()).decode())
    assert signs_in(dovecot, ADDRESS, CLEAR)  # it is in the cache now
    with webmail(dovecot, anna.login) as sieve:
        with committed():
            change_password(anna, NEW, by=None)
        with pytest.raises(imaplib.IMAP4.abort):
            mail.noop()
        with pytest.raises((poplib.error_proto, OSError)):
            pop.stat()
        with pytest.raises(Exception, match=r"closed|shutting down|broke"):
            sieve.list_scripts()
    mail.shutdown()
    pop.close()
    assert not signs_in(dovecot, ADDRESS, CLEAR)
    assert signs_in(dovecot, ADDRESS, NEW)


def test_switching_off_ends_what_is_open_and_the_password_at_once(dovecot, anna, committed, webmaster):
    mail = imap(dovecot)
    sign_in(mail, anna.login, CLEAR)
    with committed():
        switch_mailbox(anna, {"enabled": False}, by=webmaster)
    with pytest.raises(imaplib.IMAP4.abort):
        mail.noop()
    mail.shutdown()
    assert not signs_in(dovecot, anna.login, CLEAR)


def test_at_a_sign_in_an_old_hash_is_made_anew_and_nobody_is_signed_out(dovecot, anna, client, committed):
    mail = imap(dovecot)
    sign_in(mail, ADDRESS, CLEAR)
    with committed():
        client.post("/sign-in/", {"username": ADDRESS, "password": CLEAR})
    assert client.get(f"/mailboxes/{ADDRESS}/").status_code == 200
    held = driver_for(anna.server).read_account(anna.login).password_hash
    assert held.startswith("{ARGON2ID}")
    anna.refresh_from_db()
    assert (anna.password_hash, anna.former_hash) == (held, "")
    assert mail.noop()[0] == "OK"
    mail.logout()
    assert signs_in(dovecot, ADDRESS, CLEAR)
    event = Event.objects.get(verb="mailbox.hash_renewed")
    assert (event.before, event.after) == ({"scheme": "SHA512-CRYPT"}, {"scheme": "ARGON2ID"})


def test_after_a_password_is_hashed_anew_a_new_one_still_ends_sessions(dovecot, anna, client, committed):
    """Both while the server was away, so that one push brings both."""
    mail = imap(dovecot)
    sign_in(mail, ADDRESS, CLEAR)
    client.post("/sign-in/", {"username": ADDRESS, "password": CLEAR})
    anna.refresh_from_db()
    assert anna.former_hash
    with committed():
        change_password(anna, NEW, by=None)
    with pytest.raises(imaplib.IMAP4.abort):
        mail.noop()
    mail.shutdown()
