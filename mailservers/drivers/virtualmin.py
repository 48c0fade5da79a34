"""Virtualmin's remote API: mailboxes, their auto-replies and forwarding, aliases, quota and usage."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from mailservers.drivers import given
from mailservers.drivers import virtualmin_rows as rows
from mailservers.drivers.alias_names import refuse_unfit
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    DriverError,
    ForwardRule,
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
from mailservers.drivers.sieve_scripts import SieveScripts, SieveSettings
from mailservers.drivers.virtualmin_api import ProgramFailed, RemoteApi, Row
from mailservers.drivers.webmin_http import WebminHttp
from mailservers.drivers.webmin_settings import read_settings, read_zone

SIEVE = frozenset(["sieve_host", "sieve_port", "sieve_tls_name", "sieve_ca_file", "sieve_ca_pem"])
ENDPOINTS = frozenset(["time_zone", "quotas"]) | SIEVE
CREDENTIALS = frozenset(["user", "password", "sieve_master_user", "sieve_master_password"])
NOT_THERE_YET = gettext_noop("The mailbox is not on the mail server yet.")
NO_QUOTAS = gettext_noop(
    "The mail server has no quotas: the portal's operators must note that in its settings."
)
# Called without what they need: the answer tells whether the portal's user may run them, and nothing happens.
NEEDED_PROGRAMS = ("create-user", "modify-user", "delete-user", "create-alias", "delete-alias")
_UNFIT_LOCAL_PART = re.compile(r"[\s:&()|;<>*?!/\\@]|^[\d.-]|^$")
_NO_SUCH_DOMAIN = re.compile(r"Virtual server \S+ does not exist")
_NO_SUCH_USER = re.compile(r"No user named \S+ was found")


class VirtualminDriver:
    """One server. Keep it: it remembers where mailboxes are; threads may share it, and forks inherit it."""

    def __init__(self, endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> None:
        settings = read_settings(
            endpoints, credentials, also=ENDPOINTS, known_credentials=CREDENTIALS, kind="Virtualmin"
        )
        self.limits = limits(endpoints)
        self._zone = ZoneInfo(read_zone(endpoints))
        self._quotas = bool(self.limits.quota_step)
        self._http = WebminHttp(settings)
        self._api = RemoteApi(
            self._http, read_seconds=settings.read_seconds, write_seconds=settings.write_seconds
        )
        self._domain_of: dict[str, str] = {}
        self._scripts = SieveScripts(_sieve(endpoints, credentials)) if self.limits.sieve else None

    def session(self, login: str) -> AbstractContextManager[None]:
        """Webmin closes each connection after its answer; only ManageSieve's can be shared."""
        return nullcontext() if self._scripts is None else self._scripts.session(login)

    # --- accounts

    def put_account(self, account: AccountState) -> None:
        row = self._find(account.login)
        if row is None:
            self._create(account)
            return
        if account.is_new and not self._looks_like(account, row):
            raise mailbox_or_alias_has(account.address)
        self._change(account, row)

    def _looks_like(self, account: AccountState, row: Row) -> bool:
        """Whether a call that was given up may have made it: somebody else's has another name, or room."""
        held = rows.account_of(row, account.login, quotas=self._quotas)
        fields = ("address", "name", "recovery_address", "quota_bytes")
        return all(getattr(held, each) == getattr(account, each) for each in fields)

    def read_account(self, login: str) -> AccountState | None:
        row = self._find(login)
        return None if row is None else rows.account_of(row, login, quotas=self._quotas)

    def read_accounts(self, logins: Sequence[str]) -> dict[str, AccountState]:
        return {
            login: rows.account_of(row, login, quotas=self._quotas)
            for login, row in self._find_many(logins).items()
        }

    def remove_account(self, login: str) -> None:
        """The mail goes with it: Virtualmin knows no other way."""
        row = self._find(login)
        if row is None:
            return
        try:
            self._api.run("delete-user", self._whom(row))
        except ProgramFailed as failure:
            if self._find(login) is not None:
                raise failure.refusal from None
        self._domain_of.pop(login, None)

    def _create(self, account: AccountState) -> None:
        local, _, domain = account.address.rpartition("@")
        if account.login != account.address:
            raise Refused(
                gettext_noop(
                    "This mail server chooses the login of a new mailbox: give its address as login."
                )
            )
        if _UNFIT_LOCAL_PART.search(local) or local != local.lower():
            raise Refused(gettext_noop("Virtualmin takes no mailbox with the name %(name)s."), name=local)
        self._refuse_taken(account.address, domain)
        options: list[tuple[str, str | None]] = [
            ("domain", domain),
            ("user", local),
            self._password_option(account),
            ("no-creation-mail", None),
        ]
        if self._quotas:
            options.append(("quota", _blocks(account.quota_bytes)))
        if account.name:
            options.append(("real", account.name))
        if account.recovery_address:
            options.append(("recovery", account.recovery_address))
        if not account.enabled:
            options.append(("disable", None))
        try:
            self._api.run("create-user", options)
        except ProgramFailed as failure:
            # Perhaps a call that was given up before was carried out after all.
            row = self._find(account.login)
            if row is None:
                raise self._refusal(failure, domain) from None
            self._change(account, row)

    def _change(self, account: AccountState, row: Row) -> None:
        held = rows.account_of(row, account.login, quotas=self._quotas)
        options: list[tuple[str, str | None]] = []
        if account.address.lower() != held.address.lower():
            if held.address or account.address.partition("@")[0] != row.first("user"):
                raise Refused(gettext_noop("The address of a mailbox on this mail server cannot be changed."))
            self._refuse_taken(account.address, row.first("domain"))
            options.append(("enable-email", None))
        if account.name != held.name:
            # An empty value would turn into something else, and a blank is none in the end.
            options.append(("real", account.name or " "))
        if account.recovery_address != held.recovery_address:
            recovery = account.recovery_address
            options.append(("recovery", recovery) if recovery else ("no-recovery", None))
        if self._quotas:
            if rows.quota_of(row) is None:
                raise TryAgain(NO_QUOTAS)
            if account.quota_bytes != held.quota_bytes:
                options.append(("quota", _blocks(account.quota_bytes)))
        if account.new_password is not None:
            options.append(("pass", _clear_text(account)))
        # A new password opens a mailbox that is closed, unless it is told to stay so.
        if account.enabled != held.enabled or (account.new_password is not None and not account.enabled):
            options.append(("enable" if account.enabled else "disable", None))
        if options:
            self._modify(row, options)

    def _password_option(self, account: AccountState) -> tuple[str, str | None]:
        if account.new_password is not None:
            return "pass", _clear_text(account)
        if hashed := rows.crypt_hash(account.kept_hash):
            return "encpass", hashed
        if account.kept_hash:
            raise Refused(
                gettext_noop(
                    "The mailbox is not on the mail server, and making it takes its password in clear text."
                    " Please choose a new one."
                )
            )
        return "random-pass", None  # nobody learns it, so nobody signs in

    def _refuse_taken(self, address: str, domain: str) -> None:
        """Virtualmin would take the address away from whoever has it."""
        wanted = address.lower()
        try:
            users = self._list(domain)
            aliases = self._api.rows("list-aliases", [("domain", domain)])
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None
        if any(wanted in rows.addresses_of(row) for row in users) or any(
            alias.name.lower() == wanted for alias in aliases
        ):
            raise mailbox_or_alias_has(address)

    # --- auto-replies and forwarding

    def put_script(self, login: str, script: ScriptState) -> None:
        if self._scripts is not None:
            self._scripts.put(login, script)
            return
        row = self._find(login)
        if row is None:
            raise TryAgain(NOT_THERE_YET)
        wanted = script.rules or MailRules()
        if rows.managed_elsewhere(row):
            if wanted.reply is None and not (wanted.forward and wanted.forward.targets):
                return
            raise Refused(
                gettext_noop(
                    "The mailbox's mail goes to a file or program of its own. The portal leaves that alone."
                )
            )
        if options := rows.rule_changes(wanted, rows.rules_of(row, self._zone), self._zone):
            self._modify(row, options)

    def read_script(self, login: str) -> ScriptState:
        if self._scripts is not None:
            return self._scripts.read(login)
        row = self._find(login)
        if row is None:
            raise TryAgain(NOT_THERE_YET)
        return self._script_of(row)

    def read_scripts(
        self,
        logins: Sequence[str],
        *,
        connections: int,
        seconds: float,
    ) -> dict[str, ScriptReport | DriverError]:
        if self._scripts is not None:
            return self._scripts.read_many(logins, connections=connections, seconds=seconds)
        reports: dict[str, ScriptReport | DriverError] = {}
        found = self._find_many(logins)
        for login in logins:
            if login not in found:
                reports[login] = TryAgain(NOT_THERE_YET)
                continue
            script = self._script_of(found[login])
            forward = script.rules.forward if script.rules else None
            reports[login] = ScriptReport(script, _lower(forward))
        return reports

    def _script_of(self, row: Row) -> ScriptState:
        rules = (
            MailRules(None, ForwardRule()) if rows.managed_elsewhere(row) else rows.rules_of(row, self._zone)
        )
        if rules.forward is not None:
            # An administrator may have typed capital letters: it is the same address all the same.
            rules = replace(rules, forward=replace(rules.forward, targets=_lower(rules.forward)))
        active = rules.reply is not None or bool(rules.forward and rules.forward.targets)
        return ScriptState("", active=active, rules=rules)

    # --- sessions, usage, health

    def end_sessions(self, login: str) -> None:
        raise Refused(gettext_noop("This mail server offers no way to end open sessions."))

    def usage(self, login: str) -> UsageState:
        row = self._find(login, mail_size=not self._quotas)
        if row is None:
            raise TryAgain(NOT_THERE_YET)
        if (usage := rows.usage_of(row, login)) is None:
            raise TryAgain(gettext_noop("The mail server does not tell what the mailbox holds."))
        return usage

    def usages(self, domain: str, after: str = "") -> Iterator[UsageState]:
        """One call for the whole domain; a domain that is not there has none. All of them receive."""
        try:
            found = self._list(domain.lower(), mail_size=not self._quotas)
        except (ProgramFailed, Refused):
            return
        for row in sorted(found, key=lambda row: row.first("unix_username")):
            login = row.first("unix_username")
            if login > after and (usage := rows.usage_of(row, login)):
                yield usage

    def trash(self, login: str, saved_before: int) -> TrashState:
        raise _no_look_inside()

    def empty_trash(self, login: str, saved_before: int) -> None:
        raise _no_look_inside()

    def check(self) -> Health:
        told = self._api.text("info", [("search", "host")])
        version = re.search(r"virtualmin version: (\S+)", told)
        webmin = re.search(r"webmin version: (\S+)", told)
        self._names_of_domains()
        for program in NEEDED_PROGRAMS:
            try:
                self._api.run(program, [])
            except ProgramFailed:
                continue  # it may be run; it only lacks what to do
        named = (("Virtualmin", version), ("Webmin", webmin))
        own = " ".join(f"{name} {found[1]}" for name, found in named if found)
        if self._scripts is None:
            return Health(own, frozenset())
        sieve = self._scripts.check(self._any_login())
        return Health(f"{own} {sieve.version}", sieve.sieve_extensions)

    def close(self) -> None:
        """Let go of the connections; the next call opens new ones."""
        self._http.close()

    def _any_login(self) -> str:
        for domain in self._names_of_domains():
            for row in self._list(domain):
                if rows.is_enabled(row):
                    return row.first("unix_username")
        return ""

    # --- aliases

    def aliases(self, domain: str) -> Iterator[AliasState]:
        """Those that are not merely further addresses of a mailbox."""
        try:
            extras = {extra for row in self._list(domain) for extra in rows.addresses_of(row)}
            found = self._api.rows("list-aliases", [("domain", domain)])
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None
        for row in found:
            if row.name.lower() not in extras:
                yield rows.alias_of(row)

    def put_alias(self, alias: AliasState) -> None:
        """Create it, or give it other targets: there is a moment without it then."""
        local, _, domain = alias.address.lower().rpartition("@")
        refuse_unfit(alias)
        users, there = self._users_and_alias(alias.address.lower(), domain)
        if there is not None and sorted(there.targets) == sorted(alias.targets):
            return
        if any(alias.address.lower() == rows.address_of(row).lower() for row in users):
            raise mailbox_or_alias_has(alias.address)
        try:
            if there is not None:
                self._take_away(alias.address.lower(), users)
            if local:
                targets = [("to", target) for target in alias.targets]
                self._api.run("create-alias", [("domain", domain), ("from", local), *targets])
            else:  # only the other program takes whatever else comes to the domain
                targets = [("forward", target) for target in alias.targets]
                self._api.run("create-simple-alias", [("domain", domain), ("from", "*"), *targets])
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None

    def remove_alias(self, address: str) -> None:
        """Quiet when it is gone already."""
        domain = address.lower().rpartition("@")[2]
        users, there = self._users_and_alias(address.lower(), domain)
        if there is None:
            return
        try:
            self._take_away(address.lower(), users)
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None

    def read_alias(self, address: str) -> AliasState | None:
        return self._users_and_alias(address.lower(), address.lower().rpartition("@")[2])[1]

    def read_aliases(self, domain: str) -> Iterator[AliasState]:
        """Further addresses of mailboxes are among them: each leads to the one whose it is."""
        return iter(self._read_aliases(domain)[1])

    def _users_and_alias(self, address: str, domain: str) -> tuple[list[Row], AliasState | None]:
        users, aliases = self._read_aliases(domain)
        return users, next((alias for alias in aliases if alias.address == address), None)

    def _read_aliases(self, domain: str) -> tuple[list[Row], list[AliasState]]:
        try:
            users = self._list(domain)
            found = self._api.rows("list-aliases", [("domain", domain)])
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None
        by_login = {row.first("unix_username"): rows.address_of(row).lower() for row in users}
        own = set(by_login.values())
        told = {row.name.lower(): rows.alias_of(row).targets for row in found}
        return users, [
            AliasState(
                name,
                # Postfix's own mark in front of a local name: nowhere else than into its store.
                tuple((by_login.get(target.removeprefix("\\")) or target).lower() for target in targets),
            )
            for name, targets in told.items()
            if name not in own
        ]

    def _take_away(self, address: str, users: list[Row]) -> None:
        """A mailbox's further address is taken off the mailbox. Raises ProgramFailed."""
        for row in users:
            if address in rows.addresses_of(row):
                self._api.run("modify-user", [*self._whom(row), ("remove-email", address)])
                return
        local, _, domain = address.rpartition("@")
        self._api.run("delete-alias", [("domain", domain), ("from", local or "*")])

    # --- what is to be taken over

    def domains(self) -> list[str]:
        return self._names_of_domains()

    def mailboxes(self, domain: str) -> Iterator[FoundMailbox]:
        try:
            found = self._list(domain)
        except ProgramFailed as failure:
            raise self._refusal(failure, domain) from None
        for row in found:
            yield rows.found_mailbox(row, self._zone, quotas=self._quotas)

    # --- finding

    def _find(self, login: str, *, mail_size: bool = False) -> Row | None:
        """The mailbox with this address, or with this name to sign in with."""
        local, at, domain = login.rpartition("@")
        known = domain if at else self._domain_of.get(login, "")
        if known:
            for row in self._list_one(known, local if at else login, mail_size=mail_size):
                if login in (row.first("unix_username"), f"{row.first('user')}@{row.first('domain')}"):
                    return row
            if at:
                return None
        for row in self._list_one("", login, mail_size=mail_size):
            if row.first("unix_username") == login:
                self._domain_of[login] = row.first("domain")
                return row
        return None

    def _find_many(self, logins: Sequence[str]) -> dict[str, Row]:
        wanted, found = set(logins), {}
        for row in filter(rows.is_mailbox, self._rows([("all-domains", None)])):
            for name in (f"{row.first('user')}@{row.first('domain')}", row.first("unix_username")):
                if name in wanted:
                    found[name] = row
        return found

    def _list_one(self, domain: str, user: str, *, mail_size: bool) -> list[Row]:
        """Those with such a name, if any; everywhere when no domain is given."""
        where = ("domain", domain) if domain else ("all-domains", None)
        try:
            return list(filter(rows.is_mailbox, self._rows([where, ("user", user)], mail_size=mail_size)))
        except ProgramFailed as failure:
            if _NO_SUCH_DOMAIN.match(failure.error):
                return []
            raise failure.refusal from None

    def _list(self, domain: str, *, mail_size: bool = False) -> list[Row]:
        """All mailboxes of a domain; raises ProgramFailed when there is no such domain."""
        return list(filter(rows.is_mailbox, self._rows([("domain", domain)], mail_size=mail_size)))

    def _rows(self, options: list[tuple[str, str | None]], *, mail_size: bool = False) -> list[Row]:
        if mail_size:
            options = [*options, ("mail-size", None)]
        return self._api.rows("list-users", [*options, ("simple-aliases", None)])

    def _names_of_domains(self) -> list[str]:
        try:
            found = self._api.rows("list-domains", [("with-feature", "mail")])
        except ProgramFailed as failure:
            raise failure.refusal from None
        return sorted(row.name for row in found if not row.first("type").startswith("Alias"))

    @staticmethod
    def _whom(row: Row) -> list[tuple[str, str | None]]:
        return [("domain", row.first("domain")), ("user", row.first("user"))]

    def _modify(self, row: Row, options: list[tuple[str, str | None]]) -> None:
        try:
            self._api.run("modify-user", [*self._whom(row), *options])
        except ProgramFailed as failure:
            raise self._refusal(failure, row.first("domain")) from None

    @staticmethod
    def _refusal(failure: ProgramFailed, domain: str) -> DriverError:
        """What is known of the server's own words; these are for its administrator more than for others."""
        if _NO_SUCH_DOMAIN.match(failure.error):
            return Refused(gettext_noop("The domain %(domain)s is not on the mail server."), domain=domain)
        if _NO_SUCH_USER.match(failure.error):
            return TryAgain(gettext_noop("The mailbox was removed from the mail server meanwhile."))
        if failure.error.startswith("User's quota cannot be higher"):
            return Refused(
                gettext_noop("The limit is larger than that of the whole domain on the mail server.")
            )
        if failure.error.startswith("--quota option is not available"):
            return TryAgain(NO_QUOTAS)
        return failure.refusal


