"""What every kind of mail server can be told and asked, and how it says no."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from django.utils.translation import gettext_noop

from mailservers.foreign import folded


class DriverError(Exception):
    """A mail server could not do it. `reason` is a sentence for people, with %(name)s places for `values`.

    The two are kept apart so that the sentence can be translated when it is shown.
    Neither ever holds a secret.
    """

    def __init__(self, reason: str, **values: str | int) -> None:
        # What servers say comes in here, and goes on to pages, rows and events.
        values = {name: folded(value) for name, value in values.items()}
        super().__init__(reason % values if values else reason)
        self.reason = reason
        self.values = values


class TryAgain(DriverError):
    """Not now: the server is away, busy, silent or set up wrongly. The same call may succeed later."""


class ServerAway(TryAgain):
    """The server itself cannot be spoken to, so no other mailbox on it can be served either."""


class NotThere(TryAgain):
    """The server knows no such mailbox, or not yet: nothing of it can be amiss."""


class Refused(DriverError):
    """Never like this: the server understood and said no. Somebody has to change what is asked for."""


class Unreadable(DriverError):
    """What the server holds is nothing that the portal can read."""


def unexpected(surprise: Exception) -> Unreadable:
    """What nobody foresaw, met while something was read; its text may hold secrets, so its kind is told."""
    return Unreadable(
        gettext_noop("It holds something that the portal does not know how to read (%(kind)s)."),
        kind=type(surprise).__name__,
    )


class ConfigurationError(ValueError):
    """A server's endpoints or credentials cannot be used; says what to change, and never holds a secret."""


HASH_SCHEMES = ("ARGON2ID", "BLF-CRYPT", "SHA512-CRYPT")
"""Dovecot's names of those in which the portal makes hashes, the best first."""

OWN_HASH = "{OWN}"
"""In place of a hash: the server makes its own, so that nobody can compare."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password in clear text, for servers that take no hash; `number` tells its keeper which it was."""

    number: int
    text: str = field(repr=False)
    """Empty: there was one, but it waited too long and was erased."""


@dataclass(frozen=True, slots=True)
class AppPasswordState:
    """A further password of an account, for one device; `number` is the portal's."""

    number: int
    selector: str
    """Picks it among the account's: see decision 015."""
    password_hash: str = field(repr=False)


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
    """May sign in and read. Else nothing of the mailbox's own is let in, by any protocol or password."""
    name: str = ""
    recovery_address: str = ""
    app_passwords: tuple[AppPasswordState, ...] = ()
    """In the order of their numbers."""
    sends: bool = True
    """May send, as long as it may sign in; False locks sending alone, for its app passwords as well."""
    receives: bool = True
    """Mail for it is taken, whether or not anybody may sign in; else it is refused."""
    is_new: bool = field(default=False, compare=False)
    """When it is put: the server never held it, so whatever is there under its names is somebody else's."""
    only_app_passwords: bool = field(default=False, compare=False)
    """When it is put: mail programs are let in by them alone, and `password_hash` is not told."""
    former_hash: str = field(default="", repr=False, compare=False)
    """Another hash of the same password, which the server may still hold; never in a state that was read."""
    new_password: NewPassword | None = field(default=None, repr=False, compare=False)
    """What is yet to be told; never in a state that was read."""
    kept_hash: str = field(default="", repr=False, compare=False)
    """Beside OWN_HASH: the server's own hash in a state that was read, the portal's in one to be put."""
    kept_login: str = field(default="", compare=False)
    """In a state that was read: the name to sign in with, where the server chooses it."""


@dataclass(frozen=True, slots=True)
class RemovedAccount:
    """In place of an account: nothing of it is to be left on the server."""

    login: str
    address: str
    was_there: bool = True
    """Else it never came to the server, as far as is known."""


PARKED_DOMAIN = "parked.invalid"


def parked(login: str) -> str:
    """The address of an account that is being made or removed: nobody can write there (RFC 2606).

    A name that every server takes, whatever characters are in the login.
    """
    return f"{hashlib.sha256(login.encode()).hexdigest()[:32]}@{PARKED_DOMAIN}"


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """An auto-reply in parts, for servers that know no Sieve. The moments are aware; starts <= now < ends."""

    text: str
    subject: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    days: int = 7
    addresses: tuple[str, ...] = ()
    """Mail to these is answered as well, where the server can be told."""


