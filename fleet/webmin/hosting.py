"""What the simulated Virtualmin holds: domains with their mailboxes and aliases, and Webmin's own users."""

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from passlib.hash import sha512_crypt

BLOCK = 1024
EMPTY_HOME = 81920
# A setting in front of a reply's text; Virtualmin keeps both in one file.
_SETTING = re.compile(r"(From|Charset|Reply-Period|Autoreply-Start|Autoreply-End|No-[\w-]+): *(.*)")
# Random and made for speed: the simulation guards nothing.
_hasher = sha512_crypt.using(rounds=1000)


@dataclass(slots=True)
class Reply:
    """An auto-reply; text and settings may outlive its being on, as Virtualmin leaves its file behind."""

    on: bool = False
    text: str = ""
    start: str = ""
    end: str = ""
    period: str = ""
    sender: str = ""

    def write(self, text: str) -> None:
        """Take a text as it comes: leading lines that look like settings become settings."""
        lines = text.split("\n")
        while lines and (setting := _SETTING.fullmatch(lines[0])):
            if setting[1] == "From":
                self.sender = setting[2]
            elif setting[1] == "Reply-Period":
                self.period = setting[2]
            lines.pop(0)
        self.text = "\n".join(lines)
        if not self.text.endswith("\n"):
            self.text += "\n"


@dataclass(slots=True)
class User:
    """A mailbox, which is a unix user."""

    short: str
    unix: str
    hash: str
    real: str = ""
    plain: str = ""
    """The password in clear, on servers that keep it."""
    disabled: bool = False
    email: str = ""
    extras: list[str] = field(default_factory=list)
    quota: int = 0
    """In blocks of 1 KiB; 0 means no limit."""
    used: int = EMPTY_HOME
    forwards: list[str] = field(default_factory=list)
    local: bool = True
    reply: Reply = field(default_factory=Reply)
    recovery: str = ""

    def set_password(self, clear: str, *, keep: bool) -> None:
        """Opens a closed mailbox; the salt stays, so that the same password has the same hash."""
        parts = self.hash.split("$")
        salt = parts[-2] if self.hash.startswith("$6$rounds=1000$") else None
        self.hash = _hasher.using(salt=salt).hash(clear) if salt else _hasher.hash(clear)
        self.plain = clear if keep else ""
        self.disabled = False

    @property
    def delivers(self) -> bool:
        """Whether a copy stays in the mailbox: a rule that leads nowhere else always keeps one."""
        return self.local or not (self.forwards or self.reply.on)


@dataclass(slots=True)
class Alias:
    """An address that leads elsewhere; `simple` is what create-simple-alias was told of a reply."""

    name: str
    to: list[str]
    simple: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Domain:
    """A virtual server with the features unix, dir, mail and webmin."""

    name: str
    owner: str
    owner_password: str
    description: str = ""
    quota: int = 2 * 1024 * 1024
    at_style: bool = False
    """Unix users are named anna@domain instead of anna.owner."""
    hashed: bool = True
    """Off: the server keeps the mailboxes' passwords in clear, and tells them."""
    may_call: bool = False
    """Its owner may call the remote API."""
    number: str = ""
    created: int = 0
    users: dict[str, User] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)

    def unix_name(self, short: str) -> str:
        return f"{short}@{self.name}" if self.at_style else f"{short}.{self.owner}"

    def find(self, name: str) -> User | None:
        """By short or full unix name, in the letters as they are."""
        return self.users.get(name) or next((user for user in self.users.values() if user.unix == name), None)

    def alias(self, address: str) -> Alias | None:
        return next((alias for alias in self.aliases if alias.name.lower() == address.lower()), None)

    def forget_alias(self, address: str) -> None:
        self.aliases = [alias for alias in self.aliases if alias.name.lower() != address.lower()]


@dataclass(slots=True)
class Switches:
    """How the simulated server behaves; tests turn them."""

    language: str = "en"
    quotas: bool = True
    noise: bool = False
    """Lines from stderr come first in every answer, as on hosts without MySQL."""
    write_seconds: float = 0.0
    """What each write takes; one at a time on the whole server."""
    delays: bool = False
    """Each further wrong password is answered later."""
    block_after: int = 5
    block_seconds: float = 60.0
    at_style: bool = False
    hashed: bool = True
    faults: list[str] = field(default_factory=list)
    """What the next calls meet: html, login, redirect, cut, slow, disk-full, hang-up, late, 503."""
    fault_program: str = ""
    """Only calls of this program meet them; empty: any."""


class Host:
    """The whole server."""

    def __init__(self, master: str, master_password: str) -> None:
        self.masters = {master: master_password}
        self.viewers: dict[str, str] = {}
        """Webmin users without the module virtual-server."""
        self.domains: dict[str, Domain] = {}
        self.switches = Switches()
        self.calls: list[dict[str, object]] = []
        """Programs called, with the names of their parameters; values may be secret."""
        self._numbers = 0

    def create_domain(self, name: str, password: str, description: str = "") -> Domain:
        owner = name.split(".", maxsplit=1)[0]
        self._numbers += 1
        now = int(time.time())
        domain = Domain(
            name=name,
            owner=owner,
            owner_password=password,
            description=description,
            at_style=self.switches.at_style,
            hashed=self.switches.hashed,
            number=f"{now}{self._numbers:05}",
            created=now,
        )
        for local in ("abuse", "postmaster", "webmaster", "hostmaster"):
            domain.aliases.append(Alias(f"{local}@{name}", [f"{owner}@{name}"]))
        self.domains[name] = domain
        return domain

    def create_user(self, domain: Domain, short: str, clear: str, **values: object) -> User:
        user = User(short, domain.unix_name(short), hash="", email=f"{short}@{domain.name}")
        user.set_password(clear or secrets.token_hex(8), keep=not domain.hashed)
        for name, value in values.items():
            setattr(user, name, value)
        domain.users[short] = user
        return user

    def fill(self, name: str, count: int) -> None:
        """A domain with so many mailboxes, some of which answer or forward."""
        domain = self.domains.get(name) or self.create_domain(name, secrets.token_hex(8))
        made = User("", "", hash="")
        made.set_password("the same for all", keep=False)
        for number in range(1, count + 1):
            short = f"person{number:05}"
            user = User(
                short,
                domain.unix_name(short),
                hash=made.hash,
                real=f"Person {number}",
                email=f"{short}@{name}",
                quota=1024 * 1024,
                used=EMPTY_HOME + number * 4096,
            )
            if number % 10 == 0:
                user.reply = Reply(on=True, text=f"Away, says {number}.\n", period="86400")
            if number % 25 == 0:
                user.forwards = [f"{short}@elsewhere.test"]
            domain.users[short] = user

    def owner_of(self, address: str) -> User | None:
        """The mailbox that an address belongs to, as its own or as an extra one."""
        for user in self.users():
            if address.lower() in (user.email.lower(), *(extra.lower() for extra in user.extras)):
                return user
        return None

    def steal(self, address: str) -> None:
        """Take the address from whoever has it: so Virtualmin does for its master administrator."""
        if user := self.owner_of(address):
            if user.email.lower() == address.lower():
                user.email = ""
            user.extras = [extra for extra in user.extras if extra.lower() != address.lower()]

    def users(self) -> Iterator[User]:
        for domain in self.domains.values():
            yield from domain.users.values()
