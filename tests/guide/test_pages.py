import re

import pytest
from django.utils.translation import override

from guide.pages import NAMES, pages, search
from portal.templatetags.guides import HELPS

LANGUAGES = ["en", "nl", "fr", "de"]
SHAPE = re.compile(r"<(h2|p|li|ul|ol|strong)\b|(href=\"[^\"]+\")")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_each_page_is_there_in_each_language_and_tells_the_same(client, db, language, name):
    client.cookies["django_language"] = language
    text = client.get(f"/help/{name}/").content.decode()
    with override(language):
        page = pages()[name]
    with override("en"):
        english = pages()[name]
    assert f'<html lang="{language}"' in text
    assert page.title in text.replace("&#x27;", "'")
    count = [len(re.findall(f"<{tag}\\b", page.body)) for tag in ("h2", "li", "a")]
    assert count == [len(re.findall(f"<{tag}\\b", english.body)) for tag in ("h2", "li", "a")]
    assert language == "en" or page.text != english.text
    assert 0.8 < len(page.text) / len(english.text) < 1.45


@pytest.mark.parametrize(
    ("language", "typed", "first"),
    [
        ("en", "vanish", "imap-or-pop"),
        ("en", "TRASH empty", "room-and-trash"),
        ("nl", "prullenbak", "room-and-trash"),
        ("fr", "reponse", "auto-reply"),
        ("de", "papierkörbe", None),
        ("de", "einrichten", "set-up"),
        ("en", "no-such-word", None),
        ("en", "  ", None),
        ("en", "(.*", None),
        ("en", "x" * 10_000, None),
    ],
)
def test_words_are_found_whatever_their_accents_and_capitals(language, typed, first):
    with override(language):
        hits = search(typed)
    assert (hits[0].page.name if hits else None) == first


def test_the_search_page_tells_what_it_found(client, db):
    text = client.get("/help/", {"q": "vanished"}).content.decode()
    assert "1 page found" in text
    assert "My mail has vanished" in text
    text = client.get("/help/", {"q": "<script>"}).content.decode()
    assert "Nothing found for “&lt;script&gt;”" in text


def test_a_page_that_is_none_is_not_found(client, db):
    for name in ("no-such", "..", "en", "show_page.html"):
        assert client.get(f"/help/{name}/").status_code == 404


def test_the_page_knows_the_readers_own_mailbox(client, mailbox, server):
    server.imap_host = server.smtp_host = "maximusconfessor.all2all.test"
    server.save()
    assert "example0001</dd>" not in client.get("/help/set-up/").content.decode()
    client.force_login(mailbox.owner)
    text = client.get("/help/set-up/").content.decode()
    assert "example0001</dd>" in text
    assert "maximusconfessor.all2all.test" in text


def test_pages_lead_to_the_help_they_need(client, mailbox):
    client.force_login(mailbox.owner)
    for part, name in (("auto-reply", "auto-reply"), ("usage", "room-and-trash"), ("set-up", "set-up")):
        text = client.get(f"/mailboxes/anna@example.test/{part}/").content.decode()
        assert f'href="/help/{name}/"' in text
    assert set(HELPS.values()) <= set(NAMES)
