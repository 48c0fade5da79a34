"""A server with plain Webmin: unix users and /etc/aliases, through xmlrpc.cgi.

Webmin writes by line number and locks nothing in between: each change is made to what was read just before,
and looked at again after it. No auto-replies, quotas or usage: see docs/virtualmin.md.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.utils.translation import gettext_noop

from mailservers.drivers import given
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    ConfigurationError,
    DriverError,
    FoundMailbox,
    Health,
    Limits,
    MailRules,
    Refused,
    ScriptReport,
    ScriptState,
    TrashState,
    TryAgain,
    UsageState,
)
from mailservers.drivers.names_taken import mailbox_or_alias_has
from mailservers.drivers.virtualmin_rows import crypt_hash, dovecot_hash
from mailservers.drivers.webmin_http import WebminHttp
from mailservers.drivers.webmin_rpc import RemoteProcedures
from mailservers.drivers.webmin_settings import read_settings

ENDPOINTS = frozenset(["mail_domain", "first_uid", "group_id", "home_folder", "shell", "aliases_file"])
LAST_UID = 59_999
# No password has this hash, so nobody signs in; the mark in front of a hash closes the account as well.
NO_HASH, CLOSED = "*", "!"
DAY_SECONDS = 86_400
NO_RULES = ScriptState("", active=False, rules=MailRules())
_LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_TARGET = re.compile(r"[\w.+=~-]+(@[A-Za-z0-9.-]+)?", re.ASCII)

User = dict[str, Any]


class WebminDriver:
    """One server. Keep it; threads may share it, and forks inherit it."""

    limits = Limits(
        hash_schemes=("SHA512-CRYPT", "BLF-CRYPT"),
        quota_step=0,
        keeps_names=True,
        sieve=False,
        replies=False,
        app_passwords=False,
        ends_sessions=False,
        sends_apart=False,
        receives_apart=False,
        folders=False,
        empties_trash=False,
        erases_mail=False,
        catch_all=False,
        writers=1,
    )

    def __init__(self, endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> None:
        settings = read_settings(endpoints, credentials, also=ENDPOINTS, kind="Webmin")
        self._domain = given.text(
            endpoints, "mail_domain", "Give the domain that the server takes mail for."
        ).lower()
        self._first_uid = _number(endpoints, "first_uid", 5000)
        self._group_id = _number(endpoints, "group_id", 100)
        self._homes = (given.text(endpoints, "home_folder") or "/home").rstrip("/")
        self._shell = given.text(endpoints, "shell") or "/usr/sbin/nologin"
        self._aliases_file = given.text(endpoints, "aliases_file") or "/etc/aliases"
        self._http = WebminHttp(settings)
        self._rpc = RemoteProcedures(
            self._http, read_seconds=settings.read_seconds, write_seconds=settings.write_seconds
        )

    def session(self, _login: str) -> AbstractContextManager[None]:
        """Webmin closes each connection after its answer: there is nothing to share."""
        return nullcontext()

    # --- accounts

    def put_account(self, account: AccountState) -> None:
        self._refuse_unfit(account)
        users = self._users()
        user = users.get(account.login)
        if user is None:
            self._create(account, users)
            return
        self._refuse_system(user)
        if account.is_new and self._account_of(user) != account:
            raise mailbox_or_alias_has(account.address)
        changed = {**user, "real": account.name, "pass": _pass(account)}
        if (changed["real"], changed["pass"]) != (user["real"], user["pass"]):
            if changed["pass"].lstrip(CLOSED) != str(user["pass"]).lstrip(CLOSED):
                changed["change"] = str(_today())
            self._rpc.run("useradmin::modify_user", user, changed)
            self._look_again(users, account.login, there=True)

    def read_account(self, login: str) -> AccountState | None:
        user = self._users().get(login)
        return None if user is None or self._is_system(user) else self._account_of(user)

    def read_accounts(self, logins: Sequence[str]) -> dict[str, AccountState]:
        users = self._users()
        return {
            login: self._account_of(users[login])
            for login in logins
            if login in users and not self._is_system(users[login])
        }

    def remove_account(self, login: str) -> None:
        """The home folder stays, and the mail in it."""
        users = self._users()
        if login not in users:
            return
        self._refuse_system(users[login])
        self._rpc.run("useradmin::delete_user", users[login])
        self._look_again(users, login, there=False)

    def _create(self, account: AccountState, users: Mapping[str, User]) -> None:
        if account.login in {alias["name"].lower() for alias in self._list_aliases()}:
            raise mailbox_or_alias_has(account.address)
        used = [int(user["uid"]) for user in users.values()]
        uid = max([self._first_uid - 1, *(uid for uid in used if self._first_uid <= uid <= LAST_UID)]) + 1
        if uid > LAST_UID:
            raise TryAgain(gettext_noop("The mail server has no number left for another mailbox."))
        self._rpc.run(
            "useradmin::create_user",
            {
                "user": account.login,
                "uid": str(uid),
                "gid": str(self._group_id),
                "real": account.name,
                "home": f"{self._homes}/{account.login}",
                "shell": self._shell,
                "pass": _pass(account),
                **dict.fromkeys(("min", "max", "warn", "inactive", "expire"), ""),
                "change": str(_today()),
            },
        )
        self._look_again(users, account.login, there=True)

    def _users(self) -> dict[str, User]:
        """By name; the first line of a name is the one that counts."""
        users: dict[str, User] = {}
        for user in self._rpc.ask_all("useradmin::list_users"):
            users.setdefault(str(user["user"]), user)
        return users

    def _look_again(self, before: Mapping[str, User], login: str, *, there: bool) -> None:
        """Nobody else's line may have been hit: then an administrator has to look, and nothing goes on."""
        after = self._users()
        others_before = {name: _kept(user) for name, user in before.items() if name != login}
        others_after = {name: _kept(user) for name, user in after.items() if name != login}
        if (login in after) != there or any(
            others_after.get(name) != user for name, user in others_before.items()
        ):
            raise Refused(
                gettext_noop(
                    "Somebody else changed the server's users at the same moment. An administrator has to"
                    " look at /etc/passwd and /etc/shadow there: Webmin may have written over another line."
                )
            )

    def _account_of(self, user: User) -> AccountState:
        told = str(user["pass"])
        hashed = told.lstrip(CLOSED)
        return AccountState(
            login=str(user["user"]),
            address=f"{user['user']}@{self._domain}",
            password_hash="" if hashed == NO_HASH else dovecot_hash(hashed),
            quota_bytes=0,
            enabled=not told.startswith(CLOSED),
            name=str(user["real"]).partition(",")[0],
        )

    def _refuse_unfit(self, account: AccountState) -> None:
        if not _LOGIN.fullmatch(account.login):
            raise Refused(
                gettext_noop("The mail server takes no mailbox with the name %(name)s."), name=account.login
            )
        if account.address.lower() != f"{account.login}@{self._domain}":
            raise Refused(
                gettext_noop("On this mail server the address of %(login)s is always %(address)s."),
                login=account.login,
                address=f"{account.login}@{self._domain}",
            )
        if account.password_hash and not crypt_hash(account.password_hash):
            raise Refused(
                gettext_noop(
                    "The mail server cannot read how this password is kept. Please choose a new one."
                )
            )

    def _is_system(self, user: User) -> bool:
        return not self._first_uid <= int(user["uid"]) <= LAST_UID

    def _refuse_system(self, user: User) -> None:
        if self._is_system(user):
            raise Refused(
                gettext_noop("%(login)s belongs to the mail server's system."), login=str(user["user"])
            )

    # --- what it cannot do

    def put_script(self, login: str, script: ScriptState) -> None:
        if script.active:
            raise Refused(gettext_noop("This mail server cannot answer automatically."))

    def read_script(self, login: str) -> ScriptState:
        return NO_RULES

    def read_scripts(
        self, logins: Sequence[str], *, connections: int, seconds: float
    ) -> dict[str, ScriptReport | DriverError]:
        return {login: ScriptReport(NO_RULES) for login in logins}

    def end_sessions(self, login: str) -> None:
        raise Refused(gettext_noop("This mail server offers no way to end open sessions."))

    def usage(self, login: str) -> UsageState:
        raise Refused(gettext_noop("The mail server does not tell what the mailbox holds."))

    def usages(self, domain: str, after: str = "") -> Iterator[UsageState]:
        return iter(())

    def trash(self, login: str, saved_before: int) -> TrashState:
        raise Refused(gettext_noop("This mail server does not let the portal look into mailboxes."))

    def empty_trash(self, login: str, saved_before: int) -> None:
        raise Refused(gettext_noop("This mail server does not let the portal look into mailboxes."))

    def check(self) -> Health:
        self._users()
        self._list_aliases()
        return Health("Webmin", frozenset())

    def close(self) -> None:
        """Let go of the connections; the next call opens new ones."""
        self._http.close()

    # --- aliases

    def aliases(self, domain: str) -> Iterator[AliasState]:
        if domain != self._domain:
            return
        for alias in self._list_aliases():
            if int(alias["enabled"]):
                targets = tuple(self._whole(str(target)) for target in alias["values"])
                yield AliasState(f"{alias['name']}@{self._domain}".lower(), targets)

    def read_aliases(self, domain: str) -> Iterator[AliasState]:
        return self.aliases(domain)

    def put_alias(self, alias: AliasState) -> None:
        name, _, domain = alias.address.lower().rpartition("@")
        if domain != self._domain or not _ALIAS.fullmatch(name):
            raise Refused(gettext_noop("“%(address)s” is not a mail address."), address=alias.address)
        for target in alias.targets:
            if not _TARGET.fullmatch(target):  # anything else could be a file or a program
                raise Refused(gettext_noop("“%(address)s” is not a mail address."), address=target)
        if name in self._users():
            raise mailbox_or_alias_has(alias.address)
        new = {"name": name, "values": list(alias.targets), "enabled": "1"}
        there = self._alias_named(name)
        if there is None:
            self._rpc.run("postfix::create_alias", new, [self._aliases_file])
        elif (list(map(str, there["values"])), int(there["enabled"])) != (list(alias.targets), 1):
            self._rpc.run("postfix::modify_alias", there, {**there, **new})

    def read_alias(self, address: str) -> AliasState | None:
        domain = address.rpartition("@")[2]
        return next((alias for alias in self.aliases(domain) if alias.address == address.lower()), None)

    def remove_alias(self, address: str) -> None:
        """Quiet when it is gone already."""
        name, _, domain = address.lower().rpartition("@")
        if domain == self._domain and (there := self._alias_named(name)) is not None:
            self._rpc.run("postfix::delete_alias", there)

    def _whole(self, target: str) -> str:
        """A user's bare name as the address it is here."""
        return f"{target}@{self._domain}" if _ALIAS.fullmatch(target) else target

    def _alias_named(self, name: str) -> dict[str, Any] | None:
        return next((alias for alias in self._list_aliases() if alias["name"].lower() == name), None)

    def _list_aliases(self) -> list[dict[str, Any]]:
        return self._rpc.ask_all("postfix::list_aliases", [self._aliases_file])

    # --- what is to be taken over

    def domains(self) -> list[str]:
        return [self._domain]

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        if domain == self._domain:
            for user in self._users().values():
                if not self._is_system(user):
                    yield FoundMailbox(self._account_of(user))


def _pass(account: AccountState) -> str:
    """As /etc/shadow holds it."""
    return f"{'' if account.enabled else CLOSED}{crypt_hash(account.password_hash) or NO_HASH}"


def _kept(user: User) -> tuple[str, ...]:
    """What must not change under another name's change; line numbers may."""
    return tuple(str(user[key]) for key in ("uid", "gid", "home", "shell", "real", "pass"))


def _today() -> int:
    return int(time.time()) // DAY_SECONDS


def _number(endpoints: Mapping[str, object], name: str, default: int) -> int:
    value = endpoints.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LAST_UID:
        raise ConfigurationError(f"{name} must be a whole number from 1 to {LAST_UID}.")
    return value
