"""A mail server that only remembers: for tests, and to try the portal out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from django.utils.translation import gettext_noop

from mailservers.drivers.alias_names import refuse_unfit
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    DriverError,
    FolderKind,
    FolderUsage,
    FoundMailbox,
    Health,
    Limits,
    OwnScript,
    ScriptReport,
    ScriptState,
    ServerAway,
    TrashState,
    TryAgain,
    UsageState,
)
from mailservers.drivers.moving_rules import MOVED, added_to, moved_script, others_in
from mailservers.drivers.names_taken import another_has, mailbox_or_alias_has, others_mail_lies_there
from mailservers.drivers.portal_script import is_ours
from mailservers.drivers.sieve_reading import has_vacation, redirects
from mailservers.drivers.switching_off import edited

NO_MAIL = (0, 0)


class MemoryDriver:
    """All instances share what is remembered, as tasks open a driver of their own.

    Each call takes the first of `failures` and raises it; None lets the call through. Tests look at the
    other dictionaries, or fill them, and `reset` before they start.
    """

    accounts: ClassVar[dict[str, AccountState]] = {}
    scripts: ClassVar[dict[str, ScriptState]] = {}
    known_aliases: ClassVar[dict[str, AliasState]] = {}
    own_scripts: ClassVar[dict[str, str]] = {}
    """By login: the script of the mailbox's own, called “own”, that runs as well."""
    mail: ClassVar[dict[str, tuple[int, int]]] = {}
    """By login: bytes and messages outside of the trash."""
    in_trash: ClassVar[dict[str, list[tuple[int, int]]]] = {}
    """By login: each message's bytes, and the second it was put there."""
    passwords: ClassVar[dict[str, str]] = {}
    """By login or address: what lets in by IMAP, in clear."""
    used_app_passwords: ClassVar[dict[int, datetime]] = {}
    """By the app password's number: when a mail program last signed in with it."""
    ended_sessions: ClassVar[list[str]] = []
    delivered: ClassVar[list[tuple[str, str, bytes]]] = []
    """Address, sender and mail of what the portal handed over."""
    failures: ClassVar[list[Exception | None]] = []

    limits = Limits()

    def __init__(
        self, endpoints: Mapping[str, object] | None = None, credentials: Mapping[str, object] | None = None
    ) -> None:
        """Takes what `open_driver` gives every kind; there is nobody to reach with it."""

    @classmethod
    def reset(cls) -> None:
        """Forget everything."""
        for memory in (cls.accounts, cls.scripts, cls.own_scripts, cls.mail, cls.in_trash, cls.passwords):
            memory.clear()
        cls.used_app_passwords.clear()
        cls.known_aliases.clear()
        cls.ended_sessions.clear()
        cls.delivered.clear()
        cls.failures.clear()

    def session(self, _login: str) -> AbstractContextManager[None]:
        return nullcontext()

    def put_account(self, account: AccountState) -> None:
        self._fail_if_told()
        held = self.accounts.get(account.login)
        if account.is_new and held != account:
            if held is not None and not (
                held.address == account.address and held.password_hash in ("", account.password_hash)
            ):
                raise another_has(account.login)
            if self._holds_something(account.login):
                raise others_mail_lies_there(account.login)
        for other in self.accounts.values():
            names = {other.login, other.address}
            if other.login != account.login and names & {account.login, account.address}:
                raise another_has(account.address if account.address in names else account.login)
        self.accounts[account.login] = account

    def read_account(self, login: str) -> AccountState | None:
        self._fail_if_told()
        return self.accounts.get(login)

    def remove_account(self, login: str) -> None:
        self._fail_if_told()
        for memory in (
            self.accounts,
            self.scripts,
            self.own_scripts,
            self.mail,
            self.in_trash,
            self.passwords,
        ):
            memory.pop(login, None)

    def put_script(self, login: str, script: ScriptState) -> None:
        self._fail_if_told()
        held = self.scripts.get(login)
        others = others_in(held.text, script.text) if held is not None and is_ours(held.text) else None
        if others is not None and others.rules:
            own = self.own_scripts.get(login, MOVED)
            self.own_scripts[login] = added_to(own, others) or f"{moved_script(others, '')}{own}"
        if login in self.own_scripts:
            edits = [replace(edit, script="own") for edit in script.edits]
            self.own_scripts[login] = edited(self.own_scripts[login], edits)
        self.scripts[login] = replace(script, edits=()) if script.active else ScriptState("", active=False)

    def read_script(self, login: str) -> ScriptState:
        self._fail_if_told()
        held, own = self.scripts.get(login, ScriptState("", active=False)), self.own_scripts.get(login, "")
        return replace(held, own_answers=has_vacation(own), own_redirects=tuple(redirects(own)))

    def read_accounts(self, logins: Sequence[str]) -> dict[str, AccountState]:
        self._fail_if_told()
        return {login: self.accounts[login] for login in logins if login in self.accounts}

    def read_scripts(
        self,
        logins: Sequence[str],
        *,
        connections: int,
        seconds: float,
    ) -> dict[str, ScriptReport | DriverError]:
        reports: dict[str, ScriptReport | DriverError] = {}
        for login in logins:
            try:
                script = self.read_script(login)
            except DriverError as error:
                reports[login] = error
                if isinstance(error, ServerAway):
                    break
                continue
            own = self.own_scripts.get(login, "")
            targets = {*redirects(script.text if script.active else ""), *redirects(own)}
            found = (OwnScript("own", own),) if has_vacation(own) or redirects(own) else ()
            reports[login] = ScriptReport(script, tuple(sorted(targets)), found)
        return reports

    def end_sessions(self, login: str) -> None:
        self._fail_if_told()
        self.ended_sessions.append(login)

    def app_passwords_used(self, since: datetime) -> dict[int, datetime]:
        self._fail_if_told()
        return {number: at for number, at in self.used_app_passwords.items() if at >= since}

    def usage(self, login: str) -> UsageState:
        self._fail_if_told()
        return self._usage_of(self._known(login))

    def usages(self, domain: str, after: str = "") -> Iterator[UsageState]:
        self._fail_if_told()
        inside = [
            account
            for login, account in sorted(self.accounts.items())
            if account.address.lower().endswith(f"@{domain.lower()}") and login > after
        ]
        return iter([self._usage_of(each) for each in inside if each.enabled or each.receives])

    def trash(self, login: str, saved_before: int) -> TrashState:
        self._fail_if_told()
        self._known(login)
        sizes = [size for size, saved_at in self.in_trash.get(login, []) if saved_at < saved_before]
        return TrashState(sum(sizes), len(sizes))

    def empty_trash(self, login: str, saved_before: int) -> None:
        self._fail_if_told()
        self._known(login)
        kept = [message for message in self.in_trash.get(login, []) if message[1] >= saved_before]
        self.in_trash[login] = kept

    def domains(self) -> list[str]:
        self._fail_if_told()
        return sorted({account.address.rpartition("@")[2].lower() for account in self.accounts.values()})

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        self._fail_if_told()
        inside = [a for a in self.accounts.values() if a.address.lower().endswith(f"@{domain}")]
        return iter([FoundMailbox(account) for account in inside])

    def put_alias(self, alias: AliasState) -> None:
        self._fail_if_told()
        refuse_unfit(alias)
        if any(account.address == alias.address for account in self.accounts.values()):
            raise mailbox_or_alias_has(alias.address)
        self.known_aliases[alias.address] = alias

    def read_alias(self, address: str) -> AliasState | None:
        self._fail_if_told()
        return self.known_aliases.get(address)

    def remove_alias(self, address: str) -> None:
        self._fail_if_told()
        self.known_aliases.pop(address, None)

    def read_aliases(self, domain: str) -> Iterator[AliasState]:
        self._fail_if_told()
        return iter([alias for alias in self.known_aliases.values() if alias.address.endswith(f"@{domain}")])

    def aliases(self, domain: str) -> Iterator[AliasState]:
        return self.read_aliases(domain)

    def deliver(self, address: str, *, sender: str, mail: bytes) -> str:
        self._fail_if_told()
        self.delivered.append((address, sender, mail))
        return "250"

    def check(self) -> Health:
        self._fail_if_told()
        extensions = "copy date envelope fileinto include relational vacation"
        return Health("memory", frozenset(extensions.split()))

    def _fail_if_told(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _holds_something(self, login: str) -> bool:
        return any(memory.get(login) for memory in (self.scripts, self.own_scripts, self.mail, self.in_trash))

    def _known(self, login: str) -> AccountState:
        if login not in self.accounts:
            raise TryAgain(gettext_noop("The mailbox is not on the mail server yet."))
        return self.accounts[login]

    def _usage_of(self, account: AccountState) -> UsageState:
        size, messages = self.mail.get(account.login, NO_MAIL)
        in_trash = [size for size, _saved_at in self.in_trash.get(account.login, [])]
        return UsageState(
            login=account.login,
            bytes_used=size + sum(in_trash),
            messages=messages + len(in_trash),
            quota_bytes=account.quota_bytes,
            folders=(
                FolderUsage("INBOX", size, messages),
                FolderUsage("Trash", sum(in_trash), len(in_trash), FolderKind.TRASH),
            ),
        )
