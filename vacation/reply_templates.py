"""Texts that a webmaster keeps for the domain's people to begin with."""

import re
from datetime import datetime

from django.utils import timezone, translation
from django.utils.formats import date_format

from accounts.models import Mailbox
from vacation.models import ReplyTemplate

_PLACE = re.compile(r"\{(name|until|replacement|phone)\}")
# Between two languages.
LINE = "\n\n– – –\n\n"


def filled_in(
    templates: list[ReplyTemplate],
    mailbox: Mailbox,
    *,
    until: datetime | None,
    replacement: str,
    phone: str,
) -> tuple[str, str]:
    """Subject and text, one language below the other; what is not known keeps its braces, to be seen."""
    subjects, texts = [], []
    for template in templates:
        with translation.override(template.language):
            values = {
                "name": mailbox.name,
                "until": date_format(timezone.localtime(until), "DATE_FORMAT") if until else "",
                "replacement": replacement.strip(),
                "phone": phone.strip(),
            }
        subjects.append(_filled(template.subject, values))
        texts.append(_filled(template.text, values))
    return " / ".join(filter(None, subjects))[:250], LINE.join(texts)


def _filled(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]] or place[0], text)


def has_places(text: str, *, besides: str = "") -> bool:
    """Whether something in braces is to be filled in; `besides` is a name that does not count."""
    return any(place[1] != besides for place in _PLACE.finditer(text))
