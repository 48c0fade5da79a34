"""What every kind of mail server can be told and asked, and how it says no."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


class DriverError(Exception):
    """A mail server could not do it. `reason` is a sentence for people, with %(name)s places for `values`.

    The two are kept apart so that the sentence can be translated when it is shown.
    Neither ever holds a secret.
    """

    def __init__(self, reason: str, **values: str | int) -> None:
        super().__init__(reason % values if values else reason)
        self.reason = reason
        self.values = values


class TryAgain(DriverError):
    """Not now: the server is away, busy, silent or set up wrongly. The same call may succeed later."""


class ServerAway(TryAgain):
    """The server itself cannot be spoken to, so no other mailbox on it can be served either."""


class Refused(DriverError):
    """Never like this: the server understood and said no. Somebody has to change what is asked for."""


class ConfigurationError(ValueError):
    """A server's endpoints or credentials cannot be used; says what to change, and never holds a secret."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as the server should hold it, or does."""

    login: str
    address: str
    password_hash: str = field(repr=False)
    """With its scheme, as Dovecot writes it: ``{ARGON2ID}$argon2id$…``; empty: nobody can sign in."""
    quota_bytes: int
    """0 means no limit."""
    enabled: bool


@dataclass(frozen=True, slots=True)
class ScriptState:
    """The portal's part of the Sieve script that a mailbox runs, and whether it runs.

    `text` begins with its own ``require`` lines and uses LF line ends; it is empty when inactive.
    """

    text: str
    active: bool


@dataclass(frozen=True, slots=True)
class UsageState:
    """What a mailbox holds now."""

    login: str
    bytes_used: int
    messages: int
    quota_bytes: int
    """0 means no limit."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a server says of itself when it is reachable and the credentials are good."""

    version: str
    sieve_extensions: frozenset[str]


class Driver(Protocol):
    """One kind of mail server. Saying the same thing twice does no harm.

    Every method may raise `TryAgain` or `Refused`, and nothing else on purpose.
    A driver knows no model and no settings, and keeps to its own time limits.
    """

    def session(self, _login: str) -> AbstractContextManager[None]:
        """Calls about this login inside the block may share one connection; alone they work as well."""
        ...

    def put_account(self, account: AccountState) -> None:
        """Create or change the account with this login."""
        ...

    def read_account(self, login: str) -> AccountState | None:
        """The account as the server holds it; None when there is none."""
        ...

    def remove_account(self, login: str) -> None:
        """Take the account away; quiet when it is gone already. Mail already stored stays."""
        ...

    def put_script(self, login: str, script: ScriptState) -> None:
        """Run this script for the mailbox, and after it the one that was active before.

        Inactive: the portal's script goes, and the one that was active before runs again.
        """
        ...

    def read_script(self, login: str) -> ScriptState:
        """The portal's script as the server holds it; empty and inactive when there is none."""
        ...

    def end_sessions(self, login: str) -> None:
        """Close what the mailbox has open (IMAP, POP3, ManageSieve), and forget cached sign-ins."""
        ...

    def usage(self, login: str) -> UsageState:
        """What the mailbox holds now."""
        ...

    def usages(self, domain: str) -> Iterable[UsageState]:
        """What each mailbox whose address is in the domain holds now."""
        ...

    def check(self) -> Health:
        """Reach every endpoint with its credentials."""
        ...
