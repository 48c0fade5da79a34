"""Reads what an operator gave for a server; every complaint says how to mend it, and never holds a secret."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from mailservers.drivers.base import ConfigurationError


def refuse_unknown(what: str, given: Mapping[str, object], known: frozenset[str], kind: str) -> None:
    if unknown := sorted(set(given) - known):
        raise ConfigurationError(
            f"The {what} hold “{unknown[0]}”, which a {kind} server has no use for."
            f" Use only: {', '.join(sorted(known))}."
        )


def text(given: Mapping[str, object], name: str, how_to_mend: str = "") -> str:
    """The setting; empty when it may be left out, which is when there is nothing to mend."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a text.")
    if not value and how_to_mend:
        raise ConfigurationError(f"{name} is missing. {how_to_mend}")
    if value and "\0" in value:
        raise ConfigurationError(f"{name} holds a NUL character. Take it out.")
    return value or ""


def flag(given: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be true or false.")
    return value


def port(given: Mapping[str, object], name: str, usual: str) -> int:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise ConfigurationError(f"{name} must be a whole number from 1 to 65535. {usual}")
    return value


def seconds(given: Mapping[str, object], name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 300:
        raise ConfigurationError(f"{name} must be a number of seconds above 0, 300 at most.")
    return float(value)


def tls(
    given: Mapping[str, object], ca_file_name: str = "ca_file", ca_pem_name: str = "ca_pem"
) -> ssl.SSLContext:
    """Trusts the given authority alone, else those the system trusts."""
    ca_file, ca_pem = text(given, ca_file_name), text(given, ca_pem_name)
    if ca_file and ca_pem:
        raise ConfigurationError(f"Give either {ca_file_name} or {ca_pem_name}, not both.")
    if ca_file and not Path(ca_file).is_file():
        raise ConfigurationError(
            f"{ca_file_name}: there is no file {ca_file}. Give the authority's PEM file."
        )
    try:
        return ssl.create_default_context(cafile=ca_file or None, cadata=ca_pem or None)
    except (OSError, ValueError, TypeError):  # files that may not be read, ssl's own errors, not ASCII
        name = ca_file_name if ca_file else ca_pem_name
        raise ConfigurationError(
            f"{name} cannot be used. It must be readable and hold certificates in PEM form."
        ) from None
