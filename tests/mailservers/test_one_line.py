"""Names, titles and reasons of one line: what nobody sees is refused in forms, files and services."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts import app_passwords, second_factors
from accounts.helping import allow_help
from accounts.lifecycle import edit_mailbox
from accounts.models import AppPassword, Mailbox, Person
from accounts.people import invite
from batches.planning import plan_table
from batches.reading import read_table
from branding.models import Brand
from branding.services import save_brand
from mailservers.one_line import as_one_line, hidden_in, require_one_line, require_subject

HIDDEN = [
    "phone\nBcc: spy@evil.test",
    "a\rb",
    "a\u2028b",
    "a\x00b",
    "a\u202eb",
    "a\u200bb",
    "a\ufeffb",
    "a\x07b",
    # Letters and marks by their category, and yet there is nothing to see.
    "a\u3164b",
    "a\uffa0b",
    "a\u115fb",
    "a\u034fb",
    "a\u17b4b",
    "a\u2800b",
    "a\ufffeb",
    "a\ufff0b",
    "a\U000e0180b",
    # What joins or varies others, where there is nothing that it joins or varies.
    "An\u200cna",
    "И\u200dван",
    "علی\u200c\u200cرضا",
    "a\ufe0fb",
    "❤\ufe0f\ufe0f",
    "葛\U000e0100\U000e0101",
]
SHOWN = [
    "Anna Jansen",
    "علی\u200cرضا",
    "👩\u200d👧 Familie",
    "Zoë  O’Neill-d’Arc",
    "株式会社",
    "क्\u200dष",
    "❤\ufe0f 1\ufe0f⃣",
    "🏳\ufe0f\u200d🌈",
    "葛\U000e0100城",
    "",
]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_nobody_sees_is_refused(name):
    with pytest.raises(ValidationError):
        require_one_line(name)


@pytest.mark.parametrize("name", SHOWN)
def test_names_of_the_world_are_taken(name):
    require_one_line(name)


def test_a_subject_may_hold_marks_of_direction_and_a_name_may_not():
    require_subject("אני בחופשה עד 31.8. \u200f!")
    for refused in (require_one_line, require_subject):
        with pytest.raises(ValidationError):
            refused("a\u202eb")
    with pytest.raises(ValidationError):
        require_one_line("Anna\u200f!")


@given(st.text())
def test_what_was_made_elsewhere_can_always_be_kept(text):
    assert hidden_in(as_one_line(text)) == ""


@given(st.text(st.sampled_from("a1 علी👩❤葛\u200c\u200d\ufe0f\U000e0100\u3164\n")))
def test_whatever_stands_beside_each_other_it_can_be_kept(text):
    assert hidden_in(as_one_line(text)) == ""


@pytest.mark.parametrize("name", HIDDEN)
def test_each_service_refuses_it_last(name, mailbox, owner, webmaster, operator, support, domain):
    attempts = [
        lambda: edit_mailbox(mailbox, {"name": name}, seen={"name": mailbox.name}, by=webmaster),
        lambda: app_passwords.make_app_password(mailbox, name, by=owner),
        lambda: second_factors.add_app(owner, b"k" * 20, "000000", name=name),
        lambda: allow_help(mailbox, support, hours=1, reason=name, by=webmaster),
        lambda: invite(Person(username="nina", name=name), domains=[domain], by=operator),
        lambda: save_brand(Brand(domain=domain, name=name), png=None, by=webmaster),
    ]
    for attempt in attempts:
        with pytest.raises(ValidationError):
            attempt()
    assert (AppPassword.objects.count(), Person.objects.filter(username="nina").count()) == (0, 0)


def test_a_line_break_in_a_mailboxs_name_is_told_at_its_field(client, mailbox, webmaster):
    client.force_login(webmaster)
    page = client.post(
        "/mailboxes/anna@example.test/edit/",
        {"name": "Anna\nBcc: x", "quota": "1 GB", "seen_name": "Anna Jansen"},
    ).content.decode()
    assert "This has to be a single line." in page
    assert Mailbox.objects.get(pk=mailbox.pk).name == "Anna Jansen"


@pytest.mark.parametrize("name", ["Anna\u202eTest", "An\u200bna"])
def test_a_file_with_such_a_name_says_which_character(name, domain, webmaster):
    table = read_table(f"address,name\nnew1@example.test,{name}\n".encode())
    [row] = plan_table(table, domain, by=webmaster)
    assert (row.verdict, "nobody sees" in row.problem) == ("refused", True)