@dataclass(frozen=True, slots=True)
class ForwardRule:
    """Where a mailbox's mail goes as well, or instead."""

    targets: tuple[str, ...] = ()
    keep_copy: bool = True


@dataclass(frozen=True, slots=True)
class MailRules:
    """What a script does, in parts: for servers that know no Sieve."""

    reply: ReplyRule | None = None
    forward: ForwardRule | None = None
    """None: not the portal's business, and left as it is."""


@dataclass(frozen=True, slots=True)
class OwnScript:
    """A script that the mailbox's user made."""

    name: str
    text: str = field(repr=False)
    always: bool = True
    """It runs for all mail; else only where a test in another script holds."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """An outermost command of a script that the mailbox's user made."""

    script: str
    name: str
    text: str = field(repr=False)
    is_plain: bool
    """It answers all mail or sends all mail on, at most between two moments; else only some."""
    starts: datetime | None = None
    """It does nothing before; None: it may at once."""
    why_not: str = ""
    """Why the portal can't do the same, where that is plain to see, as a sentence."""


@dataclass(frozen=True, slots=True)
class RuleEdit:
    """In one of the mailbox's own scripts a rule with this text becomes that one."""

    script: str
    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MovingRule:
    """A rule that somebody made in the portal's script, and the script of the mailbox's own it moves to."""

    name: str
    script: str
    runs: bool
    """Else it is the portal's own, changed by somebody: it is kept there switched off."""
    text: str = field(default="", compare=False, repr=False)
    """As it stands now, without the comments before it."""


Told = tuple[str, Mapping[str, str | int]]
"""A sentence with %(name)s places, and what fills them."""

PASSING = {"passing": True}
"""Metadata of fields that are no part of a state: they are told with it, or come with it."""
USUAL = {"usual": True}
"""Metadata of fields that came later: where they are as usual, a state is what it was without them."""


@dataclass(frozen=True, slots=True)
class ScriptState:
    """The portal's part of the Sieve script that a mailbox runs, and whether it runs.

    `text` begins with its own ``require`` lines and uses LF line ends; it is empty when inactive.
    `rules` say the same in parts. A server is given one of the two, and tells the one it was given.
    """

    text: str
    active: bool
    rules: MailRules | None = None
    own: tuple[OwnRule, ...] = ()
    """Rules of the mailbox's own that do what is the portal's to do; never wanted, and told by no driver."""
    own_first: bool = field(default=True, metadata=USUAL)
    """Rules of the mailbox's own run before it. True as well where that makes no difference: when it is
    inactive, when it ends with “stop”, and when a server tells one that is from before there was a choice."""
    broken: tuple[Told, ...] = field(default=(), metadata=USUAL)
    """Why the server can't run what it was told, in one that was read."""
    edits: tuple[RuleEdit, ...] = field(default=(), compare=False, metadata=PASSING)
    """When it is put: rules of the mailbox's own to change as well, where they are still as they were."""
    own_scripts: tuple[OwnScript, ...] = field(default=(), compare=False, repr=False, metadata=PASSING)
    """Where it was read: what the rules in `own` were found in."""
    before: str = field(default="", compare=False, metadata=PASSING)
    """The script of the mailbox's own that was active before. When it is put: as it was last told."""
    moving: tuple[MovingRule, ...] = field(default=(), compare=False, metadata=PASSING)
    """Where it was read: what others put into the portal's script, which the next one put moves elsewhere."""
    in_portal: str = field(default="", compare=False, repr=False, metadata=PASSING)
    """Where it was read: what of `moving` runs, as a script."""
    notes: tuple[Told, ...] = field(default=(), compare=False, metadata=PASSING)
    """Where it was read: what the mailbox's own rules do that stands against it."""
    own_folders: tuple[str, ...] = field(default=(), compare=False, metadata=PASSING)
    """Where it was read: folders that the mailbox's own rules need, if nobody looked whether they exist."""
    own_redirects: tuple[str, ...] = field(default=(), compare=False, metadata=PASSING)
    """Where it was read: to where the mailbox's own rules send mail on."""
    own_answers: bool = field(default=False, compare=False, metadata=PASSING)
    """Where it was read: whether the mailbox's own rules answer mail, now or at another time."""


