"""Pictures that people upload as logos: read with care, and kept as small PNGs of our own making."""

from typing import BinaryIO

from accounts.bounded_process import answer_of

LARGEST_FILE = 512 * 1024
CPU_SECONDS = 5


class NotALogo(Exception):
    """The file is no picture that can be used."""


def as_png(file: BinaryIO) -> bytes:
    """Made anew, so that nothing of the file but its picture is kept; raises NotALogo, or Busy."""
    made = answer_of("branding.logo_process", file.read(), cpu_seconds=CPU_SECONDS)
    if not made:
        raise NotALogo
    return made
