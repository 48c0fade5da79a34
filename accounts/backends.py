"""Two ways to be somebody: a person's own password, or a mailbox's."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from accounts import app_passwords, passwords, renewing
from accounts.hash_forms import MAYBE_TOO_COSTLY
from accounts.models import Domain, Mailbox, MailboxQuerySet, Person
from accounts.names import Named, who_is
from mailservers.models import Server
from mailservers.signing_in import can_be_asked, server_lets_in

# Whom the query that read this request's session brought along; only while Django asks whose it is.
_at_hand: ContextVar[Person | None] = ContextVar("person_at_hand", default=None)


class PeopleBackend(BaseBackend):
    """What both backends share: who a session belongs to."""

    def get_user(self, user_id: int) -> Person | None:
        known = _at_hand.get()
        if known is None or known.pk != user_id:
            return Person.objects.filter(pk=user_id, is_active=True).first()
        return known if known.is_active else None


@contextmanager
def at_hand(person: Person | None) -> Iterator[None]:
    """Whoever is asked for inside need not be read again."""
    token = _at_hand.set(person)
    try:
        yield
    finally:
        _at_hand.reset(token)


class PersonBackend(PeopleBackend):
    """Staff and webmasters: user name and own password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        named: Named | None = None,
        **kwargs: Any,
    ) -> Person | None:
        if not username or password is None:
            return None
        person = (named or who_is(username)).person
        if person is not None and not person.is_active:
            person = None
        # Same work for a name that is nobody's, so that time tells nothing.
        known = person or Person(password=_nobodys_password())
        right = known.check_password(passwords.normalise(password))
        return person if person and right else None


class MailboxBackend(PeopleBackend):
    """Mailbox users: the address or the server login, and the mailbox's password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        named: Named | None = None,
        **kwargs: Any,
    ) -> Person | None:
        if not username or password is None:
            return None
        found = named or who_is(username)
        # A login may exist on two servers: the password decides, and only one may match.
        mailboxes = [mailbox for mailbox in found.mailboxes if mailbox.enabled]
        right = [mailbox for mailbox in mailboxes if passwords.matches(password, mailbox.password_hash)]
        if not mailboxes:
            passwords.matches(password, "")
        if not right:
            right = _right_on_server(mailboxes, found.name, password)
        if len(right) != 1:
            return None
        # Whoever is its owner stays it, so only to make one has to be locked.
        owner = right[0].owner or _owner_of(right[0])
        # A mailbox's password opens a mailbox, never a domain: whoever has more signs in as themselves.
        if not owner.is_active or owner.sees_everything or owner.has_domains:
            return None
        renewing.renew_hash(right[0], password)
        return owner


# Sessions that no password began: any of them finds whose they are.
BACKEND_OF_PASSKEYS = "accounts.backends.PersonBackend"


def may_sign_in(person: Person) -> bool:
    """Whether somebody who proved to be this person by a passkey gets in, as with the right password."""
    if not person.is_active:
        return False
    if person.has_usable_password():
        return True
    more = person.sees_everything or person.has_domains
    return not more and person.mailboxes.alive().filter(enabled=True, password_asked_at=None).exists()


def is_password_of(person: Person, clear: str) -> bool:
    """Whether somebody who signed in knows their password: their own, or that of a mailbox of theirs.

    Raises CannotAsk when the server that alone knows it is away.
    """
    if person.has_usable_password():
        # Not the person's own way, which would make an older hash anew, and end this very session by it.
        return check_password(passwords.normalise(clear), person.password)
    own = list(person.mailboxes.alive().filter(enabled=True).select_related("server")[:5])
    if any(passwords.matches(clear, mailbox.password_hash) for mailbox in own):
        return True
    unknown = [mailbox for mailbox in own if not passwords.can_check(mailbox.password_hash)]
    return any(is_mailbox_password(mailbox, clear) for mailbox in unknown[:1])


def is_mailbox_password(mailbox: Mailbox, clear: str) -> bool:
    """By the hash, or by asking the server that alone knows it; raises CannotAsk."""
    if passwords.can_check(mailbox.password_hash):
        return passwords.matches(clear, mailbox.password_hash)
    # An app password lets in there as well, and must not here.
    if app_passwords.is_one_of(mailbox, clear):
        return False
    return can_be_asked(mailbox.server) and server_lets_in(mailbox.server, mailbox.login, clear)


def _right_on_server(named: list[Mailbox], typed: str, clear: str) -> list[Mailbox]:
    """The mailbox whose hash only its server knows, if that lets in; raises CannotAsk.

    A server that holds such mailboxes is asked for every name that might be one of its own, whether there is
    such a mailbox or not: else the time it takes would tell.
    """
    server = named[0].server if named else _server_to_ask(typed)
    if server is None or not can_be_asked(server) or not _unknown_hashes().filter(server=server).exists():
        return []
    if not server_lets_in(server, named[0].login if named else typed, clear):
        return []
    return [
        mailbox
        for mailbox in named[:1]
        if not passwords.can_check(mailbox.password_hash) and not app_passwords.is_one_of(mailbox, clear)
    ]


def _server_to_ask(typed: str) -> Server | None:
    """Of a name that nobody has, as it is kept."""
    domain = typed.rpartition("@")[2]
    if "@" in typed:
        found = Domain.objects.filter(name=domain).select_related("server").first()
        return found.server if found else None
    return Server.objects.filter(pk__in=_unknown_hashes().values("server")).first()


def _unknown_hashes() -> MailboxQuerySet:
    """Mailboxes whose password the portal cannot check by itself."""
    known = Q()
    for beginning in passwords.READABLE:
        known |= Q(password_hash__startswith=beginning)
    # Some of those may be fine; what the server says of them does not count.
    return Mailbox.objects.alive().exclude(known & ~Q(password_hash__regex=MAYBE_TOO_COSTLY))


@cache
def _nobodys_password() -> str:
    return make_password(secrets.token_urlsafe(16))


@transaction.atomic
def _owner_of(mailbox: Mailbox) -> Person:
    """The person behind the mailbox; made at the first sign-in, without a password of their own."""
    locked = Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    if locked.owner:
        return locked.owner
    # A webmaster may use the same address as user name; that is somebody with other rights.
    taken = Person.objects.filter(username=locked.address).exists()
    username = f"{locked.address} ({locked.login})" if taken else locked.address
    owner = Person(username=username, name=locked.name, email=locked.address)
    owner.set_unusable_password()
    owner.save()
    locked.owner = owner
    locked.save(update_fields=["owner"])
    return owner
