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
# Persian and Hindi names, and emoji of several parts, are written with these between their letters.
JOINERS = "\u200c\u200d"
LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
ONE_LINE = _("This has to be a single line.")
HIDDEN = gettext_noop(
    "There is a character in it that nobody sees (%(code)s), perhaps from where it was copied. Type it anew."
)


def hidden_in(text: str) -> str:
    """The first character that nobody sees; "" when there is none."""
    for place, letter in enumerate(text):
        if unicodedata.category(letter) in UNSEEN and not (letter in JOINERS and 0 < place < len(text) - 1):
            return letter
    return ""


def require_one_line(text: str) -> None:
    """Raises ValidationError for a line end, or for a character that nobody sees."""
    hidden = hidden_in(text)
    if hidden in LINE_ENDS and hidden:
        raise ValidationError(ONE_LINE, code="several_lines")
    if hidden:
        raise ValidationError(_(HIDDEN), code="hidden", params={"code": f"U+{ord(hidden):04X}"})


def as_one_line(text: str) -> str:
    """What was made elsewhere, as it can be kept here: without what nobody sees."""
    words = "".join(" " if letter in LINE_ENDS or letter == "\t" else letter for letter in text)
    kept = "".join(
        letter for letter in words if letter in JOINERS or unicodedata.category(letter) not in UNSEEN
    )
    return re.sub(" +", " ", kept).strip(JOINERS + " ")


class OneLineFormField(forms.CharField):
    """As the column's; for forms that are not made of a model."""

    default_validators = [require_one_line]  # noqa: RUF012 - as Django declares it


class OneLine(PlainColumn, models.CharField):  # type: ignore[type-arg]
    """A name, a title, a reason."""

    plain = "CharField"
    default_validators = (require_one_line,)

    def formfield(self, *args: object, **kwargs: object) -> forms.Field | None:
        return super().formfield(*args, **{"form_class": OneLineFormField, **kwargs})  # type: ignore[arg-type]
