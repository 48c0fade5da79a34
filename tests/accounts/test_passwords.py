import pytest

from accounts import passwords

GOOD = "gravel teapot seventeen"


@pytest.mark.parametrize("scheme", passwords.SCHEMES)
def test_a_hash_knows_its_password_and_no_other(scheme):
    made = passwords.hash_password(GOOD, scheme)
    assert made.startswith(f"{{{scheme}}}$")
    assert passwords.matches(GOOD, made)
    assert not passwords.matches(GOOD + " ", made)


def test_composed_and_decomposed_letters_are_one_password():
    assert passwords.matches("cafe\u0301 au lait", passwords.hash_password("caf\u00e9 au lait"))


@pytest.mark.parametrize("nothing", ["", "{SHA512-CRYPT}!", "{UNKNOWN}x", "no scheme", "{ARGON2ID}"])
def test_what_is_no_hash_matches_nothing(nothing):
    assert not passwords.matches("", nothing)
    assert not passwords.matches(GOOD, nothing)


def test_bcrypt_says_no_to_more_than_it_can_count():
    made = passwords.hash_password("x" * 72, "BLF-CRYPT")
    assert not passwords.matches("x" * 73, made)
