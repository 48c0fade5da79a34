"""What an operator tells the portal about a Dovecot server, checked before anything is reached."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mailservers.drivers.alias_table import AliasColumns
from mailservers.drivers.base import HASH_SCHEMES, ConfigurationError, FolderKind

WHERE = ("sql_url", "sieve_host", "sieve_port", "tls_name", "doveadm_url", "lmtp_host", "lmtp_port")
TRUST = ("ca_file", "ca_pem")
SECONDS = ("connect_seconds", "read_seconds", "total_seconds")
LIMITS = (
    *SECONDS,
    "max_redirects",
    "recipient_delimiter",
    "default_script",
    "app_passwords",
    "switches_apart",
    "hash_schemes",
)
FOLDERS = ("trash_folders", "junk_folders", "folder_separator")
ALIASES = (
    *("alias_table", "alias_address_column", "alias_goto_column"),
    *("alias_domain_column", "alias_active_column"),
)
ENDPOINTS = frozenset(WHERE + TRUST + LIMITS + FOLDERS + ALIASES)
HIDDEN = "***"  # so SQLAlchemy writes a password that is not to be seen
CREDENTIALS = frozenset(["master_user", "master_password", "doveadm_key", "sql_password"])


@dataclass(frozen=True, slots=True)
class FolderNames:
    """Which folders are trash or junk: doveadm does not tell. Their subfolders are so, too."""

    trash: tuple[str, ...]
    junk: tuple[str, ...]
    separator: str

    def kind_of(self, name: str) -> FolderKind:
        if self.are_in(self.trash, name):
            return FolderKind.TRASH
        return FolderKind.JUNK if self.are_in(self.junk, name) else FolderKind.MAIL

    def are_in(self, parents: tuple[str, ...], name: str) -> bool:
        return any(name == parent or name.startswith(parent + self.separator) for parent in parents)


@dataclass(frozen=True, slots=True)
class DovecotSettings:
    """Endpoints and credentials, complete and of the right types."""

    sql_url: URL = field(repr=False)
    sieve_host: str
    sieve_port: int
    tls_name: str
    doveadm_url: str
    """Empty: usage cannot be read, nor sessions ended."""
    lmtp_host: str
    """Empty: the portal can hand it no mail, and prove nothing."""
    lmtp_port: int
    folders: FolderNames
    aliases: AliasColumns | None
    """None: nobody reads aliases from that database."""
    tls: ssl.SSLContext
    """For ManageSieve."""
    https: ssl.SSLContext
    """For doveadm. Another one, as httpx lets a context offer HTTP alone (ALPN): Dovecot 2.4's ManageSieve
    closes each handshake that does."""
    master_user: str
    master_password: str = field(repr=False)
    doveadm_key: str = field(repr=False)
    max_redirects: int
    """Pigeonhole's sieve_max_redirects."""
    recipient_delimiter: str
    """Dovecot's setting of that name."""
    default_script: str
    """Pigeonhole's sieve_default_name: a script that everybody has."""
    app_passwords: bool
    """Whether it has the tables app_password and app_password_use, and a passdb that reads them."""
    switches_apart: bool
    """Whether its table of accounts has the columns sends and receives, and Dovecot asks for them."""
    hash_schemes: tuple[str, ...]
    """Those that the server's Dovecot reads, the best first; empty: all."""
    connect_seconds: float
    read_seconds: float
    total_seconds: float