def limits(endpoints: Mapping[str, object]) -> Limits:
    """Where the server has ManageSieve as well, scripts go there. Raises ConfigurationError."""
    sieve = bool(endpoints.get("sieve_host"))
    return Limits(
        takes_hashes=False,
        quota_step=rows.BLOCK if given.flag(endpoints, "quotas", default=True) else 0,
        keeps_names=True,
        keeps_recovery_address=True,
        chooses_logins=True,
        sieve=sieve,
        reply_subject=sieve,
        reply_zone="" if sieve else read_zone(endpoints),
        reply_as_argument=not sieve,
        redirects=4 if sieve else 0,
        forward_window=sieve,
        app_passwords=False,
        ends_sessions=False,
        sends_apart=False,
        receives_apart=False,
        folders=False,
        empties_trash=False,
        writers=1,
    )


def _sieve(endpoints: Mapping[str, object], credentials: Mapping[str, object]) -> SieveSettings:
    """Raises ConfigurationError."""
    host = given.text(endpoints, "sieve_host")
    return SieveSettings(
        host=host,
        port=given.port(endpoints, "sieve_port", "Give the port of ManageSieve, usually 4190."),
        tls=given.tls(endpoints, "sieve_ca_file", "sieve_ca_pem"),
        tls_name=given.text(endpoints, "sieve_tls_name") or host,
        master_user=given.text(credentials, "sieve_master_user", "Give the master user that Dovecot knows."),
        master_password=given.text(credentials, "sieve_master_password", "Give the master user's password."),
        connect_seconds=given.seconds(endpoints, "connect_seconds", 5),
        read_seconds=10,
        total_seconds=30,
    )


def _blocks(quota_bytes: int) -> str:
    return str(-(-quota_bytes // rows.BLOCK)) if quota_bytes else "UNLIMITED"


def _clear_text(account: AccountState) -> str:
    if account.new_password is None or not account.new_password.text:
        raise Refused(
            gettext_noop(
                "The new password waited too long for the mail server and was erased. Please choose it again."
            )
        )
    return account.new_password.text


def _lower(forward: ForwardRule | None) -> tuple[str, ...]:
    return tuple(sorted({target.lower() for target in forward.targets})) if forward else ()


def _no_look_inside() -> Refused:
    return Refused(gettext_noop("This mail server does not let the portal look into mailboxes."))
