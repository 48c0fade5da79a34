from accounts.models import Mailbox
from audit.chain import record
from mailservers import outbox

URL = "/mailboxes/anna@example.test/"


def test_it_shows_what_the_user_needs_to_know(client, mailbox):
    client.force_login(mailbox.owner)
    page = client.get(URL).content.decode()
    assert "anna@example.test" in page
    assert "example0001" in page
    assert "maximusconfessor" in page


def test_it_shows_where_the_newest_change_stands(client, mailbox, webmaster):
    change = outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    client.force_login(webmaster)
    assert f'data-change="{change.pk}"' in client.get(URL).content.decode()


def test_a_stranger_finds_no_such_mailbox(client, mailbox, stranger, other_webmaster):
    for person in (stranger, other_webmaster):
        client.force_login(person)
        assert client.get(URL).status_code == 404


def test_names_are_shown_as_text_never_as_markup(client, mailbox):
    Mailbox.objects.update(name="<script>alert(1)</script>")
    client.force_login(mailbox.owner)
    assert "<script>alert(1)" not in client.get(URL).content.decode()
