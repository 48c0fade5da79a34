"""The one script the portal owns on a mail server.

Why it includes the script that ran before: docs/decisions/003-who-owns-the-sieve-script.md.
"""

import re
from typing import NamedTuple

from mailservers.drivers.sieve_reading import included

NAME = "portal"

HEADER = """\
# This script belongs to the mail portal.
# The portal writes it anew at every change: set your auto-reply and forwarding there, please.
# Rules of your own belong into another script; the one that was active before runs at the end of this one.
"""
STOP = "stop;\n"
_BEGIN = "# ----- from the portal -----\n"
_END = "# ----- end of the portal's part -----\n"
_INCLUDE = re.compile(r'^include :personal :optional "((?:[^"\\]|\\.)*)";$', re.MULTILINE)


class PortalScript(NamedTuple):
    """What a stored script is made of."""

    text: str
    before: str
    """The name of the script that was active before, or empty."""


def compose(script: PortalScript) -> str:
    """The whole script as it is stored."""
    include = f"include :personal :optional {_quoted(script.before)};\n" if script.before else ""
    # Each require must come before all other commands: ours goes before those of the text. The line end
    # after the text is always ours, so that the text can be told to the letter when it is read back.
    return f'{HEADER}require "include";\n{_BEGIN}{script.text}\n{_END}{include}'


def is_last(text: str) -> bool:
    """Whether what the portal's part stands in front of never runs."""
    return text == STOP or text.endswith(f"\n{STOP}")


def is_ours(stored: str) -> bool:
    """Whether the portal wrote it, or somebody changed what the portal wrote."""
    return stored.startswith(HEADER.splitlines()[0])


def take_apart(stored: str) -> PortalScript | None:
    """The parts of a script that is exactly as the portal wrote it; else None."""
    text = stored.partition(_BEGIN)[2].rpartition(_END)[0]
    script = PortalScript(text.removesuffix("\n"), remembered(stored))
    return script if compose(script) == stored else None


def remembered(stored: str) -> str:
    """The script that was active before, also when somebody has changed the rest."""
    if _END in stored or not is_ours(stored):
        found = _INCLUDE.findall(stored.rpartition(_END)[2])
        return re.sub(r"\\(.)", r"\1", found[-1]) if found else ""
    # Roundcube writes all of it anew, without the marks, when somebody changes our auto-reply there.
    return next(reversed(included(stored)), "")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
