"""Addresses made of people's names."""

import unicodedata

from mailboxtemplates.models import AddressStyle

# What no accent is taken off of.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def local_part_from(name: str, style: str, language: str) -> str:
    """What comes before the @, of a name in Latin letters; "" for another name, or without a style.

    Further last names stand with the last one: Jan van den Berg is jan.vandenberg.
    """
    words = [word for word in (_plain(each, language) for each in name.split()) if word]
    if not words or not style or not all(word.isascii() for word in words):
        return ""
    first, last = words[0], "".join(words[1:])
    if not last:
        return first
    made = {
        AddressStyle.FIRST_LAST: f"{first}.{last}",
        AddressStyle.F_LAST: f"{first[0]}.{last}",
        AddressStyle.LAST_FIRST: f"{last}.{first}",
        AddressStyle.FIRSTLAST: f"{first}{last}",
        AddressStyle.FLAST: f"{first[0]}{last}",
        AddressStyle.FIRST: first,
    }
    return next((local_part for each, local_part in made.items() if each.value == style), "")


def style_of(local_part: str, name: str, language: str) -> str:
    """The style by which it is made of the name; "" for none."""
    if len(name.split()) < 2:
        return ""
    styles = (style for style in AddressStyle.values if local_part_from(name, style, language) == local_part)
    return next(styles, "")


def _plain(word: str, language: str) -> str:
    """Small letters without accents; Anne-Marie keeps her hyphen, O'Neill loses the apostrophe."""
    folded = unicodedata.normalize("NFC", word).casefold()
    if language == "de":
        folded = folded.translate(_GERMAN)
    bare = unicodedata.normalize("NFKD", folded.translate(_LETTERS))
    return "".join(letter for letter in bare if letter.isalnum() or letter == "-").strip("-")
