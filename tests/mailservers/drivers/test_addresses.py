"""Addresses as others write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservers.drivers.addresses import bare_address, is_address, mailto_addresses


@pytest.mark.parametrize(
    "written",
    [
        "a@b.test",
        " A@B.test ",
        "a @ b . test",
        "Anna <a@b.test>",
        '"Anna, (of B) <x@y.test>" <a@b.test> (at work)',
        "<a@b.test>",
        "<@c.test,@d.test:a@b.test>",
        "a@b.test (x (y) \\) z)",
        '"a"@b.test',
        "(c@d.test) a@b.test",
    ],
)
def test_the_address_alone(written: str) -> None:
    assert bare_address(written) == "a@b.test"


@pytest.mark.parametrize(
    "written",
    [
        *("a@b..c", "a@b.test.", "a@.", "@b.test", "a@", "a", "", "a..b@c.test", ".a@c.test", "a@b@c.test"),
        *("a@b.test, c@d.test", "<a@b.test> <c@d.test>", "<a@b.test> c@d.test", "a@b.test (", "a@b.test <"),
        *("a@[1.2.3.4]", "x: a@b.test;", "a\0@b.test", "jörg@b.test", "a" * 65 + "@b.test", "<>" * 1000),
    ],
)
def test_what_is_none_stays_what_is_written(written: str) -> None:
    assert not is_address(bare_address(written))


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    found = bare_address(text)
    assert is_address(found) or found == " ".join(text.split()).lower()
    for address in mailto_addresses(text):
        assert address


def test_whom_a_link_writes_to() -> None:
    link = "mailto:a@b.test,c%40d.test?subject=x@y.test&cc=e@f.test&%42CC=Anna%20%3cg@h.test%3e,i@j.test"
    assert mailto_addresses(link) == ["a@b.test", "c@d.test", "e@f.test", "g@h.test", "i@j.test"]
