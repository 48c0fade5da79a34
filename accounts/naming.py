"""What addresses and logins are made of, as people type them: in a form, or in a column of a file."""

import re
import unicodedata
from typing import Any

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop

from accounts.domain_names import BadDomainName, in_ascii
from accounts.pasted import address_in
from mailservers.drivers.base import Limits

_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]*")
# RFC 5321, 4.5.3.1, and what its 256 for a path leave for an address.
LONGEST_LOCAL_PART, LONGEST_ADDRESS, LONGEST_LOGIN = 64, 254, 200
# Unicode's categories of controls, and of marks for direction and joining.
UNSEEN = {"Cc", "Cf"}
UNSEEN_OR_HALF = UNSEEN | {"Cs"}


# As much of what somebody typed as a name could be.
LONGEST_TYPED = 320


def folded(typed: str) -> str:
    """A name as it is kept, in whatever form somebody typed it: the one place for that.

    Capitals, Unicode's forms, what nobody sees, blanks around it; the domain of an address in ASCII.
    """
    text = unicodedata.normalize("NFKC", typed[:LONGEST_TYPED])
    seen = "".join(letter for letter in text if unicodedata.category(letter) not in UNSEEN_OR_HALF)
    # One sign may have become eighteen.
    name = unicodedata.normalize("NFC", seen.strip().casefold())[:LONGEST_TYPED].strip()
    local_part, sign, host = name.rpartition("@")
    return f"{local_part}{sign}{_in_ascii(host).rstrip('.')}" if sign else name


def searched_forms(text: str) -> list[str]:
    """What to look for where addresses are kept: the text, and what its domain is in ASCII."""
    text = text.strip()
    if text.isascii():
        return [text]
    local_part, sign, host = unicodedata.normalize("NFC", text).casefold().rpartition("@")
    try:
        encoded = idna.encode(host, uts46=True).decode()
    except UnicodeError:  # idna's own errors are such
        return [text]
    return [text, f"{local_part}{sign}{encoded}"]


class BadName(ValueError):
    """Why it can't be one: a sentence with places, and what fills them."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.values = sentence, values


def local_part_of(typed: str, domain: str) -> str:
    """What comes before the @, folded; the domain may stand behind it. Raises BadName."""
    text, sign, host = typed.strip().rpartition("@")
    if not sign:
        text = host
    elif host.lower() != domain and _in_ascii(host) != domain:
        raise BadName(
            gettext_noop("This address is not in %(domain)s. Type only what comes before the @."),
            domain=domain,
        )
    if not text.isascii():
        # Before it is folded, which makes a plain k of a Kelvin sign.
        _refuse_strange(text)
    local_part = text.lower()
    if not _LOCAL_PART.fullmatch(local_part) or len(local_part) > LONGEST_LOCAL_PART:
        raise BadName(
            gettext_noop(
                "An address is made of the letters a to z, digits, and . _ - between them,"
                " at most 64 in all. No blanks, no accents."
            )
        )
    return local_part


def new_local_part_of(typed: str, domain: str, limits: Limits | None) -> str:
    """The same for an address that is to be made on a server: without a tag. Raises BadName."""
    local_part = local_part_of(typed, domain)
    marks = "+" + (limits.tag_marks if limits is not None else "")
    found = next((letter for letter in local_part if letter in marks), "")
    if found:
        raise BadName(
            gettext_noop(
                "What follows a %(mark)s is a tag: mail for it goes to the address before the %(mark)s."
                " Leave it out."
            ),
            mark=found,
        )
    return local_part


def whole_address(typed: str) -> str:
    """An address anywhere, its domain in ASCII; raises BadName."""
    typed = address_in(typed)
    local_part, _sign, host = typed.rpartition("@")
    address = f"{local_part}@{host if host.isascii() else _in_ascii(host)}"
    if "." in host and not local_part.isascii():
        refuse_unseen(local_part)
        raise BadName(
            gettext_noop("Most mail servers take no mail for addresses with “%(letter)s” before the @."),
            letter=next(letter for letter in local_part if not letter.isascii()),
        )
    try:
        validate_email(address)
    except ValidationError:
        raise BadName(_NO_ADDRESS, typed=typed[:100]) from None
    # Neither a name of this machine nor a number is where people read their mail.
    if "." not in host or host.endswith("]") or len(local_part) > LONGEST_LOCAL_PART:
        raise BadName(_NO_ADDRESS, typed=typed[:100])
    if len(address) > LONGEST_ADDRESS:
        raise BadName(
            gettext_noop("The address is too long: %(most)s characters at most."), most=LONGEST_ADDRESS
        )
    return address


_NO_ADDRESS = gettext_noop("“%(typed)s” is not a mail address. It should look like name@example.org.")


def login_of(typed: str) -> str:
    """The login, folded; raises BadName."""
    login = typed.strip().casefold()
    if not _LOGIN.fullmatch(login) or len(login) > LONGEST_LOGIN:
        raise BadName(gettext_noop("A login is made of the letters a to z, digits, and . _ - after them."))
    return login


def refuse_unseen(text: str) -> None:
    hidden = next((letter for letter in text if unicodedata.category(letter) in UNSEEN), "")
    if hidden:
        raise BadName(
            gettext_noop(
                "There is a character in it that nobody sees (%(code)s), perhaps from where it was copied."
                " Type it anew."
            ),
            code=f"U+{ord(hidden):04X}",
        )


def _refuse_strange(text: str) -> None:
    refuse_unseen(text)
    # An ü from two characters is told as one; a Kelvin sign, which would become a K, as it is.
    letters = unicodedata.normalize("NFC", text) + text
    raise BadName(
        gettext_noop(
            "“%(letter)s” is not one of the letters a to z, though it may look like one."
            " An address is made of those, digits, and . _ - between them."
        ),
        letter=next(letter for letter in letters if not letter.isascii()),
    )


def _in_ascii(host: str) -> str:
    """As mail servers know the name (IDNA); as it is when it is none."""
    try:
        return in_ascii(host)
    except BadDomainName:
        return host
