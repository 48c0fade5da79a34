"""Addresses as people type and paste them."""

import pytest

from accounts.address_field import AddressField
from accounts.models import Domain
from accounts.naming import BadName, local_part_of, whole_address
from aliases.targets import read_targets
from vacation.addresses import NoAddress, read_addresses


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


@pytest.mark.parametrize(
    "pasted",
    [
        "\u200bjan@example.org",
        "\ufeffjan@example.org\u200e",
        "\u2060\u00a0jan@example.org\u202c ",
        "mailto:jan@example.org",
        "MAILTO:jan%40example.org?subject=Hello%20there",
        "<jan@example.org>",
        "<mailto:jan@example.org>",
        "Jan de Man <jan@example.org>",
        '"De Man, Jan" <\u200bjan@example.org>',
        "De Man, Jan <jan@example.org>",
    ],
)
def test_what_came_along_from_the_clipboard_is_left_out(pasted):
    assert whole_address(pasted) == "jan@example.org"
    assert read_addresses(pasted) == ["jan@example.org"]
    assert read_targets(pasted, Domain(name="example.test")) == ["jan@example.org"]
    assert AddressField().clean(pasted) == "jan@example.org"


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        ("De Man, Jan <jan@x.test>; Peeters, An <an@x.test>", ["jan@x.test", "an@x.test"]),
        ("De Man, Jan <jan@x.test>, an@x.test", ["jan@x.test", "an@x.test"]),
        ("an@x.test, Jan <jan@x.test>", ["an@x.test", "jan@x.test"]),
        ("mailto:an@x.test,jan@x.test", ["an@x.test", "jan@x.test"]),
        ("\u200ban@x.test,\u200ejan@x.test\ufeff", ["an@x.test", "jan@x.test"]),
        ("an@x.test\u2028jan@x.test", ["an@x.test", "jan@x.test"]),
    ],
)
def test_several_as_programs_copy_them(pasted, read):
    assert read_addresses(pasted) == read


@pytest.mark.parametrize("typed", ["piet, Jan <jan@x.test>", "Jan, Piet, An <an@x.test>", "An, jan@x.test"])
def test_a_name_that_may_have_been_meant_as_an_address_is_not_swallowed(typed):
    with pytest.raises(NoAddress):
        read_addresses(typed)


def test_what_nobody_sees_within_an_address_is_named():
    with pytest.raises(NoAddress, match=r"nobody sees \(U\+200B\)"):
        read_addresses("ja\u200bn@example.org")


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
        ("Anna <anna@example.org>, Bob <bob@example.org>", "is not a mail address"),
        ("müller@example.org", "with “ü” before the @"),
        ("a\u200b@example.org", "nobody sees (U+200B)"),
    ],
)
def test_where_no_mail_arrives_is_no_recovery_address(typed, told):
    assert told in refused(whole_address, typed)


@pytest.mark.parametrize("typed", ["a..b", "zoë"])
def test_a_plus_is_not_named_where_it_is_refused(typed):
    assert "+" not in refused(local_part_of, typed, "example.test")
