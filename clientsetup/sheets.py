"""The set-up card on paper: one template for the print view and the PDF."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from weasyprint import HTML, Document, default_url_fetcher

from accounts.models import Mailbox
from clientsetup.instructions import Instructions


def sheet_as_pdf(mailbox: Mailbox, told: Instructions, *, qr: str = "") -> bytes:
    """In the reader's language. Nothing is loaded but the portal's own style sheet and fonts."""
    text = render_to_string("clientsetup/sheet_pdf.html", {"mailbox": mailbox, "told": told, "qr": qr})
    written: bytes = laid_out(text).write_pdf(pdf_variant="pdf/ua-1")
    return written


def laid_out(text: str) -> Document:
    """The page as it lies on paper."""
    html = HTML(string=text, base_url=str(settings.BASE_DIR), url_fetcher=_fetch)
    return html.render(stylesheets=[finders.find("clientsetup/sheet.css")], pdf_variant="pdf/ua-1")


def _fetch(url: str) -> object:
    """Pictures inside the page, and files of the portal's own; anything else is refused."""
    parts = urlsplit(url)
    own = Path(settings.BASE_DIR).resolve() / "static"
    is_own = parts.scheme == "file" and own in Path(unquote(parts.path)).resolve().parents
    if parts.scheme != "data" and not is_own:
        raise ValueError("The sheet loads nothing from elsewhere.")
    return default_url_fetcher(url)
