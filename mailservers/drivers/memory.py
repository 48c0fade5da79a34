"""A mail server that only remembers: for tests, and to try the portal out."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from django.utils.translation import gettext_noop

from mailservers.drivers.base import (
    AccountState,
    Health,
    Limits,
    Refused,
    ScriptState,
    TryAgain,
    UsageState,
)

NO_MAIL = (0, 0)


class MemoryDriver:
    """All instances share what is remembered, as tasks open a driver of their own.

    Each call takes the first of `failures` and raises it; None lets the call through. Tests look at the
    other dictionaries, or fill them, and `reset` before they start.
    """

    accounts: ClassVar[dict[str, AccountState]] = {}
    scripts: ClassVar[dict[str, ScriptState]] = {}
    mail: ClassVar[dict[str, tuple[int, int]]] = {}
    """By login: bytes and messages."""
    ended_sessions: ClassVar[list[str]] = []
    failures: ClassVar[list[Exception | None]] = []

    limits = Limits()

    def __init__(
        self, endpoints: Mapping[str, object] | None = None, credentials: Mapping[str, object] | None = None
    ) -> None:
        """Takes what `open_driver` gives every kind; there is nobody to reach with it."""

    @classmethod
    def reset(cls) -> None:
        """Forget everything."""
        for memory in (cls.accounts, cls.scripts, cls.mail, cls.ended_sessions, cls.failures):
            memory.clear()

    def session(self, _login: str) -> AbstractContextManager[None]:
        return nullcontext()

    def put_account(self, account: AccountState) -> None:
        self._fail_if_told()
        for other in self.accounts.values():
            names = {other.login, other.address}
            if other.login != account.login and names & {account.login, account.address}:
                raise Refused(
                    gettext_noop("The mail server already has another mailbox named %(name)s."),
                    name=account.address if account.address in names else account.login,
                )
        self.accounts[account.login] = account

    def read_account(self, login: str) -> AccountState | None:
        self._fail_if_told()
        return self.accounts.get(login)

    def remove_account(self, login: str) -> None:
        self._fail_if_told()
        self.accounts.pop(login, None)

    def put_script(self, login: str, script: ScriptState) -> None:
        self._fail_if_told()
        self.scripts[login] = script if script.active else ScriptState("", active=False)

    def read_script(self, login: str) -> ScriptState:
        self._fail_if_told()
        return self.scripts.get(login, ScriptState("", active=False))

    def end_sessions(self, login: str) -> None:
        self._fail_if_told()
        self.ended_sessions.append(login)

    def usage(self, login: str) -> UsageState:
        self._fail_if_told()
        if login not in self.accounts:
            raise TryAgain(gettext_noop("The mailbox is not on the mail server yet."))
        return self._usage_of(self.accounts[login])

    def usages(self, domain: str) -> Iterator[UsageState]:
        self._fail_if_told()
        inside = [a for a in self.accounts.values() if a.address.lower().endswith(f"@{domain.lower()}")]
        return iter([self._usage_of(account) for account in inside if account.enabled])

    def check(self) -> Health:
        self._fail_if_told()
        extensions = "copy date envelope fileinto include relational vacation"
        return Health("memory", frozenset(extensions.split()))

    def _fail_if_told(self) -> None:
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure

    def _usage_of(self, account: AccountState) -> UsageState:
        size, messages = self.mail.get(account.login, NO_MAIL)
        return UsageState(account.login, size, messages, account.quota_bytes)
