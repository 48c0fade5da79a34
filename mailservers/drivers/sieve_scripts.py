"""The portal's script in each mailbox, over ManageSieve, signed in as a master user."""

import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

from django.utils.translation import gettext_noop

from mailservers.drivers import mailbox_scripts
from mailservers.drivers.account_table import refuse_unspeakable
from mailservers.drivers.base import (
    DriverError,
    Health,
    NotThere,
    Refused,
    ScriptReport,
    ScriptState,
    ServerAway,
    TryAgain,
    unexpected,
)
from mailservers.drivers.dovecot_usage import NOT_THERE_YET
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


@dataclass(frozen=True, slots=True)
class SieveSettings:
    """Where ManageSieve listens, and as whom the portal comes."""

    host: str
    port: int
    tls: ssl.SSLContext
    tls_name: str
    master_user: str
    master_password: str = field(repr=False)
    connect_seconds: float
    read_seconds: float
    total_seconds: float
    max_redirects: int = 0
    """A mail is sent on so often at most; 0: nobody knows."""


class SieveScripts:
    """One server's scripts; threads may share it."""

    def __init__(self, settings: SieveSettings) -> None:
        self._settings = settings
        self._shared = _Shared()

    @contextmanager
    def session(self, login: str) -> Iterator[None]:
        """Calls about the login share one connection, made at the first that needs it."""
        shared = self._shared
        shared.login, shared.client = login, None
        try:
            yield
        finally:
            client, shared.login, shared.client = shared.client, "", None
            if client is not None:
                client.logout()

    def put(self, login: str, script: ScriptState) -> None:
        if not script.active:
            with self._mailbox(login) as client:
                mailbox_scripts.stop(client, script.edits, known_before=script.before)
            return
        try:
            script.text.encode()
        except UnicodeEncodeError:
            raise Refused(
                gettext_noop("The script has characters in it that no mail server takes.")
            ) from None
        with self._mailbox(login) as client:
            mailbox_scripts.run(
                client,
                script.text,
                script.edits,
                own_first=script.own_first,
                known_before=script.before,
            )

    def read(self, login: str) -> ScriptState:
        with self._mailbox(login) as client:
            return mailbox_scripts.read(client, self._settings.max_redirects)

    def remove_all(self, login: str) -> None:
        with self._mailbox(login) as client:
            mailbox_scripts.remove_all(client)

    def names(self, login: str) -> set[str]:
        with self._mailbox(login) as client:
            return {entry.name for entry in client.list_scripts()}

    def read_many(
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
                    return mailbox_scripts.report(client, self._settings.max_redirects)
            except DriverError as error:
                if isinstance(error, ServerAway):
                    away.set()
                return error
            except Exception as surprise:  # noqa: BLE001 - of this mailbox alone: others are read all the same
                return unexpected(surprise)

        with ThreadPoolExecutor(max(1, connections), thread_name_prefix="scripts") as threads:
            reports = list(threads.map(read, logins))
        return {login: report for login, report in zip(logins, reports, strict=True) if report is not None}

    def check(self, some_login: str) -> Health:
        """Signs in to the mailbox, without a look at it: there is no other way to try the master user."""
        with _in_words(ServerAway), self._connection() as client:
            health = Health(client.capabilities.get("IMPLEMENTATION", ""), client.sieve_extensions)
            if some_login:
                # The portal was let in then, and what it met is the mailbox's own trouble.
                with suppress(_MailboxUnknown):
                    self._sign_in(client, some_login)
        return health

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
            settings.host,
            settings.port,
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


class _Shared(threading.local):
    """The mailbox of the `session` that this thread is in, and its connection."""

    login = ""
    client: ManageSieveClient | None = None


class _MailboxUnknown(NotThere):
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
            return TryAgain(mailbox_scripts.CHANGED_MEANWHILE)
        return mailbox_scripts.refusal_in_words(error)
    return kind(_TROUBLES[type(error)])


def _sign_in_refused(no: Rejected) -> TryAgain:
    if no.code == "TRYLATER":
        return ServerAway(gettext_noop("The mail server asks to try again later."))
    # Dovecot tells the two apart by words alone: *authentication* is the master user's.
    if "authorization" in no.text.lower():
        return _MailboxUnknown(NOT_THERE_YET)
    return ServerAway(gettext_noop("The mail server does not accept the portal's master user or password."))
