import pytest

from accounts import passwords

GOOD = "gravel teapot seventeen"
WORDS = ["example0001", "anna@example.test", "Anna Jansen", "example.test"]


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


@pytest.mark.parametrize(
    "good", [GOOD, "Grüße aus Überlingen, 4 Enten", "пароль очень длинный", "x7#kQ9!vLp2@"]
)
def test_good_ones_pass(good):
    assert passwords.problems_with(good, words=WORDS) == []


@pytest.mark.parametrize(
    "bad",
    ["", "seven77", "12345678", "qwertyuiop", "anna@example.test", "EXAMPLE0001!", "jansen12", "a" * 1025],
)
def test_bad_ones_get_one_sentence_of_advice(bad):
    assert len(passwords.problems_with(bad, words=WORDS)) == 1


def test_a_very_long_one_is_judged_quickly_and_accepted():
    assert passwords.problems_with("gravel teapot seventeen " * 42, words=WORDS) == []
