"""Names and other texts of one line: nothing in them that nobody sees, in forms, files and services alike."""

import re
import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from mailservers.ranges import PlainColumn

# Control characters, those that turn the direction of reading, halves of characters, private ones, line ends.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Letters, marks and places without a character of which nothing is shown either (Unicode's
# Default_Ignorable_Code_Point), the empty pattern of Braille, and what never is a character.
BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0\ufdd0-\ufdef\ufff0-\uffff\U000e0000-\U000e0fff]"
)
# Persian and Hindi names, and emoji of several parts, are written with these between their letters.
JOINERS = "\u200c\u200d"
JOINED_NEVER = ("LATIN", "GREEK", "CYRILLIC", "DIGIT", "SPACE")
# What chooses among the shapes of the character before: of symbols, of CJK and of Mongolian letters.
VARIATIONS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# They turn nothing but the sign beside them: names need none, sentences may.
MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u061c"))
LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
ONE_LINE = _("This has to be a single line.")
HIDDEN = gettext_noop(
    "There is a character in it that nobody sees (%(code)s), perhaps from where it was copied. Type it anew."
)


def _is_joined(letter: str) -> bool:
    return not unicodedata.name(letter, "SPACE").startswith(JOINED_NEVER)


def _has_shapes(letter: str) -> bool:
    return unicodedata.category(letter) in ("So", "Sm", "Sk", "Po", "Nd") or unicodedata.name(
        letter, ""
    ).startswith(("CJK", "MONGOLIAN"))


def _is_seen(letter: str, before: str) -> bool:
    if letter in JOINERS:
        return bool(before) and before not in JOINERS and _is_joined(before)
    if VARIATIONS.match(letter):
        return bool(before) and _has_shapes(before)
    return unicodedata.category(letter) not in UNSEEN and not BLANK.match(letter)


def _sift(text: str) -> tuple[str, str]:
    """The text with nothing in it that nobody sees, and the first character that is left out."""
    kept: list[str] = []
    first = ""
    for letter in text:
        if not _is_seen(letter, kept[-1] if kept else ""):
            first = first or letter
            continue
        if letter not in JOINERS and kept and kept[-1] in JOINERS and not _is_joined(letter):
            first = first or kept[-1]
            kept.pop()
        kept.append(letter)
    if kept and kept[-1] in JOINERS:
        first = first or kept[-1]
        kept.pop()
    return "".join(kept), first


def hidden_in(text: str) -> str:
    """The first character that nobody sees; "" when there is none."""
    return _sift(text)[1]


def require_one_line(text: str) -> None:
    """Raises ValidationError for a line end, or for a character that nobody sees."""
    hidden = hidden_in(text)
    if hidden in LINE_ENDS and hidden:
        raise ValidationError(ONE_LINE, code="several_lines")
    if hidden:
        raise ValidationError(_(HIDDEN), code="hidden", params={"code": f"U+{ord(hidden):04X}"})


def require_subject(text: str) -> None:
    """The same for a mail's subject, in which Hebrew and Arabic may need marks of direction."""
    require_one_line(text.translate(MARKS))


def as_one_line(text: str) -> str:
    """What was made elsewhere, as it can be kept here: without what nobody sees."""
    words = "".join(" " if letter in LINE_ENDS or letter == "\t" else letter for letter in text)
    return re.sub(" +", " ", _sift(words)[0]).strip()


class OneLineFormField(forms.CharField):
    """As the column's; for forms that are not made of a model."""

    default_validators = [require_one_line]  # noqa: RUF012 - as Django declares it


class SubjectFormField(forms.CharField):
    default_validators = [require_subject]  # noqa: RUF012 - as Django declares it


class OneLine(PlainColumn, models.CharField):  # type: ignore[type-arg]
    """A name, a title, a reason."""

    plain = "CharField"
    default_validators = (require_one_line,)

    def formfield(self, *args: object, **kwargs: object) -> forms.Field | None:
        return super().formfield(*args, **{"form_class": OneLineFormField, **kwargs})  # type: ignore[arg-type]


class SubjectLine(PlainColumn, models.CharField):  # type: ignore[type-arg]
    """Of a mail."""

    plain = "CharField"
    default_validators = (require_subject,)

    def formfield(self, *args: object, **kwargs: object) -> forms.Field | None:
        return super().formfield(*args, **{"form_class": SubjectFormField, **kwargs})  # type: ignore[arg-type]
