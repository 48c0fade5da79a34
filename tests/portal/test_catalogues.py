"""The texts in other languages: whole, agreeing with the English ones, and short enough for their places."""

import re

import polib
import pytest

from tests.catalogues import LOCALE

LANGUAGES = ["nl", "fr", "de"]
PLURALS = {"nl": "(n != 1)", "fr": "(n > 1)", "de": "(n != 1)"}
PLACE = re.compile(r"%\((\w+)\)[sd]|%(?:\d+\$)?[sd]|\{\w*\}")
TAG = re.compile(r"</?\w+[^>]*>")
NOT_FRENCH = re.compile(r" [:;?!»](?!\S)|« |(?<=[^\W\d_])'(?=[^\W\d_])")


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(LOCALE / language / "LC_MESSAGES" / "django.po"))


def texts(entry: polib.POEntry) -> list[tuple[str, str]]:
    """(English, translated), for a plural each of its forms."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    english = {0: entry.msgid}
    return [(english.get(number, entry.msgid_plural), text) for number, text in entry.msgstr_plural.items()]


def longest(english: str) -> int:
    """Labels and buttons may grow most; whole sentences by half."""
    return max(round(len(english) * 1.6), len(english) + 22)


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_head_tells_the_language_and_its_plurals(language):
    head = catalogue(language).metadata
    assert head["Language"] == language
    assert head["Plural-Forms"] == f"nplurals=2; plural={PLURALS[language]};"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_only_guessed(language):
    assert [entry.msgid for entry in catalogue(language) if entry.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_places_and_tags_are_those_of_the_english_text(language):
    wrong = []
    for entry in catalogue(language):
        # In a plural form the number may be left out: "one mailbox".
        pool = f"{entry.msgid} {entry.msgid_plural}"
        for english, text in texts(entry):
            if not text:
                continue
            places = set(PLACE.findall(text)), set(PLACE.findall(english))
            agree = places[0] == places[1]
            if entry.msgid_plural:
                agree = places[0] <= set(PLACE.findall(pool))
            if not agree or sorted(TAG.findall(text)) != sorted(TAG.findall(english)):
                wrong.append((english, text))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_line_breaks_at_the_ends_are_kept(language):
    wrong = [
        (english, text)
        for entry in catalogue(language)
        for english, text in texts(entry)
        if text
        and (text.startswith("\n"), text.endswith("\n")) != (english[:1] == "\n", english[-1:] == "\n")
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated(language):
    missing = [english for entry in catalogue(language) for english, text in texts(entry) if not text.strip()]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_outgrows_its_place(language):
    long = [
        (english, text)
        for entry in catalogue(language)
        for english, text in texts(entry)
        if len(text) > longest(english)
    ]
    assert long == []


def test_french_keeps_its_marks_with_their_words():
    """No-break spaces before : ; ? ! » and after «, and curly apostrophes."""
    wrong = [text for entry in catalogue("fr") for _english, text in texts(entry) if NOT_FRENCH.search(text)]
    assert wrong == []


def test_the_rules_would_find_what_they_are_for():
    assert NOT_FRENCH.search("l'alias")
    assert NOT_FRENCH.search("Fait : oui")
    assert NOT_FRENCH.search("« Plus »")
    assert not NOT_FRENCH.search("«\N{NO-BREAK SPACE}Plus\N{NO-BREAK SPACE}» : l’alias".replace(" :", ":"))
    assert set(PLACE.findall("%(who)s, {0}, %s")) != set(PLACE.findall("%(whom)s, {0}, %s"))
    assert TAG.findall("<bdi>%(a)s</bdi>") != TAG.findall("%(a)s")
    assert longest("Save") == 26
