"""Addresses as people type and paste them."""

import pytest

from accounts.naming import BadName, local_part_of, whole_address


def refused(call, *given) -> str:
    with pytest.raises(BadName) as wrong:
        call(*given)
    return wrong.value.sentence % wrong.value.values


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("Anna@EXAMPLE.TEST", "example.test"),
        ("anna@bücher.test", "xn--bcher-kva.test"),
        # ß is a letter of its own (IDNA 2008), and not ss.
        ("anna@Straße.test", "xn--strae-oqa.test"),
        ("anna@example.test.", "example.test"),
    ],
)
def test_the_domain_may_stand_behind_it_in_its_own_letters(typed, domain):
    assert local_part_of(typed, domain) == "anna"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("mu\u0308ller", "“ü” is not one of the letters"),
        ("аnna", "“а” is not one of the letters"),
        ("\u212aarl", "is not one of the letters"),
        ("an\u200bna", "nobody sees (U+200B)"),
        ("\u202eanna", "nobody sees (U+202E)"),
        ("anna@straße.test", "not in strasse.test"),
        ("a..b", "made of the letters"),
    ],
)
def test_what_only_looks_like_an_address_is_told(typed, told):
    assert told in refused(local_part_of, typed, "strasse.test")


def test_an_address_elsewhere_keeps_its_capitals_and_gets_an_ascii_domain():
    assert whole_address(" Anna@straße.example ") == "Anna@xn--strae-oqa.example"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("anna", "“anna” is not a mail address"),
        ("anna@localhost", "is not a mail address"),
        ("anna@[192.0.2.1]", "is not a mail address"),
        ("a" * 65 + "@example.org", "is not a mail address"),
        ("anna@" + "bcdefghi." * 28 + "org", "254 characters at most"),
        ("Anna <anna@example.org>", "is not a mail address"),
        ("müller@example.org", "with “ü” before the @"),
        ("a\u200b@example.org", "nobody sees (U+200B)"),
    ],
)
def test_where_no_mail_arrives_is_no_recovery_address(typed, told):
    assert told in refused(whole_address, typed)
