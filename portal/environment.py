"""Reads settings from environment variables and collects, in sentences, what is wrong with them."""

import base64
import ipaddress
import zoneinfo
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from environs import Env, EnvError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Environment:
    """The environment, read variable by variable; whatever is unfit lands in `problems`."""

    def __init__(self) -> None:
        self._env = Env()
        self.problems: list[str] = []

    def problem(self, sentence: str) -> None:
        self.problems.append(sentence)

    def text(self, name: str, *, hint: str, default: str = "") -> str:
        """The value; empty and a problem when it is not set and there is no default."""
        value = self._env.str(name, default) or ""
        if not value:
            self.problem(f"{name} is not set. {hint}")
        return value

    def word(self, name: str) -> str:
        """The value; empty when it is not set, and that is no problem."""
        return str(self._env.str(name, ""))

    def port(self, name: str, *, default: int) -> int:
        value = self.word(name) or str(default)
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
            self.problem(f"{name} must be a port, a whole number from 1 to 65535.")
            return default
        return int(value)

    def whole_number(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self.word(name) or str(default)
        if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
            self.problem(f"{name} must be a whole number from {least} to {most}.")
            return default
        return int(value)

    def count(self, name: str, *, default: int) -> int:
        value = self.word(name) or str(default)
        if not (value.isascii() and value.isdigit() and len(value) < 7):
            self.problem(f"{name} must be a whole number, 0 or more.")
            return default
        return int(value)

    def choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        value = self._env.str(name, default)
        if value not in choices:
            self.problem(f"{name} is {value!r}, but must be one of: {', '.join(choices)}.")
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        try:
            return self._env.bool(name, default)
        except EnvError:
            self.problem(f"{name} must be on or off.")
            return default

    def words(self, name: str) -> list[str]:
        """A list separated by commas."""
        listed: list[str] = self._env.list(name, [])
        return [word.strip() for word in listed if word.strip()]

    def networks(self, name: str, *, default: Sequence[str] = ()) -> list[Network]:
        """Addresses or networks in CIDR notation, separated by commas."""
        found: list[Network] = []
        for cidr in self.words(name) or default:
            try:
                found.append(ipaddress.ip_network(cidr))
            except ValueError:
                self.problem(f"{name}: {cidr!r} is no address or network such as 10.0.0.0/8.")
        return found

    def url(self, name: str, schemes: Sequence[str], *, hint: str) -> str:
        """An address of one of the schemes, with a host, without a slash at the end."""
        value = self.text(name, hint=hint)
        # Only the scheme is named in the complaint: the rest may hold a password.
        if value and (urlsplit(value).scheme not in schemes or not urlsplit(value).hostname):
            self.problem(f"{name} must look like {schemes[0]}://HOST. {hint}")
        return value.rstrip("/")

    def broker(self, name: str) -> str:
        """The address of a Redis; one by TLS whose certificate is not to be verified is a problem."""
        value = self.url(name, ("redis", "rediss"), hint="For example redis://:PASSWORD@localhost")
        if dict(parse_qsl(urlsplit(value).query)).get("ssl_cert_reqs", "required").lower() != "required":
            self.problem(f"{name}: name the authority with ssl_ca_certs=FILE; certificates are verified.")
        return value

    def time_zone(self, name: str, *, default: str) -> str:
        value = self._env.str(name, default)
        if value not in zoneinfo.available_timezones():
            self.problem(f"{name}: {value!r} is no time zone such as Europe/Brussels.")
            return default
        return value

    def fernet_keys(self, name: str) -> list[str]:
        """Fernet keys, newest first, separated by commas."""
        hint = "Make one: head -c 32 /dev/urandom | base64 | tr +/ -_"
        keys = self.words(name)
        if not keys:
            self.problem(f"{name} is not set. {hint}")
        for place, key in enumerate(keys, start=1):
            try:
                Fernet(key)
            except ValueError:
                self.problem(f"{name}: key {place} is not 32 bytes in URL-safe base64. {hint}")
        return keys

    def sealing_key(self, name: str) -> bytes:
        """32 bytes, written as base64; empty when it is not set, which most portals can do without."""
        text = self._env.str(name, "") or ""
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b"?"
        if text and len(key) != 32:
            self.problem(f"{name} is not 32 bytes in base64. Make both keys: manage.py make_sealing_keys")
            return b""
        return key

    def certificate(self, name: str, key_name: str) -> tuple[str, str]:
        """The paths of a certificate and of its key, in PEM; ("", "") when they are not set."""
        certificate, key = self.word(name), self.word(key_name)
        if not certificate and not key:
            return "", ""
        try:
            public = x509.load_pem_x509_certificates(Path(certificate).read_bytes())[0].public_key()
            private = serialization.load_pem_private_key(Path(key).read_bytes(), password=None)
            fits = private.public_key() == public
        except (OSError, ValueError, TypeError):
            fits = False
        if not fits or not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            self.problem(
                f"{name} and {key_name} must name readable PEM files: a certificate, and its RSA or EC key"
                " without a passphrase."
            )
            return "", ""
        return certificate, key

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """Django's database settings from sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME."""
        url = urlsplit(self._env.str(name, default))
        if url.scheme == "sqlite" and not url.netloc and len(url.path) > 1:
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": unquote(url.path),
                "OPTIONS": {
                    "timeout": 20,
                    # Readers never wait for a writer; a writer waits at BEGIN instead of failing half way.
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                    "transaction_mode": "IMMEDIATE",
                },
            }
        if url.scheme in ("postgresql", "postgres") and len(url.path) > 1:
            return {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": unquote(url.path[1:]),
                "USER": unquote(url.username or ""),
                "PASSWORD": unquote(url.password or ""),
                "HOST": url.hostname or "",
                "PORT": str(url.port or ""),
                "CONN_MAX_AGE": 60,
                "CONN_HEALTH_CHECKS": True,
                "OPTIONS": {"connect_timeout": 5, **self._tls_options(name, url.query)},
            }
        self.problem(f"{name} must look like sqlite:////PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.")
        return {}

    def _tls_options(self, name: str, query: str) -> dict[str, str]:
        """What libpq is told of TLS; whatever else is asked for would be lost silently."""
        options = dict(parse_qsl(query, keep_blank_values=True))
        if set(options) - {"sslmode", "sslrootcert"}:
            self.problem(f"{name} takes ?sslmode=verify-full and &sslrootcert=FILE, and nothing else there.")
        return options


def passkey_origin(public_url: str, *, on_loopback: bool) -> str:
    """Where passkeys can be used, as browsers write it; "" where they can't.

    Only under a name and over TLS, or as localhost. `on_loopback`: a number of this machine stands for that.
    """
    url = urlsplit(public_url)
    host, port = url.hostname or "", f":{url.port}" if url.port else ""
    try:
        is_own_number = ipaddress.ip_address(host).is_loopback
    except ValueError:
        safe = url.scheme == "https" or host == "localhost"
        default = {"https": ":443", "http": ":80"}.get(url.scheme)
        return f"{url.scheme}://{host}{'' if port == default else port}" if host and safe else ""
    return f"http://localhost{port}" if is_own_number and on_loopback and url.scheme == "http" else ""
