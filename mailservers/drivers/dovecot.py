"""Dovecot with Pigeonhole: accounts in SQL, scripts over ManageSieve, the rest over doveadm's HTTP API."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import monotonic
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop

from mailservers.drivers import dovecot_usage, mailbox_scripts
from mailservers.drivers.account_table import AccountTable, is_unspeakable, refuse_unspeakable
from mailservers.drivers.base import (
    AccountState,
    DriverError,
    Health,
    Limits,
    Refused,
    ScriptReport,
    ScriptState,
    ServerAway,
    TrashState,
    TryAgain,
    UsageState,
)
from mailservers.drivers.doveadm import NOT_FOUND, Doveadm, for_one
from mailservers.drivers.dovecot_settings import read_settings
from mailservers.drivers.managesieve import (
    Bye,
    CertificateRejected,
    ManageSieveClient,
    ManageSieveError,
    NotConnected,
    ProtocolError,
    Rejected,
    TimedOut,
)

NEEDED_COMMANDS = frozenset(["authCacheFlush", "expunge", "fetch", "kick", "mailboxStatus", "quotaGet"])


class DovecotDriver:
    """One server. Keep it: it holds a pool of SQL connections; threads may share it, forks inherit it."""

    limits = Limits()

    def __init__(self, endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> None:
        settings = read_settings(endpoints, credentials)
        self._settings = settings
        self._shared = _Shared()
        self._accounts = AccountTable(
            settings.sql_url,
            connect_seconds=settings.connect_seconds,
            statement_seconds=settings.read_seconds,
        )

    @contextmanager
    def session(self, login: str) -> Iterator[None]:
        """Calls about the login share one ManageSieve connection, made at the first that needs it."""
        shared = self._shared
        shared.login, shared.client = login, None
        try:
            yield
        finally:
            client, shared.login, shared.client = shared.client, "", None
            if client is not None:
                client.logout()

    def put_account(self, account: AccountState) -> None:
        for_one(account.login)
        self._accounts.put(account)

    def read_account(self, login: str) -> AccountState | None:
        refuse_unspeakable(login)
        return self._accounts.read(login)

    def remove_account(self, login: str) -> None:
        refuse_unspeakable(login)
        self._accounts.remove(login)

    def put_script(self, login: str, script: ScriptState) -> None:
        if not script.active:
            with self._mailbox(login) as client:
                mailbox_scripts.stop(client)
            return
        try:
            script.text.encode()
        except UnicodeEncodeError:
            raise Refused(
                gettext_noop("The script has characters in it that no mail server takes.")
            ) from None
        with self._mailbox(login) as client:
            mailbox_scripts.run(client, script.text)

    def read_script(self, login: str) -> ScriptState:
        with self._mailbox(login) as client:
            return mailbox_scripts.read(client)

    def read_accounts(self, logins: Sequence[str]) -> dict[str, AccountState]:
        return self._accounts.read_many([login for login in logins if not is_unspeakable(login)])

    def read_scripts(
        self, logins: Sequence[str], *, connections: int, seconds: float
    ) -> dict[str, ScriptReport | DriverError]:
        """One connection a mailbox: a master user signs in for one alone, and Dovecot lets nobody change."""
        ends = monotonic() + seconds
        away = threading.Event()

        def read(login: str) -> ScriptReport | DriverError | None:
            if away.is_set() or monotonic() > ends:
                return None
            try:
                with self._mailbox(login) as client:
                    return mailbox_scripts.report(client)
            except DriverError as error:
                if isinstance(error, ServerAway):
                    away.set()
                return error

        with ThreadPoolExecutor(max(1, connections), thread_name_prefix="scripts") as threads:
            reports = list(threads.map(read, logins))
        return {login: report for login, report in zip(logins, reports, strict=True) if report is not None}

    def end_sessions(self, login: str) -> None:
        refuse_unspeakable(login)
        doveadm = self._doveadm()
        account = self._accounts.read(for_one(login))
        # Dovecot's cache knows people by the name they typed. (A pattern would only flush more.)
        names = [login] if account is None else [login, account.address]
        flushed, kicked = doveadm.run([("authCacheFlush", {"user": names}), ("kick", {"mask": [login]})])
        if flushed.exit_code or kicked.exit_code not in (0, NOT_FOUND):
            raise TryAgain(gettext_noop("The mail server could not end the mailbox's open sessions."))

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

    def check(self) -> Health:
        """Signs in to some mailbox, without a look at it: there is no other way to try the master user."""
        login = self._accounts.any_login()
        with _in_words(ServerAway), self._connection() as client:
            health = Health(client.capabilities.get("IMPLEMENTATION", ""), client.sieve_extensions)
            if login:
                # The portal was let in then, and what it met is the mailbox's own trouble.
                with suppress(_MailboxUnknown):
                    self._sign_in(client, login)
        if self._settings.doveadm_url and (lacking := NEEDED_COMMANDS - self._doveadm().command_names()):
            raise TryAgain(
                gettext_noop("The mail server's doveadm interface does not know the command %(command)s."),
                command=min(lacking),
            )
        return health

    def close(self) -> None:
        """Let go of the kept connections; the next call opens new ones."""
        self._accounts.close()

    @contextmanager
    def _mailbox(self, login: str) -> Iterator[ManageSieveClient]:
        """ManageSieve, signed in as the portal's master user for this mailbox."""
        refuse_unspeakable(login)
        shared = self._shared if self._shared.login == login else _Shared()
        client = shared.client or self._signed_in(login)
        shared.client = None  # until it has gone well: nobody goes on where something broke off
        try:
            with _in_words(TryAgain):
                yield client
        except BaseException:
            client.close()
            raise
        if shared is self._shared:
            shared.client = client
        else:
            client.logout()

    def _signed_in(self, login: str) -> ManageSieveClient:
        """What goes wrong up to here would go wrong for other mailboxes as well."""
        with _in_words(ServerAway):
            client = self._connection()
            self._sign_in(client, login)
        return client

    def _connection(self) -> ManageSieveClient:
        settings = self._settings
        return ManageSieveClient(
            settings.sieve_host,
            settings.sieve_port,
            tls=settings.tls,
            tls_name=settings.tls_name,
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            total_seconds=settings.total_seconds,
        )

    def _sign_in(self, client: ManageSieveClient, login: str) -> None:
        try:
            client.authenticate(self._settings.master_user, self._settings.master_password, mailbox=login)
        except Rejected as no:
            raise _sign_in_refused(no) from None
        except BaseException:
            client.close()
            raise

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
            tls=settings.tls,
            tls_name=settings.tls_name if same_host else "",
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            total_seconds=settings.total_seconds,
        )