@dataclass(frozen=True, slots=True)
class AliasState:
    """An address that leads to others; no local part: whatever else comes to the domain."""

    address: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundMailbox:
    """A mailbox as it was found on a server that the portal is to take over."""

    account: AccountState
    rules: MailRules | None = None
    """None where they can't be told in parts: the mailbox's own script, or rules managed elsewhere."""
    addresses: tuple[str, ...] = ()
    """Further ones that belong to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server of a kind, set up like this one, can hold; the defaults are those of a whole one."""

    takes_hashes: bool = True
    """Else each new password is needed in clear text."""
    hash_schemes: tuple[str, ...] = ()
    """Those it reads, the best first; empty: whatever the portal makes."""
    quota_step: int = 1
    """Bytes; limits are rounded up to it. 0: it knows no limits."""
    keeps_names: bool = False
    keeps_recovery_address: bool = False
    tag_marks: str = "+"
    """Whatever follows one of these before the @ is a tag, and no part of a mailbox's address."""
    chooses_logins: bool = False
    """A new mailbox is named by its address, and the server tells the name to sign in with."""
    sieve: bool = True
    """Else it takes rules in parts, or none."""
    replies: bool = True
    reply_subject: bool = True
    reply_zone: str = ""
    """Not empty: replies begin and end with whole days in this zone."""
    reply_as_argument: bool = False
    """The text has to go through a command line: see fitting.py."""
    redirects: int = 4
    """A mailbox's mail can be sent on to so many addresses (Pigeonhole's usual limit); 0: no limit."""
    forward_window: bool = True
    """It can begin and end forwarding by itself."""
    app_passwords: bool = True
    """It keeps further passwords beside the account's own."""
    ends_sessions: bool = True
    """It can sign out who is signed in; else `end_sessions` is Refused."""
    sends_apart: bool = True
    """It can stop a mailbox's sending apart from its signing in."""
    receives_apart: bool = True
    """It can stop a mailbox's receiving apart from its signing in; else see `disabled_receives`."""
    disabled_receives: bool = True
    """Where that is not apart: a mailbox that is switched off still takes mail."""
    folders: bool = True
    """It tells what each folder holds."""
    empties_trash: bool = True
    erases_mail: bool = True
    """With a mailbox that is removed its mail goes as well."""
    aliases: bool = True
    """It can be told of aliases."""
    catch_all: bool = True
    """And of one for whatever else comes to a domain."""
    writers: int = 0
    """How many may write at the same time; 0: as many as its operators allow."""


@dataclass(frozen=True, slots=True)
class ScriptReport:
    """What happens to a mailbox's mail when it is delivered."""

    script: ScriptState
    """As `read_script` tells it."""
    redirects: tuple[str, ...] = ()
    """Where all that runs sends mail on to, the mailbox's own rules included; in lower case, sorted."""
    own: tuple[OwnScript, ...] = ()
    """Those of the mailbox's own scripts that run and answer mail or send it on."""


class FolderKind(StrEnum):
    """What a folder is for, as far as it matters for the room it takes."""

    MAIL = ""
    TRASH = "trash"
    JUNK = "junk"


@dataclass(frozen=True, slots=True)
class FolderUsage:
    """What one folder holds; the name is in letters (never modified UTF-7), with the server's separator."""

    name: str
    bytes_used: int
    messages: int
    kind: FolderKind = FolderKind.MAIL


@dataclass(frozen=True, slots=True)
class UsageState:
    """What a mailbox holds now. Numbers are never negative."""

    login: str
    bytes_used: int
    messages: int | None
    """None: the server does not tell."""
    quota_bytes: int | None
    """0 means no limit; None: the server does not tell."""
    folders: tuple[FolderUsage, ...] = ()
    """Empty when the server does not tell them apart (see Limits.folders)."""


