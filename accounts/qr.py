"""QR codes."""

from urllib.parse import quote

import segno

SCALE = BORDER = 4


def qr_picture(text: str) -> str:
    """An SVG as a data: address, dark on white in either appearance, with the quiet edge scanners need."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(scale=SCALE, border=BORDER, light="#fff", dark="#000")
    width, height = code.symbol_size(scale=SCALE, border=BORDER)
    # Without a box browsers cut it, instead of making it smaller, where a page gives it less room.
    box = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    return "data:image/svg+xml," + quote(svg.replace("<svg ", box, 1))