def read_settings(endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> DovecotSettings:
    """Raises ConfigurationError with a sentence that says how to mend it, and without any secret."""
    _refuse_unknown("endpoints", endpoints, ENDPOINTS)
    _refuse_unknown("credentials", credentials, CREDENTIALS)
    sieve_host = _text(endpoints, "sieve_host", "Give the name of the mail server, as in its certificate.")
    doveadm_url = _doveadm_url(_text(endpoints, "doveadm_url"))
    return DovecotSettings(
        sql_url=_sql_url(endpoints, credentials),
        sieve_host=sieve_host,
        sieve_port=_port(endpoints),
        tls_name=_text(endpoints, "tls_name") or sieve_host,
        doveadm_url=doveadm_url,
        lmtp_host=_text(endpoints, "lmtp_host"),
        lmtp_port=_lmtp_port(endpoints),
        folders=_folders(endpoints),
        aliases=_aliases(endpoints),
        tls=_tls(endpoints),
        https=_tls(endpoints),
        master_user=_text(credentials, "master_user", "Give the master user that Dovecot knows."),
        master_password=_text(credentials, "master_password", "Give the master user's password."),
        doveadm_key=_text(
            credentials,
            "doveadm_key",
            "Give the value of doveadm_api_key, or leave doveadm_url out." if doveadm_url else "",
        ),
        max_redirects=_max_redirects(endpoints),
        recipient_delimiter=_text(endpoints, "recipient_delimiter") or "+",
        default_script=_text(endpoints, "default_script"),
        app_passwords=_flag(endpoints, "app_passwords", "Dovecot reads the table app_password"),
        switches_apart=_flag(endpoints, "switches_apart", "Dovecot asks for the columns sends and receives"),
        hash_schemes=_hash_schemes(endpoints),
        connect_seconds=_seconds(endpoints, "connect_seconds", 5),
        read_seconds=_seconds(endpoints, "read_seconds", 10),
        total_seconds=_seconds(endpoints, "total_seconds", 30),
    )


def _refuse_unknown(what: str, given: Mapping[str, object], known: frozenset[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise ConfigurationError(
            f"The {what} hold “{unknown[0]}”, which a Dovecot server has no use for."
            f" Use only: {', '.join(sorted(known))}."
        )


def _text(given: Mapping[str, object], name: str, how_to_mend: str = "") -> str:
    """The setting; empty when it may be left out, which is when there is nothing to mend."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a text.")
    if not value and how_to_mend:
        raise ConfigurationError(f"{name} is missing. {how_to_mend}")
    if value and "\0" in value:
        raise ConfigurationError(f"{name} holds a NUL character. Take it out.")
    return value or ""


def _port(endpoints: Mapping[str, object]) -> int:
    port = endpoints.get("sieve_port")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigurationError(
            "sieve_port must be a whole number from 1 to 65535. Give the port of ManageSieve, usually 4190."
        )
    return port


def _lmtp_port(given: Mapping[str, object]) -> int:
    port = given.get("lmtp_port", 24)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigurationError("lmtp_port must be a whole number from 1 to 65535. The usual one is 24.")
    return port


def _max_redirects(given: Mapping[str, object]) -> int:
    most = given.get("max_redirects", 4)
    if isinstance(most, bool) or not isinstance(most, int) or not 0 < most <= 100:
        raise ConfigurationError(
            "max_redirects must be a whole number from 1 to 100. Give the value of sieve_max_redirects."
        )
    return most


def _flag(endpoints: Mapping[str, object], name: str, once: str) -> bool:
    told = endpoints.get(name, False)
    if not isinstance(told, bool):
        raise ConfigurationError(f"{name} must be true or false. Give true once {once}.")
    return told


def _hash_schemes(endpoints: Mapping[str, object]) -> tuple[str, ...]:
    schemes = endpoints.get("hash_schemes", [])
    if not isinstance(schemes, list) or any(scheme not in HASH_SCHEMES for scheme in schemes):
        raise ConfigurationError(
            f"hash_schemes must be a list, the best first, of: {', '.join(HASH_SCHEMES)}."
            " Leave it out where Dovecot reads all of them."
        )
    return tuple(schemes)


def _seconds(endpoints: Mapping[str, object], name: str, default: float) -> float:
    seconds = endpoints.get(name, default)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 300:
        raise ConfigurationError(f"{name} must be a number of seconds above 0, 300 at most.")
    return float(seconds)


def _folders(endpoints: Mapping[str, object]) -> FolderNames:
    separator = _text(endpoints, "folder_separator") or "/"
    if len(separator) != 1:
        raise ConfigurationError(
            "folder_separator must be the one character that stands between the names of a folder and its"
            " subfolder."
        )
    return FolderNames(
        trash=_names(endpoints, "trash_folders", "Trash"),
        junk=_names(endpoints, "junk_folders", "Junk"),
        separator=separator,
    )


def _aliases(endpoints: Mapping[str, object]) -> AliasColumns | None:
    table, *columns = [_text(endpoints, name) for name in ALIASES]
    if not table:
        if any(columns):
            raise ConfigurationError("alias_table is missing. Give the table that has the aliases' columns.")
        return None
    if table.lower() == "mailbox":
        raise ConfigurationError("alias_table must be another table than that of the accounts.")
    address, goto, domain, active = columns
    names = AliasColumns(table, address or "address", goto or "goto", domain, active)
    given = [names.address, names.goto, *filter(None, (names.domain, names.active))]
    if len({name.lower() for name in given}) != len(given):
        raise ConfigurationError("The columns of alias_table must have different names.")
    return names


def _names(endpoints: Mapping[str, object], name: str, default: str) -> tuple[str, ...]:
    names = endpoints.get(name, [default])
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise ConfigurationError(f"{name} must be a list of the folders' full names.")
    for each in names:
        # doveadm takes both as wildcards, and would delete from other folders as well.
        if "*" in each or "%" in each or each.upper() == "INBOX":
            raise ConfigurationError(
                f"{name}: “{each}” cannot be used. Name folders without * and %, and not INBOX."
            )
    return tuple(names)


def _sql_url(endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> URL:
    text = _text(endpoints, "sql_url", "Give the account database as postgresql://USER@HOST/DATABASE.")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # their texts repeat the address, with a password perhaps
        raise ConfigurationError(
            "sql_url is not understood. Write it as postgresql://USER@HOST/DATABASE or sqlite:////FILE."
        ) from None
    if url.password not in (None, HIDDEN):
        raise ConfigurationError("sql_url holds a password. Put it into the credentials as sql_password.")
    match url.get_backend_name():
        case "sqlite":
            if not url.database or not url.database.startswith("/"):
                raise ConfigurationError(
                    "sql_url must name an SQLite file with its full path: sqlite:////FILE, four slashes."
                )
            return url
        case "postgresql" | "postgres":
            return URL.create(
                "postgresql+psycopg",
                username=url.username,
                password=_text(credentials, "sql_password") or None,
                host=url.host,
                port=url.port,
                database=url.database,
                query=url.query,
            )
    raise ConfigurationError("sql_url must begin with postgresql:// or sqlite:///.")


def _doveadm_url(text: str) -> str:
    if not text:
        return ""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme != "https" or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigurationError("doveadm_url must look like https://HOST:PORT/doveadm/v1.")
    return str(url if url.path.strip("/") else url.copy_with(path="/doveadm/v1"))


def _tls(endpoints: Mapping[str, object]) -> ssl.SSLContext:
    """Trusts the given authority alone, else those the system trusts."""
    ca_file, ca_pem = _text(endpoints, "ca_file"), _text(endpoints, "ca_pem")
    if ca_file and ca_pem:
        raise ConfigurationError("Give either ca_file or ca_pem, not both.")
    if ca_file and not Path(ca_file).is_file():
        raise ConfigurationError(f"ca_file: there is no file {ca_file}. Give the authority's PEM file.")
    try:
        return ssl.create_default_context(cafile=ca_file or None, cadata=ca_pem or None)
    except (OSError, ValueError, TypeError):  # files that may not be read, ssl's own errors, not ASCII
        name = "ca_file" if ca_file else "ca_pem"
        raise ConfigurationError(
            f"{name} cannot be used. It must be readable and hold certificates in PEM form."
        ) from None
