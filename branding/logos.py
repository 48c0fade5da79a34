"""Pictures that people upload as logos: read with care, and kept as small PNGs of our own making."""

import io
import warnings
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

LARGEST_FILE = 512 * 1024
# What a browser shows at twice the density.
LARGEST_SIZE = (480, 128)
FORMATS = ("PNG", "JPEG", "WEBP")


class NotALogo(Exception):
    """The file is no picture that can be used."""


def as_png(file: BinaryIO) -> bytes:
    """Made anew, so that nothing of the file but its picture is kept; raises NotALogo."""
    try:
        with warnings.catch_warnings():
            # A small file that unpacks to a huge picture.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Half a file would do for loading, since WeasyPrint tells Pillow to be lenient.
            with Image.open(file, formats=FORMATS) as picture:
                picture.verify()
            file.seek(0)
            with Image.open(file, formats=FORMATS) as picture:
                if picture.width * picture.height > 16_000_000:
                    raise NotALogo
                made = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        raise NotALogo from None
    made.thumbnail(LARGEST_SIZE)
    written = io.BytesIO()
    made.save(written, "PNG", optimize=True)
    return written.getvalue()
