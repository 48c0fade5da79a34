"""Makes a small PNG of an uploaded picture: python -m branding.logo_process < FILE > PNG."""

import io
import sys
import warnings

from PIL import Image, UnidentifiedImageError

# What a browser shows at twice the density.
LARGEST_SIZE = (480, 128)
MOST_PIXELS = 16_000_000
FORMATS = ("PNG", "JPEG", "WEBP")


def main() -> int:
    """1 when the file is no picture that can be used."""
    file = io.BytesIO(sys.stdin.buffer.read())
    try:
        # A small file that unpacks to a huge picture.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return 1
            picture.verify()
        file.seek(0)
        with Image.open(file, formats=FORMATS) as picture:
            made = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return 1
    made.thumbnail(LARGEST_SIZE)
    made.save(sys.stdout.buffer, "PNG", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
