"""Whether white text can be read on a colour, and the nearest one on which it can (WCAG 2.2, 1.4.3)."""

import re

ENOUGH = 4.5
WHITE = (255, 255, 255)
_WRITTEN = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")

Colour = tuple[int, int, int]


def parse(text: str) -> Colour:
    """From #rrggbb or #rgb; ValueError for anything else."""
    found = _WRITTEN.fullmatch(text.strip().casefold())
    if found is None:
        raise ValueError("not a colour")
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def written(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def darkened(colour: Colour, share: float) -> Colour:
    """Mixed with black; `share` of 1 is the colour itself."""
    red, green, blue = (int(part * share) for part in colour)
    return red, green, blue


def readable(colour: Colour) -> Colour:
    """The colour, as much darker as white text on it needs."""
    return next(
        darker
        for darker in (darkened(colour, step / 100) for step in range(100, -1, -1))
        if contrast(darker, WHITE) >= ENOUGH
    )


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
