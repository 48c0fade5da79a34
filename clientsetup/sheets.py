"""The set-up card on paper: one template for the print view and the PDF."""

from base64 import b64encode
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db.models import F, Q
from django.template.loader import render_to_string

from accounts.models import Mailbox
from branding.looks import look_of
from branding.models import Brand
from clientsetup.instructions import Instructions

if TYPE_CHECKING:
    from weasyprint import Document


def sheet_as_pdf(mailbox: Mailbox, told: Instructions, *, qr: str = "") -> bytes:
    """In the reader's language. Nothing is loaded but the portal's own style sheet and fonts."""
    look = look_of(mailbox.domain_id)
    context = {"mailbox": mailbox, "told": told, "qr": qr, "brand": look, "logo": _logo_inside(mailbox)}
    text = render_to_string("clientsetup/sheet_pdf.html", context)
    written: bytes = laid_out(text, look.accent).write_pdf(pdf_variant="pdf/ua-1")
    return written


def laid_out(text: str, accent: str = "") -> "Document":
    """The page as it lies on paper."""
    # Half a second, which no process should pay at its start.
    from weasyprint import CSS, HTML  # noqa: PLC0415

    from clientsetup.sheet_files import OwnFiles  # noqa: PLC0415

    colours = [CSS(string=f":root {{ --accent: {accent}; }}")] if accent else []
    html = HTML(string=text, base_url=str(settings.BASE_DIR), url_fetcher=OwnFiles())
    return html.render(stylesheets=[finders.find("clientsetup/sheet.css"), *colours], pdf_variant="pdf/ua-1")


def _logo_inside(mailbox: Mailbox) -> str:
    """The logo as a data: address; "" when there is none."""
    brands = Brand.objects.filter(Q(domain=mailbox.domain_id) | Q(domain=None)).exclude(logo=b"")
    brand = brands.order_by(F("domain").asc(nulls_last=True)).first()
    return f"data:image/png;base64,{b64encode(bytes(brand.logo)).decode()}" if brand else ""
