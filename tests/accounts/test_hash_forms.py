"""What is taken as a hash, and what is not compared because of what it would cost."""

import hashlib
import re
import time
from base64 import b64encode

import pytest
from passlib.hash import argon2, bcrypt, ldap_salted_sha256, md5_crypt, sha256_crypt, sha512_crypt

from accounts import hash_forms, older_hashes, passwords
from accounts.hash_forms import BadHash, require_good_hash

CLEAR = "gravel teapot seventeen"
TAIL = "$c2FsdHNhbHRzYWx0$" + "YWFh" * 10 + "YWE"
SHA512 = sha512_crypt.using(rounds=5000).hash(CLEAR)
BLOWFISH = bcrypt.using(rounds=4).hash(CLEAR)
ARGON = argon2.using(type="ID", memory_cost=64, time_cost=1, parallelism=1).hash(CLEAR)
ARGON_I = argon2.using(type="I", memory_cost=64, time_cost=1, parallelism=1).hash(CLEAR)
PBKDF2 = f"$1$salt$1000${hashlib.pbkdf2_hmac('sha1', CLEAR.encode(), b'salt', 1000).hex()}"

GOOD = [
    "{SHA512-CRYPT}" + SHA512,
    "{SHA512-CRYPT}" + sha512_crypt.using(rounds=656000).hash(CLEAR),
    "{BLF-CRYPT}" + BLOWFISH,
    "{ARGON2ID}" + ARGON,
    "{ARGON2I}" + ARGON_I,
    "{CRYPT}" + SHA512,
    "{CRYPT}" + BLOWFISH,
    "{CRYPT}" + md5_crypt.hash(CLEAR),
    "{MD5-CRYPT}" + md5_crypt.hash(CLEAR),
    "{SHA256-CRYPT}" + sha256_crypt.using(rounds=1000).hash(CLEAR),
    ldap_salted_sha256.hash(CLEAR),
    "{PBKDF2}" + PBKDF2,
    "{PLAIN-MD5}" + hashlib.md5(CLEAR.encode()).hexdigest(),  # noqa: S324
    "{SHA256}" + b64encode(hashlib.sha256(CLEAR.encode()).digest()).decode(),
    "{PLAIN}" + CLEAR,
]
DAMAGED = [
    "{SHA512-CRYPT}$6$abc$def",
    "{SHA512-CRYPT}" + SHA512[:-1],
    "{SHA512-CRYPT}" + SHA512 + "x",
    "{SHA512-CRYPT}" + SHA512.rpartition("$")[0],
    "{SHA512-CRYPT}" + BLOWFISH,
    "{SHA512-CRYPT}!",
    "{BLF-CRYPT}$2y$05$tooShort",
    "{BLF-CRYPT}" + BLOWFISH[:-1],
    "{ARGON2ID}" + ARGON_I,
    "{ARGON2ID}" + ARGON.rpartition("$")[0],
    "{ARGON2ID}$argon2id$v=19$m=-1,t=1,p=1" + TAIL,
    "{CRYPT}$6$abc$def",
    "{SSHA256}c2hvcnQ=",
    "{SSHA512}not base64",
    "{PBKDF2}$1$salt$0$" + "a" * 40,
    "{PBKDF2}$1$salt$1000$short",
    "{PLAIN-MD5}" + "g" * 32,
    "{SHA256}YWJj",
    "{ARGON2ID}" + "x" * 600,
]
TOO_COSTLY = [
    "{SHA512-CRYPT}" + SHA512.replace("rounds=5000", "rounds=30000000")
    if "rounds=" in SHA512
    else "{SHA512-CRYPT}$6$rounds=30000000$" + SHA512.removeprefix("$6$"),
    "{SHA512-CRYPT}$6$rounds=999999999$" + SHA512.rpartition("$6$")[2],
    "{SHA512-CRYPT}$6$rounds=99999999999999999999$" + SHA512.rpartition("$6$")[2],
    "{CRYPT}$6$rounds=1000000$" + SHA512.rpartition("$6$")[2],
    "{CRYPT}$5$rounds=30000000$abc$" + "a" * 43,
    "{SHA256-CRYPT}$5$rounds=30000000$abc$" + "a" * 43,
    "{BLF-CRYPT}" + BLOWFISH.replace("$04$", "$31$"),
    "{CRYPT}" + BLOWFISH.replace("$04$", "$15$"),
    "{ARGON2ID}$argon2id$v=19$m=1048576,t=4,p=1" + TAIL,
    "{ARGON2ID}$argon2id$v=19$m=65536,t=100,p=1" + TAIL,
    "{ARGON2ID}$argon2id$v=19$m=8,t=4294967295,p=1" + TAIL,
    "{ARGON2ID}$argon2id$v=19$m=4294967295,t=1,p=1" + TAIL,
    "{ARGON2ID}$argon2id$v=19$m=131072,t=1,p=255" + TAIL,
    "{ARGON2I}$argon2i$m=1048576,t=4,p=1" + TAIL,
    "{PBKDF2}$1$salt$1000000$" + "a" * 40,
]


@pytest.mark.parametrize("good", GOOD, ids=range(len(GOOD)))
def test_what_mail_servers_really_hold_is_taken_and_compared(good):
    require_good_hash(good)
    assert passwords.matches(CLEAR, good)
    assert not passwords.matches(CLEAR + "x", good)


@pytest.mark.parametrize("damaged", DAMAGED, ids=range(len(DAMAGED)))
def test_a_hash_that_was_cut_or_mixed_up_is_told(damaged):
    with pytest.raises(BadHash, match="damaged"):
        require_good_hash(damaged)
    assert not passwords.matches(CLEAR, damaged)


@pytest.mark.parametrize("costly", TOO_COSTLY, ids=range(len(TOO_COSTLY)))
def test_one_that_costs_too_much_is_refused_and_never_computed(costly):
    began = time.monotonic()
    with pytest.raises(BadHash, match="too much work"):
        require_good_hash(costly)
    assert not passwords.matches(CLEAR, costly)
    assert time.monotonic() - began < 0.1
    assert re.search(hash_forms.MAYBE_TOO_COSTLY, costly)


@pytest.mark.parametrize("unknown", ["", "x", "{ARGON2ID}", "{CRYPT}$y$j9T$abc$def", "{SCRYPT}$s0$x", CLEAR])
def test_what_nobody_here_can_read_is_told_apart(unknown):
    with pytest.raises(BadHash, match="not a hash"):
        require_good_hash(unknown)
    assert not passwords.matches(CLEAR, unknown)


def test_each_scheme_that_is_compared_has_a_form():
    assert set(passwords.READABLE) == set(hash_forms._FORMS)
    assert set(older_hashes.CHECKS) < set(hash_forms._FORMS)
