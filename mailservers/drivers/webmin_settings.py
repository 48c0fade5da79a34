"""What an operator tells the portal about a server with Webmin, checked before anything is reached."""

import ssl
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from mailservers.drivers import given
from mailservers.drivers.base import ConfigurationError

COMMON = frozenset(
    ["url", "tls_name", "ca_file", "ca_pem", "connect_seconds", "read_seconds", "write_seconds", "simulation"]
)
CREDENTIALS = frozenset(["user", "password"])


@dataclass(frozen=True, slots=True)
class WebminSettings:
    """Where Webmin listens, and as whom the portal comes."""

    url: str
    """Without a path."""
    tls: ssl.SSLContext
    tls_name: str
    """The name in the certificate, if not the URL's host."""
    user: str
    password: str = field(repr=False)
    connect_seconds: float
    read_seconds: float
    write_seconds: float


def read_settings(
    endpoints: Mapping[str, object],
    credentials: Mapping[str, object],
    *,
    also: frozenset[str],
    known_credentials: frozenset[str] = CREDENTIALS,
    kind: str,
) -> WebminSettings:
    """Raises ConfigurationError with a sentence that says how to mend it, and without any secret."""
    given.refuse_unknown("endpoints", endpoints, COMMON | also, kind)
    given.refuse_unknown("credentials", credentials, known_credentials, kind)
    return WebminSettings(
        url=_url(given.text(endpoints, "url", "Give Webmin's address, as https://HOST:10000.")),
        tls=given.tls(endpoints),
        tls_name=given.text(endpoints, "tls_name"),
        user=_user(given.text(credentials, "user", "Give a Webmin user for the portal alone.")),
        password=given.text(credentials, "password", "Give the Webmin user's password."),
        connect_seconds=given.seconds(endpoints, "connect_seconds", 5),
        read_seconds=given.seconds(endpoints, "read_seconds", 30),
        # Below what a task may take; a call that was given up is still carried out, and found done later.
        write_seconds=given.seconds(endpoints, "write_seconds", 60),
    )


def read_zone(endpoints: Mapping[str, object]) -> str:
    """The server's time zone."""
    zone = given.text(
        endpoints, "time_zone", "Give the time zone of the server's clock, such as Europe/Brussels."
    )
    if zone not in zoneinfo.available_timezones():
        raise ConfigurationError(f"time_zone: “{zone}” is no time zone such as Europe/Brussels.")
    return zone


def _url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    extra = url.userinfo or url.query or url.fragment or url.path.strip("/")
    if url.scheme != "https" or not url.host or extra:
        raise ConfigurationError("url must look like https://HOST:10000, with nothing behind it.")
    return str(url).rstrip("/")


def _user(name: str) -> str:
    if ":" in name:
        raise ConfigurationError("user holds a colon, which HTTP does not allow.")
    return name
