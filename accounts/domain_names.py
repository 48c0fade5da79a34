"""Names of mail domains: as people type them, and as they are kept (IDNA 2008, lower case)."""

import idna
from django.utils.translation import gettext as _


class BadDomainName(ValueError):
    """A sentence that says what is wrong with it."""


def in_ascii(typed: str) -> str:
    """The domain in its ASCII form: “Bücher.example” is “xn--bcher-kva.example”. Raises BadDomainName."""
    name = typed.strip().rstrip(".")
    if "@" in name:
        raise BadDomainName(_("“%(name)s” is an address: leave out what is before the @.") % {"name": typed})
    try:
        ascii_name = idna.encode(name, uts46=True).decode()
    except UnicodeError:  # idna's own errors are such, and it lets others through
        ascii_name = ""
    if "." not in ascii_name or len(ascii_name) > 253 or ascii_name.rpartition(".")[2].isdigit():
        raise BadDomainName(
            _("“%(name)s” is not the name of a domain, such as example.org.") % {"name": typed}
        )
    return ascii_name
