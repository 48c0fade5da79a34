"""What people look for is found as they type it: without accents, in any order, as it was pasted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import lifecycle
from accounts.folding import fold, searched_text, words_of
from accounts.many import change_mailboxes
from accounts.models import Alias, AliasTarget, Mailbox, Person

pytestmark = pytest.mark.sql


@pytest.fixture
def people(domain):
    names = {
        "jurgen": "Jürgen Müller",
        "soren": "SØREN Møller",
        "anna.peeters": "Anna Peeters",
        "helene": "HÉLÈNE LEFÈVRE",
        "lukasz": "Łukasz Dąbrowski",
        "strasse": "Frau Straße",
        "o.brien": "Seán O’Brien",
    }
    for number, (local, name) in enumerate(names.items()):
        Mailbox.objects.create(
            address=f"{local}@example.test",
            domain=domain,
            server=domain.server,
            login=f"x{number:04}",
            name=name,
            quota_bytes=0,
        )


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("jurgen", ["jurgen"]),
        ("JÜRGEN", ["jurgen"]),
        ("Ju\u0308rgen", ["jurgen"]),
        ("muller", ["jurgen"]),
        ("Soren", ["soren"]),
        ("moller", ["soren"]),
        ("Møller", ["soren"]),
        ("lefevre", ["helene"]),
        ("Hélène Lefèvre", ["helene"]),
        ("LEFÈVRE hélène", ["helene"]),
        ("peeters anna", ["anna.peeters"]),
        ("peeters femke", []),
        ("Anna Peeters <anna.peeters@example.test>", ["anna.peeters"]),
        ('"Peeters, A. (HR)" <Anna.Peeters@example.test>;', ["anna.peeters"]),
        ("mailto:anna.peeters@example.test", ["anna.peeters"]),
        ("<mailto:anna.peeters@example.test>", ["anna.peeters"]),
        ("dabrowski lukasz", ["lukasz"]),
        ("STRASSE", ["strasse"]),
        ("straße", ["strasse"]),
        ("X0002", ["anna.peeters"]),
        ("obrien", []),
        ("o.brien", ["o.brien"]),
        ("ann", ["anna.peeters"]),
        ("%", []),
        ("_nna", []),
        ("\\", []),
    ],
)
def test_mailboxes(people, typed, found):
    names = Mailbox.objects.matching(typed).order_by("address").values_list("address", flat=True)
    assert [name.partition("@")[0] for name in names] == found


@pytest.mark.parametrize("typed", ["", "  ", "<>", '",;'])
def test_nothing_typed_leaves_all(people, typed):
    assert Mailbox.objects.matching(typed).count() == Mailbox.objects.count()


def test_people(db):
    Person.objects.create(username="zoë", name="Zoë De Man", email="zoe@office.test")
    for typed in ("zoe", "ZOË", "man zoe", "De Man <zoe@office.test>", "office zoe"):
        assert Person.objects.matching(typed).count() == 1, typed
    assert not Person.objects.matching("zoe other").exists()


def test_aliases_by_words_of_address_and_targets(domain):
    alias = Alias.objects.create(address="sales@example.test", domain=domain)
    AliasTarget.objects.create(alias=alias, address="anna@example.test")
    for typed in ("sales", "anna sales", "SALES Anna", "Sales <sales@example.test>"):
        assert list(Alias.objects.matching(typed)) == [alias], typed
    assert not Alias.objects.matching("sales bert").exists()


def test_a_new_name_is_found_and_the_old_is_not(mailbox, webmaster):
    lifecycle.edit_mailbox(mailbox, {"name": "Noémie"}, seen={"name": mailbox.name}, by=webmaster)
    assert Mailbox.objects.matching("noemie").count() == 1
    assert not Mailbox.objects.matching("jansen").exists()


def test_so_are_those_of_many(mailbox, webmaster):
    change_mailboxes([(mailbox, {"name": "Zoë"})], by=webmaster)
    assert Mailbox.objects.matching("zoe").count() == 1


def test_what_is_saved_alone_is_kept_along(mailbox):
    mailbox.login = "other0001"
    mailbox.save(update_fields=["login"])
    assert Mailbox.objects.get().searched == searched_text(mailbox)
    assert Mailbox.objects.matching("other0001").exists()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_typed_gives_words(typed):
    words = words_of(typed)
    assert len(words) <= 8
    assert all(fold(word) == word or word for word in words)
