"""What the sheet may load. Imported only when one is made: WeasyPrint takes half a second."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from weasyprint.urls import URLFetcher, URLFetcherResponse


class OwnFiles(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Pictures inside the page, and files of the portal's own; anything else is refused."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=["data", "file"], allow_redirects=False)

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        parts = urlsplit(url)
        own = Path(settings.BASE_DIR).resolve() / "static"
        if parts.scheme != "data" and own not in Path(unquote(parts.path)).resolve().parents:
            raise ValueError("The sheet loads nothing from elsewhere.")
        return super().fetch(url, headers)
