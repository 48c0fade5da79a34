"""App passwords: further passwords of a mailbox, each for one device, and ended one by one.

They open the mailbox in mail programs and never the portal, so that a second factor there means something.
The portal makes them, long and random; how Dovecot finds the right row among several: decision 015.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from passlib.hash import sha512_crypt

from accounts import app_password_rule, notices, passwords
from accounts.models import AppPassword, Mailbox, Person
from audit.chain import Actor, record
from mailservers import outbox
from mailservers.drivers.base import AppPasswordState, TellsLastUse
from mailservers.models import Server
from mailservers.ranges import require_ranges
from mailservers.servers import driver_for, limits_of

# So many for one mailbox: more devices than anybody has, and few enough to keep an eye on.
MOST = 25
RANDOM_BYTES, LETTERS_IN_A_GROUP = 15, 4
SELECTOR_LETTERS = 4
# Nobody guesses 120 random bits, however fast a guess is; a mail program signs in many times an hour.
SCHEME = "SHA512-CRYPT"
HASH = sha512_crypt.using(rounds=5000)
# Use is read every few minutes, and after a longer standstill still.
LOOK_BACK = timedelta(days=7)


class TooMany(Exception):
    """The mailbox has MOST already."""


class HeldByRule(Exception):
    """The domain asks for app passwords only; see app_password_rule.py."""


class NotHere(Exception):
    """The mailbox's server keeps none, or the portal could not tell them from its own password."""


def can_have(mailbox: Mailbox) -> bool:
    """Whether its server keeps app passwords, as far as the server's settings tell."""
    limits = limits_of(mailbox.server)
    return limits is not None and limits.app_passwords


def knows_password(mailbox: Mailbox) -> bool:
    """Else the mail server is asked at sign-in here, and an app password would open the portal as well."""
    return passwords.can_check(mailbox.password_hash)


def hash_of_random(clear: str) -> str:
    """Of a text that no guessing reaches; a quick one."""
    return f"{{{SCHEME}}}{HASH.hash(clear)}"


def states_of(mailbox: Mailbox) -> tuple[AppPasswordState, ...]:
    """As its server should hold them."""
    rows = sorted(mailbox.app_passwords.all(), key=lambda row: row.pk)
    return tuple(AppPasswordState(row.pk, row.selector, row.password_hash) for row in rows)


def make_app_password(mailbox: Mailbox, name: str, *, by: Person) -> tuple[AppPassword, str]:
    """A new one, and its text, which is told this once. Raises TooMany, NotHere or ValidationError."""
    require_ranges(AppPassword(name=name), "name")
    if not can_have(mailbox) or not knows_password(mailbox):
        raise NotHere
    with transaction.atomic():
        current = _locked(mailbox)
        taken = set(AppPassword.objects.filter(mailbox=current).values_list("selector", flat=True))
        if len(taken) >= MOST:
            raise TooMany
        clear = _new_text(taken)
        row = AppPassword.objects.create(
            mailbox=current,
            name=name,
            selector=_selector(clear),
            password_hash=hash_of_random(clear),
        )
        _push("mailbox.app_password_made", current, by, after={"device": name})
        notices.tell(current, "app-password", by=by, detail=name)
    return row, clear


@transaction.atomic
def end_app_password(mailbox: Mailbox, number: int, *, by: Actor | None) -> bool:
    """Whether there was such a one: it opens nothing any more, and what is open on the server is ended."""
    row = AppPassword.objects.filter(mailbox=_locked(mailbox), pk=number).first()
    if row is None:
        return False
    row.delete()
    _push("mailbox.app_password_ended", mailbox, by, before={"device": row.name})
    return True


@transaction.atomic
def end_all_app_passwords(mailbox: Mailbox, by: Actor | None) -> int:
    """How many there were; quiet when there were none."""
    rows = AppPassword.objects.filter(mailbox=_locked(mailbox))
    names = [row.name for row in rows]
    if names:
        rows.delete()
        _push("mailbox.app_passwords_ended", mailbox, by, before={"devices": names})
    return len(names)


@transaction.atomic
def let_in_by_app_passwords_alone(mailbox: Mailbox, *, by: Person) -> None:
    """The mailbox's own password opens the portal and nothing else. Raises NotHere; quiet when so already."""
    current = _locked(mailbox)
    if not can_have(current) or not knows_password(current):
        raise NotHere
    _switch(current, "mailbox.app_passwords_alone", by, alone=True)


@transaction.atomic
def let_in_by_password_too(mailbox: Mailbox, *, by: Person) -> None:
    """Mail programs may use the mailbox's own password again; quiet when they may already.

    Raises HeldByRule.
    """
    current = _locked(mailbox)
    if app_password_rule.holds_for(current):
        raise HeldByRule
    if _switch(current, "mailbox.app_passwords_beside", by, alone=False):
        notices.tell(mailbox, "password-lets-in", by=by)


def is_one_of(mailbox: Mailbox, clear: str) -> bool:
    """Whether somebody typed one of the mailbox's app passwords."""
    rows = AppPassword.objects.filter(mailbox=mailbox, selector=_selector(clear))
    return any(passwords.matches(clear, row.password_hash) for row in rows)


def read_last_use(server: Server) -> int:
    """Ask a server which were used when; how many were used since it was asked last. Raises TryAgain."""
    driver = driver_for(server)
    if not isinstance(driver, TellsLastUse):
        return 0
    return _note_use(server, driver.app_passwords_used(timezone.now() - LOOK_BACK))


def _note_use(server: Server, used: Mapping[int, datetime]) -> int:
    """A server speaks for its own mailboxes only."""
    rows = AppPassword.objects.filter(pk__in=list(used), mailbox__server=server)
    newer = [row for row in rows if row.last_used_at is None or row.last_used_at < used[row.pk]]
    for row in newer:
        row.last_used_at = used[row.pk]
    # Not by saving: one that was ended meanwhile must not come back.
    AppPassword.objects.bulk_update(newer, ["last_used_at"], batch_size=500)
    return len(newer)


def _switch(current: Mailbox, verb: str, by: Person, *, alone: bool) -> bool:
    """Whether it was otherwise before."""
    if current.only_app_passwords == alone:
        return False
    # From now on it is their own choice, whatever becomes of the rule.
    current.only_app_passwords, current.apps_only_by_rule, current.apps_only_from = alone, False, None
    current.save(update_fields=["only_app_passwords", "apps_only_by_rule", "apps_only_from"])
    _push(verb, current, by)
    return True


def _locked(mailbox: Mailbox) -> Mailbox:
    """Itself alone: PostgreSQL locks no row that may be missing, and the owner is one of those."""
    rows = Mailbox.objects.alive().select_for_update(of=("self",), no_key=True)
    return rows.select_related("domain", "server").get(pk=mailbox.pk)


def _push(
    verb: str,
    mailbox: Mailbox,
    by: Actor | None,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    event = record(verb, by=by, about=mailbox, domain=mailbox.domain.name, before=before, after=after)
    outbox.request_push(mailbox, "account", event)


def _new_text(taken: set[str]) -> str:
    """120 random bits in letters that nobody mistakes; another one where its selector is taken."""
    while True:
        letters = base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()
        groups = range(0, len(letters), LETTERS_IN_A_GROUP)
        clear = "-".join(letters[at : at + LETTERS_IN_A_GROUP] for at in groups)
        if _selector(clear) not in taken:
            return clear


def _selector(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()[:SELECTOR_LETTERS]
