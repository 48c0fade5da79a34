"""Mail addresses in headers, scripts and mailto: links that others wrote (RFC 5322, 3.4; RFC 6068)."""

import re
from urllib.parse import unquote

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[a-z0-9-]{1,63}"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*", re.ASCII | re.IGNORECASE)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.|[()<>]|[^"\\()<>]++|.', re.DOTALL)
LONGEST_LOCAL, LONGEST = 64, 254


def is_address(text: str) -> bool:
    """Whether it is an address, and nothing else, that any mail server would know as one."""
    return len(text) <= LONGEST and bool(_PLAIN.fullmatch(text)) and text.rindex("@") <= LONGEST_LOCAL


def bare_address(written: str) -> str:
    """The address alone, in lower case: without a name, comments and blanks; else what is written."""
    as_it_is = " ".join(written.split()).lower()
    if len(written) > 4 * LONGEST:
        return as_it_is
    depth, plain, angled, inside = 0, "", [], False
    for piece in _PIECE.findall(written):
        if piece in ("(", ")"):
            depth += 1 if piece == "(" else -1
        elif depth:
            continue
        elif piece == "<":
            angled.append("")
            inside = True
        elif piece == ">":
            inside = False
        elif inside:
            angled[-1] += piece
        elif angled and piece.strip():
            # Behind the address comes nothing.
            return as_it_is
        else:
            plain += piece
    if depth or inside or len(angled) > 1:
        return as_it_is
    found = "".join((angled[0] if angled else plain).split())
    # An old way to tell the road that it takes.
    found = found.rpartition(":")[2] if found.startswith("@") else found
    local, at, domain = found.rpartition("@")
    if re.fullmatch(rf'"{_ATOM}(?:\.{_ATOM})*"', local, re.ASCII):
        local = local[1:-1]
    address = f"{local}{at}{domain}".lower()
    return address if is_address(address) else as_it_is


def mailto_addresses(link: str) -> list[str]:
    """Whom a mailto: link writes to."""
    path, _, query = link.partition(":")[2].partition("?")
    lists = [path]
    for field in query.split("&"):
        name, _, value = field.partition("=")
        if unquote(name).strip().lower() in ("to", "cc", "bcc"):
            lists.append(value)
    found = [unquote(address).strip() for some in lists for address in some.split(",")]
    # A comma may be written as %2C.
    return [bare_address(part) for address in found for part in address.split(",") if part.strip()]
