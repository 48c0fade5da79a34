"""Texts as a search compares them: small, without accents; kept in a column beside the rows they are of."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar

import idna
from django.db import models
from django.db.models import Q

MOST_WORDS = 8
# Letters that no accent can be taken from.
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})
_PASTED = re.compile(r"<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>")
_BETWEEN = re.compile(r"[\s\"<>(),;|]+|\bmailto:", re.I)


def fold(text: str) -> str:
    """Élodie and ELODIE, Søren and Soren, STRASSE and Straße are one."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def words_of(typed: str) -> list[str]:
    """What somebody looks for, folded; of a pasted “Name <address>” the address alone."""
    pasted = _PASTED.search(typed)
    words = [pasted[1]] if pasted else _BETWEEN.split(typed)
    return list(dict.fromkeys(filter(None, map(fold, words))))[:MOST_WORDS]


def all_words(typed: str, condition: Callable[[str], Q]) -> Q:
    """Each word somewhere, in whatever order."""
    found = Q()
    for word in words_of(typed):
        found &= condition(word)
    return found


def _own_letters(name: str) -> str:
    """bücher.test for xn--bcher-kva.test, which people type."""
    local_part, sign, host = name.rpartition("@")
    try:
        return f"{local_part}{sign}{idna.decode(host)}"
    except UnicodeError:
        return ""


class FoldedColumn(models.TextField):  # type: ignore[type-arg]
    """Made of other fields of the row whenever it is written; `update` of those must set it too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"default": "", "editable": False, "blank": True, **options})

    def pre_save(self, model_instance: Any, add: bool) -> str:  # noqa: ARG002 - the signature is Django's
        model_instance.searched = searched_text(model_instance)
        return str(model_instance.searched)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


def searched_text(row: "Searched") -> str:
    """A line for each of its fields, and one for a name in its own letters."""
    told = [str(getattr(row, name)) for name in row.searched_fields]
    told += [_own_letters(each) for each in told if "xn--" in each]
    return "\n".join(fold(each) for each in told if each)


class Searched(models.Model):
    """A row that is found by words in any of these fields."""

    searched_fields: ClassVar[tuple[str, ...]]
    searched = FoldedColumn()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        named = options.get("update_fields")
        if named is not None and set(named) & set(self.searched_fields):
            options["update_fields"] = {*named, "searched"}
        super().save(*args, **options)