@dataclass(frozen=True, slots=True)
class TrashState:
    """What lies in a mailbox's trash, its subfolders included, since before some moment."""

    bytes_used: int
    messages: int


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

    @property
    def limits(self) -> Limits: ...

    def session(self, _login: str) -> AbstractContextManager[None]:
        """Calls about this login inside the block may share one connection; alone they work as well."""
        ...

    def put_account(self, account: AccountState) -> None:
        """Create or change the account with this login; it was made to fit (see fitting.py).

        One that is new (`is_new`) is Refused where somebody else's account has its login, and where mail or
        scripts lie there already that its user would get to see, as far as the server tells.
        """
        ...

    def read_account(self, login: str) -> AccountState | None:
        """The account as the server holds it; None when there is none."""
        ...

    def remove_account(self, login: str) -> None:
        """Take the account away; quiet when it is gone already.

        First all that it has: mail, scripts, further passwords. Raises TryAgain when something of it is
        left. Where `Limits.erases_mail` is not so, what is stored stays.
        """
        ...

    def put_script(self, login: str, script: ScriptState) -> None:
        """Run this script for the mailbox, beside the one that was active before.

        Inactive: the portal's script goes, and the one that was active before runs again. Either way what
        others put into the portal's script is kept in one of the mailbox's own, and runs on.
        """
        ...

    def read_script(self, login: str) -> ScriptState:
        """The portal's script as the server holds it; empty and inactive when there is none."""
        ...

    def put_alias(self, alias: AliasState) -> None:
        """Create it, or give it these targets; Refused where a mailbox has the address."""
        ...

    def read_alias(self, address: str) -> AliasState | None:
        """The alias as the server holds it; None when there is none."""
        ...

    def remove_alias(self, address: str) -> None:
        """Take it away; quiet when it is gone already."""
        ...

    def read_aliases(self, domain: str) -> Iterable[AliasState]:
        """All of a domain: addresses that lead to others, and are no mailboxes themselves.

        Addresses are in lower case, a mailbox among the targets is told by its address.
        """
        ...

    def read_accounts(self, logins: Sequence[str]) -> Mapping[str, AccountState]:
        """Many accounts at once, by login; those that are not there are left out."""
        ...

    def read_scripts(
        self, logins: Sequence[str], *, connections: int, seconds: float
    ) -> Mapping[str, "ScriptReport | DriverError"]:
        """Many mailboxes' scripts, or why one could not be read, over so many connections at most.

        In the order of the logins. Once the seconds are over or the server is away no further one is
        begun: those are left out.
        """
        ...

    def end_sessions(self, login: str) -> None:
        """Close what the mailbox has open (IMAP, POP3, ManageSieve), and forget cached sign-ins."""
        ...

    def usage(self, login: str) -> UsageState:
        """What the mailbox holds now."""
        ...

    def usages(self, domain: str, after: str = "") -> Iterable[UsageState]:
        """What each mailbox whose address is in the domain holds now, in the order of their logins.

        Those that are in use: somebody may sign in, or mail comes. From behind the login `after`, so that a
        long domain can be read in several goes. Mailboxes that cannot be read, or vanish meanwhile, are left
        out.
        """
        ...

    def trash(self, login: str, saved_before: int) -> TrashState:
        """What was put into the trash before this second (of Unix time)."""
        ...

    def empty_trash(self, login: str, saved_before: int) -> None:
        """Delete for good what was put into the trash before this second; all that came later stays."""
        ...

    def check(self) -> Health:
        """Reach every endpoint with its credentials."""
        ...


@runtime_checkable
class Delivers(Protocol):
    """A server to which the portal can hand a mail as if it came from outside."""

    def deliver(self, address: str, *, sender: str, mail: bytes) -> str:
        """What the server answers when it has taken it; raises TryAgain or Refused."""
        ...


@runtime_checkable
class TellsLastUse(Protocol):
    """A server that notes which app password was used when."""

    def app_passwords_used(self, since: datetime) -> Mapping[int, datetime]:
        """By the app password's number, those used since then; raises TryAgain."""
        ...


class Inventory(Protocol):
    """What a server that is to be taken over can tell of itself; asking changes nothing."""

    def domains(self) -> list[str]:
        """The mail domains on it."""
        ...

    def mailboxes(self, domain: str) -> Iterable[FoundMailbox]: ...

    def aliases(self, domain: str) -> Iterable[AliasState]: ...
