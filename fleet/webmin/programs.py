"""Virtualmin's command line programs as far as the portal needs them, run against a simulated host.

Written after the answers of a real server, which the tests replay. Texts of errors are the real ones.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from fleet.webmin.hosting import Alias, Domain, Host, User
from fleet.webmin.listings import Row, alias_rows, domain_row, owner_row, simple_alias_rows, user_row

GERMAN = {
    "A user or mail alias with the same name and domain already exists": (
        "Ein Benutzer oder Mail-Alias mit demselben Namen und der gleichen Domain existiert bereits"
    )
}
OWNERS_MAY = frozenset(
    f"{what}-{kind}"
    for kind, verbs in {
        "user": ["create", "modify", "delete"],
        "alias": ["create", "delete"],
        "simple-alias": ["create"],
        "users": ["list"],
        "aliases": ["list"],
        "simple-aliases": ["list"],
        "domains": ["list", "validate"],
    }.items()
    for what in verbs
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d|[+-]\d+")
_UNFIT_NAME = re.compile(r"[\s:&()|;<>*?!/\\]")
_ADDRESS = re.compile(r"[^\s|/@]+@[^\s|/@]+")


class Failed(Exception):
    """The program ends with an exit code; `usage` tells whether it shows how it is used."""

    def __init__(self, error: str, *, usage: bool = True) -> None:
        super().__init__(error)
        self.error = error
        self.usage = usage


@dataclass(slots=True)
class Caller:
    """Who calls: a master administrator, or the owner of one domain."""

    name: str
    own: Domain | None = None

    @property
    def is_master(self) -> bool:
        return self.own is None


@dataclass(slots=True)
class Result:
    """What a program printed: text, or rows."""

    output: str = ""
    rows: list[Row] | None = None
    raw: list[dict[str, object]] | None = None
    """Rows of another form than name and values."""


Options = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Program:
    """What it takes, and what it does."""

    run: Callable[["Programs", Caller, Options], Result]
    values: frozenset[str]
    flags: frozenset[str]
    writes: bool = False

    def parse(self, arguments: Sequence[str]) -> Options:
        """As all the programs do: an option eats whatever comes next."""
        options: Options = {}
        waiting = list(arguments)
        while waiting:
            argument = waiting.pop(0)
            name = argument.removeprefix("--")
            if argument.startswith("--") and name in self.flags:
                options.setdefault(name, [])
            elif argument.startswith("--") and name in self.values:
                if not waiting:
                    raise Failed(f"Missing parameter for {argument}")
                options.setdefault(name, []).append(waiting.pop(0))
            else:
                raise Failed(f"Unknown parameter {argument}")
        return options


class Programs:
    """The host's programs; writes wait for one another."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._writing = Lock()

    def run(self, name: str, arguments: Sequence[str], caller: Caller) -> Result:
        """Raises Failed; KeyError when there is no such program."""
        program = PROGRAMS[name]
        options = program.parse(arguments)
        if not program.writes:
            return program.run(self, caller, options)
        with self._writing:
            result = program.run(self, caller, options)
            time.sleep(self.host.switches.write_seconds)
            return result

    def domain(self, caller: Caller, name: str) -> Domain:
        domain = self.host.domains.get(name)
        if domain is None:
            raise Failed(f"Virtual server {name} does not exist")
        if not caller.is_master and domain is not caller.own:
            raise Failed(f"Virtual server {name} does not exist", usage=False)
        return domain

    def domains(self, caller: Caller, options: Options) -> list[Domain]:
        if "domain" in options:
            return [self.domain(caller, name) for name in options["domain"]]
        return list(self.host.domains.values()) if caller.own is None else [caller.own]

    def refuse_clash(self, address: str) -> None:
        if self.host.owner_of(address) or any(d.alias(address) for d in self.host.domains.values()):
            raise Failed(self.said("A user or mail alias with the same name and domain already exists"))

    def said(self, text: str) -> str:
        return GERMAN.get(text, text) if self.host.switches.language == "de" else text

    # --- reading

    def list_domains(self, caller: Caller, options: Options) -> Result:
        domains = self.domains(caller, options)
        if "multiline" in options:
            return Result(rows=[domain_row(domain) for domain in domains])
        if "name-only" in options:
            return Result(rows=[(domain.name, {}) for domain in domains])
        head = [f"{'Domain':30} {'Username':15} {'Description':30}", f"{'-' * 30} {'-' * 15} {'-' * 30}"]
        lines = [f"{domain.name:30} {domain.owner:15} {domain.description:30}" for domain in domains]
        return Result(rows=[(line, {}) for line in head + lines])

    def list_users(self, caller: Caller, options: Options) -> Result:
        if not {"domain", "all-domains"} & set(options):
            raise Failed("No domain specified")
        wanted = options.get("user", [])
        found: list[tuple[Domain, User]] = []
        rows: list[Row] = []
        for domain in self.domains(caller, options):
            if "include-owner" in options and not wanted:
                rows.append(
                    owner_row(
                        domain,
                        self.host.switches,
                        mail_size="mail-size" in options,
                        simple="simple-aliases" in options,
                    )
                )
            found += [
                (domain, user)
                for user in domain.users.values()
                if not wanted or user.short in wanted or user.unix in wanted
            ]
        if "multiline" in options:
            rows += [
                user_row(
                    domain,
                    user,
                    self.host.switches,
                    mail_size="mail-size" in options,
                    simple="simple-aliases" in options,
                    for_master=caller.is_master,
                )
                for domain, user in found
            ]
            return Result(rows=rows)
        if "email-only" in options:
            addresses = [address for _, user in found for address in (user.email, *user.extras) if address]
            return Result(rows=[(address, {}) for address in addresses])
        return Result(rows=[(user.unix, {}) for _, user in found])

    def list_aliases(self, caller: Caller, options: Options) -> Result:
        return Result(rows=[row for domain in self.domains(caller, options) for row in alias_rows(domain)])

    def list_simple_aliases(self, caller: Caller, options: Options) -> Result:
        domains = self.domains(caller, options)
        return Result(rows=[row for domain in domains for row in simple_alias_rows(domain)])

    def info(self, _caller: Caller, _options: Options) -> Result:
        facts = {
            "hostname": "mail.example.org",
            "module root": "/usr/share/webmin/virtual-server",
            "os": "Debian Linux 12",
            "root": "/usr/share/webmin",
            "theme version": "10.1",
            "virtualmin edition": "GPL",
            "virtualmin version": "8.1.0",
            "webmin version": "2.660",
        }
        return Result(output="host: \n" + "".join(f"    {key}: {value}\n" for key, value in facts.items()))

    def list_features(self, _caller: Caller, _options: Options) -> Result:
        return Result(rows=[(name, {}) for name in ("unix", "dir", "mail", "webmin")])

    def validate_domains(self, caller: Caller, options: Options) -> Result:
        if "all-features" not in options:
            feature = (options.get("feature") or [""])[-1]
            if feature not in ("unix", "dir", "mail", "webmin"):
                raise Failed(f"{feature} is not a valid feature or supported plugin")
        domains = self.domains(caller, options)
        return Result(raw=[{"name": domain.name, "status": "success", "errors": []} for domain in domains])

    def get_command(self, _caller: Caller, _options: Options) -> Result:
        raise Failed("Cannot parse flag pubkey-file <--ssh-pubkey-id id")

    # --- domains

    def create_domain(self, _caller: Caller, options: Options) -> Result:
        name = options["domain"][-1]
        if name in self.host.domains:
            raise Failed("You are already hosting this domain")
        self.host.create_domain(name, options["pass"][-1], options.get("desc", [""])[-1])
        return Result(
            output="Beginning server creation ..\n\nSaving server details ..\n.. done\n\nAll done!\n"
        )

    def modify_limits(self, caller: Caller, options: Options) -> Result:
        domain = self.domain(caller, options["domain"][-1])
        if "remote_api" in options.get("can-edit", []):
            domain.may_call = True
        return Result(output=f"Successfully updated limits for {domain.owner}\n")

    # --- mailboxes

    def create_user(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        short = options.get("user", [""])[-1].lower().removesuffix(f"@{domain.name}")
        if "encpass" in options and not caller.is_master:
            raise Failed("--encpass is only available to the master administrator")
        if not {"pass", "encpass", "random-pass"} & set(options):
            raise Failed("No password specified")
        if not short or _UNFIT_NAME.search(short):
            raise Failed("Missing or invalid username")
        if short[0].isdigit():
            raise Failed("Usernames cannot begin with a number")
        quota = self._quota(domain, options.get("quota", ["51200"])[-1], "Quota must be a number")
        extras = [self._extra(domain, extra) for extra in options.get("extra", [])]
        self.refuse_clash(f"{short}@{domain.name}")
        clear = options.get("pass", [""])[-1]
        self._policy(caller, clear or "good enough")
        user = self.host.create_user(
            domain, short, clear, real=options.get("real", [""])[-1], quota=quota, extras=extras
        )
        if "encpass" in options:
            user.hash, user.plain = options["encpass"][-1], ""
        user.recovery = options.get("recovery", [""])[-1]
        user.disabled = "disable" in options
        if "noemail" in options:
            user.email = ""
        return Result(output=f"User {user.unix} created successfully\n")

    def modify_user(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        if not options.get("user"):
            raise Failed("No domain name or username specified")
        name = options["user"][-1]
        if name == domain.owner and "pass" in options:
            raise Failed("The --pass and --passfile flags cannot be used when editing a domain owner")
        user = domain.find(name)
        if user is None:
            raise Failed(f"No user named {name} was found in the server {domain.name}")
        self._check(caller, domain, user, options)
        self._change(domain, user, options)
        self._change_rules(user, options)
        return Result(output=f"User {user.unix} updated successfully\n")

    def _check(self, caller: Caller, domain: Domain, user: User, options: Options) -> None:  # noqa: PLR0912
        """Everything that can fail, before the first write."""
        if {"disable", "enable"} <= set(options):
            raise Failed("Only one of the --disable and --enable options can be used")
        if ":" in options.get("real", [""])[-1]:
            raise Failed("Invalid real name")
        if "quota" in options:
            if not self.host.switches.quotas:
                raise Failed("--quota option is not available unless home directory quotas are enabled")
            text = "Home directory quota must be a number of blocks, or UNLIMITED"
            self._quota(domain, options["quota"][-1], text)
        if "pass" in options:
            self._policy(caller, options["pass"][-1])
        for option in ("autoreply-start", "autoreply-end"):
            if option in options and not _DAY.fullmatch(options[option][-1]):
                raise Failed("Date spec must be like 2007-01-20 or -5 (days ago)")
        mine = {address.lower() for address in (user.email, *user.extras)}
        for address in options.get("add-email", []):
            if address.lower() in mine:
                raise Failed(f"Email address {address} is already associated with this user")
            if not caller.is_master and self.host.owner_of(address):
                whose = f"clashes with the additional address '{address}'"
                raise Failed(f"A user or mail alias that {whose} already exists")
        for address in options.get("remove-email", []):
            if address.lower() not in mine:
                raise Failed(f"Email address {address} does not belong to this user")
        if "disable-email" in options and not user.email:
            raise Failed("The user does not have email enabled")
        if "enable-email" in options and user.email:
            raise Failed("The user already has email enabled")
        if "newuser" in options and (new := options["newuser"][-1]) in domain.users:
            raise Failed(f"A user named {new} already exists in this virtual server")
        if not caller.is_master:
            for target in options.get("add-forward", []):
                if not _ADDRESS.fullmatch(target):
                    raise Failed(f"'{target}' is not a valid email address")

    def _change(self, domain: Domain, user: User, options: Options) -> None:
        if "pass" in options:
            user.set_password(options["pass"][-1], keep=not domain.hashed)
        if "disable" in options:
            user.disabled = True
        elif "enable" in options:
            user.disabled = False
        if "real" in options:
            user.real = options["real"][-1]
        if "quota" in options:
            blocks = options["quota"][-1]
            user.quota = 0 if blocks == "UNLIMITED" else int(blocks)
        if "recovery" in options:
            user.recovery = options["recovery"][-1]
        if "no-recovery" in options:
            user.recovery = ""
        if "disable-email" in options:
            user.email = ""
        if "enable-email" in options:
            user.email = f"{user.short}@{domain.name}"
        for address in options.get("add-email", []):
            self.host.steal(address)
            user.extras.append(address)
        gone = {address.lower() for address in options.get("remove-email", [])}
        user.extras = [extra for extra in user.extras if extra.lower() not in gone]
        if "newuser" in options:
            del domain.users[user.short]
            user.short = options["newuser"][-1]
            user.unix, user.email = domain.unix_name(user.short), f"{user.short}@{domain.name}"
            domain.users[user.short] = user
            user.quota = 0  # recorded so: the quota stays behind with the old name

    @staticmethod
    def _change_rules(user: User, options: Options) -> None:
        before = bool(user.forwards)
        user.forwards += [t for t in options.get("add-forward", []) if t not in user.forwards]
        user.forwards = [t for t in user.forwards if t not in options.get("del-forward", [])]
        if "local" in options:
            user.local = True
        if "no-local" in options:
            user.local = False
        reply = user.reply
        touched = False
        for option, name in (("start", "start"), ("end", "end"), ("period", "period")):
            if f"autoreply-{option}" in options:
                setattr(reply, name, options[f"autoreply-{option}"][-1])
                touched = True
        if "autoreply" in options:
            if not reply.on and not reply.sender:
                reply.sender = f'"{user.real}" <{user.email}>' if user.real else user.email
            reply.on, touched = True, True
            reply.write(options["autoreply"][-1].replace("\\n", "\n"))
        if touched:
            # Alone these do nothing: so the real one behaves.
            for option in ("start", "end", "period"):
                if f"no-autoreply-{option}" in options:
                    setattr(reply, option, "")
        if "no-autoreply" in options:
            reply.on = False
            if not user.forwards:
                reply.start = reply.end = reply.period = reply.sender = ""
        if before and not user.forwards and not reply.on:
            user.local = True

    def delete_user(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        name = options.get("user", [""])[-1].lower()
        if name == domain.owner:
            raise Failed(f"The user {name} is the owner of server {domain.name}, and so cannot be deleted")
        user = domain.find(name)
        if user is None:
            raise Failed(f"No user named {name} was found in the server {domain.name}")
        del domain.users[user.short]
        names = {user.unix, "\\" + user.unix, user.email}
        domain.aliases = [alias for alias in domain.aliases if not set(alias.to) <= names]
        for other in self.host.users():
            other.forwards = [target for target in other.forwards if target != user.email]
        return Result(output=f"User {user.unix} deleted successfully\n")

    # --- aliases

    def create_alias(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        local = options.get("from", [""])[-1]
        if "@" in local:
            raise Failed("No domain name is needed in the --from parameter")
        if not options.get("to"):
            raise Failed("No destination addresses specified")
        if "desc" in options:
            raise Failed("Your mail server does not support alias descriptions")
        if not local or _UNFIT_NAME.search(local):
            raise Failed("Invalid alias name : Missing or invalid username")
        return self._add_alias(caller, domain, local, options["to"], {})

    def create_simple_alias(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        to = [*options.get("forward", []), *("\\" + user for user in options.get("local", []))]
        simple = {name: values[-1] for name, values in options.items() if name.startswith("autoreply")}
        if not to and not simple:
            raise Failed("No destination addresses specified")
        return self._add_alias(caller, domain, options.get("from", [""])[-1], to, simple)

    def _add_alias(
        self, caller: Caller, domain: Domain, local: str, to: list[str], simple: dict[str, str]
    ) -> Result:
        address = f"{'' if local == '*' else local}@{domain.name}"
        if domain.alias(address):
            raise Failed("An alias for the same email address already exists")
        if not caller.is_master:
            self.refuse_clash(address)
        self.host.steal(address)
        domain.aliases.append(Alias(address, to, simple))
        return Result(output=f"Alias for {address} created successfully\n")

    def delete_alias(self, caller: Caller, options: Options) -> Result:
        domain = self._named(caller, options)
        local = options.get("from", [""])[-1]
        address = f"{'' if local == '*' else local}@{domain.name}"
        owner = self.host.owner_of(address)
        if domain.alias(address):
            domain.forget_alias(address)
        elif owner is not None and address.lower() != owner.email.lower():
            self.host.steal(address)
        else:
            raise Failed(f"No alias for the email address {address} exists")
        return Result(output=f"Alias for {address} deleted successfully\n")

    # --- what many share

    def _named(self, caller: Caller, options: Options) -> Domain:
        if not options.get("domain"):
            raise Failed("No domain name or username specified")
        return self.domain(caller, options["domain"][-1])

    def _quota(self, domain: Domain, text: str, complaint: str) -> int:
        if text == "UNLIMITED":
            return 0
        if not text.isdigit():
            raise Failed(complaint)
        if int(text) > domain.quota and self.host.switches.quotas:
            raise Failed(f"User's quota cannot be higher than domain's quota of {domain.quota}")
        return int(text)

    def _extra(self, domain: Domain, extra: str) -> str:
        address = extra if "@" in extra else f"{extra}@{domain.name}"
        if (host := address.rpartition("@")[2]) not in self.host.domains:
            raise Failed(f"The additional email domain '{host}' is not managed by Virtualmin")
        return address

    @staticmethod
    def _policy(caller: Caller, clear: str) -> None:
        if not caller.is_master and len(clear) < 8:
            raise Failed("Password must be at least 8 letters long")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_USER_VALUES = "domain user pass real quota recovery"
PROGRAMS: dict[str, Program] = {
    "list-domains": Program(
        Programs.list_domains, _words("domain user id with-feature"), _words("multiline name-only id-only")
    ),
    "list-users": Program(
        Programs.list_users,
        _words("domain user"),
        _words("multiline all-domains simple-aliases include-owner mail-size name-only email-only"),
    ),
    "list-aliases": Program(
        Programs.list_aliases, _words("domain"), _words("multiline all-domains name-only")
    ),
    "list-simple-aliases": Program(
        Programs.list_simple_aliases, _words("domain"), _words("multiline all-domains")
    ),
    "info": Program(Programs.info, _words("search"), _words("")),
    "list-features": Program(Programs.list_features, _words(""), _words("multiline name-only")),
    "validate-domains": Program(
        Programs.validate_domains, _words("domain"), _words("all-features all-domains feature")
    ),
    "get-command": Program(Programs.get_command, _words("command"), _words("")),
    "create-domain": Program(
        Programs.create_domain,
        _words("domain pass desc"),
        _words("unix dir webmin mail limits-from-plan"),
        writes=True,
    ),
    "modify-limits": Program(Programs.modify_limits, _words("domain can-edit"), _words(""), writes=True),
    "create-user": Program(
        Programs.create_user,
        _words(f"{_USER_VALUES} encpass extra"),
        _words("random-pass disable noemail no-creation-mail noappend"),
        writes=True,
    ),
    "modify-user": Program(
        Programs.modify_user,
        _words(
            f"{_USER_VALUES} newuser add-email remove-email add-forward del-forward autoreply autoreply-start"
            " autoreply-end autoreply-period"
        ),
        _words(
            "disable enable disable-email enable-email no-recovery local no-local no-autoreply"
            " no-autoreply-start no-autoreply-end no-autoreply-period no-autoreply-forward"
        ),
        writes=True,
    ),
    "delete-user": Program(Programs.delete_user, _words("domain user"), _words(""), writes=True),
    "create-alias": Program(Programs.create_alias, _words("domain from to desc"), _words(""), writes=True),
    "create-simple-alias": Program(
        Programs.create_simple_alias,
        _words("domain from forward local autoreply autoreply-from autoreply-period"),
        _words(""),
        writes=True,
    ),
    "delete-alias": Program(Programs.delete_alias, _words("domain from"), _words(""), writes=True),
}
