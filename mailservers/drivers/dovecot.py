"""Dovecot with Pigeonhole: accounts in SQL, scripts over ManageSieve, the rest over doveadm's HTTP API."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop

from mailservers.drivers import dovecot_usage, lmtp
from mailservers.drivers.account_table import AccountTable, is_unspeakable, refuse_unspeakable
from mailservers.drivers.alias_table import AliasTable
from mailservers.drivers.base import (
    PARKED_DOMAIN,
    AccountState,
    AliasState,
    DriverError,
    FoundMailbox,
    Health,
    Limits,
    Refused,
    ScriptReport,
    ScriptState,
    TrashState,
    TryAgain,
    UsageState,
    parked,
)
from mailservers.drivers.doveadm import NOT_FOUND, BrokeOff, Doveadm, for_one
from mailservers.drivers.dovecot_erasing import erase_mail, is_empty
from mailservers.drivers.dovecot_settings import read_settings
from mailservers.drivers.names_taken import another_has, others_mail_lies_there
from mailservers.drivers.own_effects import FOLDER_IS_MISSING
from mailservers.drivers.sieve_scripts import SieveScripts, SieveSettings

NEEDED_COMMANDS = frozenset(
    [
        *("authCacheFlush", "expunge", "fetch", "kick", "mailboxStatus", "quotaGet"),
        # To remove a mailbox for good, and to see that a new one finds nothing of somebody else's.
        *("mailboxCachePurge", "mailboxDelete", "mailboxList", "mailboxPath", "mailboxUnsubscribe"),
        *("purge", "sieveList", "user"),
    ]
)
# Which no later one has.
COMMANDS_OF_2_3 = frozenset(["directorStatus", "oldstatsDump", "replicatorStatus"])


class DovecotDriver:
    """One server. Keep it: it holds a pool of SQL connections; threads may share it, forks inherit it."""

    def __init__(self, endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> None:
        settings = read_settings(endpoints, credentials)
        self._settings = settings
        self._is_flush_broken = False
        has_aliases = settings.aliases is not None
        self.limits = Limits(
            redirects=settings.max_redirects,
            tag_marks=settings.recipient_delimiter,
            aliases=has_aliases,
            catch_all=has_aliases,
            app_passwords=settings.app_passwords,
            sends_apart=settings.switches_apart,
            receives_apart=settings.switches_apart,
            disabled_receives=settings.switches_apart,
            erases_mail=bool(settings.doveadm_url),
            hash_schemes=settings.hash_schemes,
        )
        self._accounts = AccountTable(
            settings.sql_url,
            connect_seconds=settings.connect_seconds,
            statement_seconds=settings.read_seconds,
            app_passwords=settings.app_passwords,
            switches_apart=settings.switches_apart,
        )
        self._aliases = None if settings.aliases is None else AliasTable(self._accounts, settings.aliases)
        self._scripts = SieveScripts(
            SieveSettings(
                host=settings.sieve_host,
                port=settings.sieve_port,
                tls=settings.tls,
                tls_name=settings.tls_name,
                master_user=settings.master_user,
                master_password=settings.master_password,
                connect_seconds=settings.connect_seconds,
                read_seconds=settings.read_seconds,
                total_seconds=settings.total_seconds,
                max_redirects=settings.max_redirects,
            )
        )

    def session(self, login: str) -> AbstractContextManager[None]:
        """Calls about the login share one ManageSieve connection, made at the first that needs it."""
        return self._scripts.session(login)

    def put_account(self, account: AccountState) -> None:
        for_one(account.login)
        if account.is_new:
            self._begin(account)
        self._accounts.put(account)

    def read_account(self, login: str) -> AccountState | None:
        refuse_unspeakable(login)
        return self._accounts.read(login)

    def remove_account(self, login: str) -> None:
        """Its mail as well, where doveadm can be asked; with the row, Dovecot no longer knows where it is."""
        refuse_unspeakable(login)
        held = self._accounts.read(login)
        if held is not None:
            self._accounts.put(_parked(held, apart=self._settings.switches_apart))
            self._scripts.remove_all(parked(login))
            if self.limits.erases_mail:
                erase_mail(self._doveadm(), parked(login))
        self._accounts.remove(login)

    def _begin(self, account: AccountState) -> None:
        """Look, through an account that is closed to everybody, whether something lies there already."""
        login, held = account.login, self._accounts.read(account.login)
        if held == account:
            # An earlier try, of which the portal did not learn how it went.
            return
        if held is not None and not _may_be_begun(held, account):
            raise another_has(login)
        self._accounts.put(_parked(account, apart=self._settings.switches_apart))
        is_free = False
        try:
            is_free = self._is_empty(parked(login))
        finally:
            if not is_free:
                self._put_back(login, held)
        if not is_free:
            raise others_mail_lies_there(login)

    def _put_back(self, login: str, held: AccountState | None) -> None:
        if held is None:
            self._accounts.remove(login)
        else:
            self._accounts.put(held)

    def _is_empty(self, name: str) -> bool:
        default_script = self._settings.default_script
        if not self.limits.erases_mail:
            return not self._scripts.names(name) - {default_script}
        return is_empty(self._doveadm(), name, default_script)

    def put_alias(self, alias: AliasState) -> None:
        self._alias_table().put(alias)

    def read_alias(self, address: str) -> AliasState | None:
        return self._alias_table().read(address)

    def remove_alias(self, address: str) -> None:
        self._alias_table().remove(address)

    def read_aliases(self, domain: str) -> Iterator[AliasState]:
        return iter(self._alias_table().read_domain(domain))

    def put_script(self, login: str, script: ScriptState) -> None:
        self._scripts.put(login, script)

    def read_script(self, login: str) -> ScriptState:
        return self._with_folders(login, self._scripts.read(login))

    def read_accounts(self, logins: Sequence[str]) -> dict[str, AccountState]:
        return self._accounts.read_many([login for login in logins if not is_unspeakable(login)])

    def read_scripts(
        self, logins: Sequence[str], *, connections: int, seconds: float
    ) -> dict[str, ScriptReport | DriverError]:
        reports = self._scripts.read_many(logins, connections=connections, seconds=seconds)
        # For many it would take one more question each.
        if len(logins) == 1 and isinstance(report := reports.get(logins[0]), ScriptReport):
            reports[logins[0]] = replace(report, script=self._with_folders(logins[0], report.script))
        return reports

    def end_sessions(self, login: str) -> None:
        refuse_unspeakable(login)
        doveadm = self._doveadm()
        account = self._accounts.read(for_one(login))
        # Dovecot's cache knows people by the name they typed. (A pattern would only flush more.)
        names = [login] if account is None else [login, account.address]
        flush, kick = ("authCacheFlush", {"user": names}), ("kick", {"mask": [login]})
        # By itself, as what is open has to end whatever becomes of the flush.
        [kicked] = doveadm.run([kick])
        if kicked.exit_code in (0, NOT_FOUND):
            if self._is_flush_broken:
                return
            try:
                # And again, for who was let in by the cache in between.
                flushed, kicked = doveadm.run([flush, kick])
            except BrokeOff:
                # In Dovecot 2.4.1 the flush ends doveadm itself, whatever it is asked (docs/dovecot.md).
                if doveadm.command_names() & COMMANDS_OF_2_3:
                    raise
                self._is_flush_broken = True
                return
            if not flushed.exit_code and kicked.exit_code in (0, NOT_FOUND):
                return
        raise TryAgain(gettext_noop("The mail server could not end the mailbox's open sessions."))

    def app_passwords_used(self, since: datetime) -> Mapping[int, datetime]:
        return self._accounts.app_passwords_used(since) if self.limits.app_passwords else {}

    def usage(self, login: str) -> UsageState:
        refuse_unspeakable(login)
        return dovecot_usage.read_one(self._doveadm(), for_one(login), self._settings.folders)

    def usages(self, domain: str, after: str = "") -> Iterator[UsageState]:
        """Asked in parts as it is iterated."""
        doveadm = self._doveadm()
        logins = sorted(login for login in self._accounts.logins_in(domain) if login > after)
        return dovecot_usage.read_many(
            doveadm, logins, self._settings.folders, count=self._accounts.count_beginning_with
        )

    def trash(self, login: str, saved_before: int) -> TrashState:
        refuse_unspeakable(login)
        folders = self._settings.folders
        return dovecot_usage.read_trash(self._doveadm(), for_one(login), folders, saved_before)

    def empty_trash(self, login: str, saved_before: int) -> None:
        refuse_unspeakable(login)
        dovecot_usage.empty_trash(self._doveadm(), for_one(login), self._settings.folders, saved_before)

    def deliver(self, address: str, *, sender: str, mail: bytes) -> str:
        settings = self._settings
        if not settings.lmtp_host:
            raise Refused(gettext_noop("The portal's operators did not say where this server takes mail."))
        return lmtp.deliver(
            settings.lmtp_host,
            settings.lmtp_port,
            address,
            sender=sender,
            mail=mail,
            seconds=settings.total_seconds,
        )

    def check(self) -> Health:
        """Signs in to some mailbox as well."""
        health = self._scripts.check(self._accounts.any_login())
        if self._aliases is not None:
            self._aliases.check()
        if self._settings.doveadm_url and (lacking := NEEDED_COMMANDS - self._doveadm().command_names()):
            raise TryAgain(
                gettext_noop("The mail server's doveadm interface does not know the command %(command)s."),
                command=min(lacking),
            )
        return health

    # --- what is to be taken over

    def domains(self) -> list[str]:
        return [name for name in self._accounts.domains() if name != PARKED_DOMAIN]

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        """Their own scripts stay theirs, and run beside the portal's."""
        for account in self._accounts.accounts_in(domain):
            yield FoundMailbox(account)

    def aliases(self, domain: str) -> Iterator[AliasState]:
        """None where no table was named."""
        return iter(()) if self._aliases is None else self.read_aliases(domain)

    def close(self) -> None:
        """Let go of the kept connections; the next call opens new ones."""
        self._accounts.close()

    def _with_folders(self, login: str, script: ScriptState) -> ScriptState:
        """Notes which folders that the mailbox's own rules file into are missing; none where nobody tells."""
        if not script.own_folders or not self._settings.doveadm_url:
            return script
        try:
            usage = dovecot_usage.read_one(self._doveadm(), for_one(login), self._settings.folders)
        except DriverError:
            return script
        there = {"inbox", *(folder.name.lower() for folder in usage.folders)}
        missing = [name for name in script.own_folders if name.lower() not in there]
        notes = (*script.notes, *((FOLDER_IS_MISSING, {"folder": name}) for name in missing))
        return replace(script, notes=notes, own_folders=())

    def _alias_table(self) -> AliasTable:
        if self._aliases is None:
            raise Refused(gettext_noop("The portal does not know where this mail server keeps aliases."))
        return self._aliases

    def _doveadm(self) -> Doveadm:
        settings = self._settings
        if not settings.doveadm_url:
            raise Refused(
                gettext_noop(
                    "The portal does not know the mail server's doveadm interface: without it, it can"
                    " neither end sessions nor tell what a mailbox holds."
                )
            )
        same_host = urlsplit(settings.doveadm_url).hostname == settings.sieve_host.lower()
        return Doveadm(
            url=settings.doveadm_url,
            key=settings.doveadm_key,
            tls=settings.https,
            tls_name=settings.tls_name if same_host else "",
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            total_seconds=settings.total_seconds,
        )


def _may_be_begun(held: AccountState, account: AccountState) -> bool:
    """Whether an earlier try may have left it so; another address, or password, is somebody else's."""
    if held.address == parked(account.login):
        return True
    return held.address == account.address and held.password_hash in ("", account.password_hash)


def _parked(account: AccountState, *, apart: bool) -> AccountState:
    """Nobody signs in to it, and no mail comes; the portal alone can look after what it has."""
    return replace(
        account,
        address=parked(account.login),
        password_hash="",
        # Where `active` is all there is, Dovecot knows nothing of one that is not.
        enabled=not apart,
        sends=False,
        receives=False,
        app_passwords=(),
    )
