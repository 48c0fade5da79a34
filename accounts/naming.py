"""What addresses and logins are made of, as people type them: in a form, or in a column of a file."""

import re
from typing import Any

from django.utils.translation import gettext_noop

_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]*")
LONGEST_LOCAL_PART, LONGEST_LOGIN = 64, 200


class BadName(ValueError):
    """Why it can't be one: a sentence with places, and what fills them."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.values = sentence, values


def local_part_of(typed: str, domain: str) -> str:
    """What comes before the @, folded; the domain may stand behind it. Raises BadName."""
    local_part, sign, host = typed.strip().casefold().rpartition("@")
    if not sign:
        local_part = host
    elif _in_ascii(host) != domain:
        raise BadName(
            gettext_noop("This address is not in %(domain)s. Type only what comes before the @."),
            domain=domain,
        )
    strange = next((letter for letter in local_part if letter.isalnum() and not letter.isascii()), "")
    if strange:
        raise BadName(
            gettext_noop(
                "“%(letter)s” is not one of the letters a to z, though it may look like one."
                " An address is made of those, digits, and . _ - + between them."
            ),
            letter=strange,
        )
    if not _LOCAL_PART.fullmatch(local_part) or len(local_part) > LONGEST_LOCAL_PART:
        raise BadName(
            gettext_noop(
                "An address is made of the letters a to z, digits, and . _ - + between them,"
                " at most 64 in all. No blanks, no accents."
            )
        )
    return local_part


def login_of(typed: str) -> str:
    """The login, folded; raises BadName."""
    login = typed.strip().casefold()
    if not _LOGIN.fullmatch(login) or len(login) > LONGEST_LOGIN:
        raise BadName(gettext_noop("A login is made of the letters a to z, digits, and . _ - after them."))
    return login


def _in_ascii(host: str) -> str:
    """As mail servers know the name (IDNA); as it is when it is none."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