class _Shared(threading.local):
    """The mailbox of the `session` that this thread is in, and its connection."""

    login = ""
    client: ManageSieveClient | None = None


class _MailboxUnknown(TryAgain):
    """The portal is let in, but there is no such mailbox."""


@contextmanager
def _in_words(kind: type[TryAgain]) -> Iterator[None]:
    """Where it happens tells whom it concerns: `kind` is ServerAway or TryAgain."""
    try:
        yield
    except ManageSieveError as error:
        raise _trouble_in_words(error, kind) from None


_TROUBLES: dict[type[ManageSieveError], str] = {
    CertificateRejected: gettext_noop("The mail server's certificate is not trusted."),
    TimedOut: gettext_noop("The mail server did not answer in time."),
    NotConnected: gettext_noop("The mail server cannot be reached, or broke off."),
    Bye: gettext_noop("The mail server ended the connection."),
    ProtocolError: gettext_noop("The mail server gave an answer the portal does not know."),
    Rejected: gettext_noop("The mail server did not carry out a command for scripts."),
}


def _trouble_in_words(error: ManageSieveError, kind: type[TryAgain]) -> DriverError:
    if isinstance(error, Rejected) and error.code:
        if error.code in ("NONEXISTENT", "ALREADYEXISTS", "ACTIVE"):  # somebody else is at them just now
            return TryAgain(gettext_noop("The mailbox's scripts have changed in between."))
        return mailbox_scripts.refusal_in_words(error)
    return kind(_TROUBLES[type(error)])


def _sign_in_refused(no: Rejected) -> TryAgain:
    if no.code == "TRYLATER":
        return ServerAway(gettext_noop("The mail server asks to try again later."))
    # Dovecot tells the two apart by words alone: *authentication* is the master user's.
    if "authorization" in no.text.lower():
        return _MailboxUnknown(dovecot_usage.NOT_THERE_YET)
    return ServerAway(gettext_noop("The mail server does not accept the portal's master user or password."))
