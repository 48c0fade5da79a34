"""What an alias may be called and lead to: addresses, and nothing a mail server reads as something else."""

import unicodedata

from django.utils.translation import gettext_noop

from mailservers.drivers.base import AliasState, Refused

# To a mail server these may mean a list, a program, a file, a name, a comment or anything at all.
_UNFIT = frozenset(',|/:\\"<>()[];*')


def refuse_unfit(alias: AliasState) -> None:
    for address in (alias.address, *alias.targets):
        if is_unfit(address):
            raise Refused(gettext_noop("“%(address)s” is not a mail address."), address=address[:100])


def is_unfit(address: str) -> bool:
    """Whether it is no address, or one with characters that mean something else."""
    return (
        "@" not in address
        or bool(_UNFIT & set(address))
        or any(unicodedata.category(each) in ("Cc", "Cs", "Zs", "Zl", "Zp") for each in address)
    )
