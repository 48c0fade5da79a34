"""Logins on mail servers: proposed, given to mailboxes, and never given to another one afterwards.

What a login names there, a home with mail and scripts, may outlive its mailbox.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from django.db import IntegrityError, transaction

from accounts.models import Domain, GivenLogin, Mailbox
from accounts.names import require_free, taken_names
from accounts.slices import slices
from mailservers.models import Server
from mailservers.servers import limits_of

# What a hoster's server calls the mailboxes of example.test: example0001.
LONGEST_PREFIX = 7


def propose_login(domain: Domain) -> str:
    """The next login in the server's style that nobody ever had."""
    return next(propose_logins(domain))


def propose_logins(domain: Domain) -> Iterator[str]:
    """Those that nobody ever had, one after the other: on no server, as they are names to sign in with."""
    prefix = re.sub(r"[^a-z0-9]", "", domain.name.partition(".")[0])[:LONGEST_PREFIX] or "mailbox"
    style = {"login__startswith": prefix, "login__regex": rf"^{prefix}[0-9]{{4,18}}$"}
    given = GivenLogin.objects.filter(**style).values_list("login", flat=True)
    held = Mailbox.objects.filter(**style).values_list("login", flat=True)
    highest = max((int(login.removeprefix(prefix)) for login in given.union(held)), default=0)
    for number in count(highest + 1):
        yield f"{prefix}{number:04}"


def not_free(server: Server, logins: Sequence[str]) -> set[str]:
    """Those that a mailbox of the server has, or once had, or with which somebody signs in to the portal."""
    return given_before(server, logins) | taken_names(logins)


def given_before(server: Server, logins: Sequence[str]) -> set[str]:
    """Those that a mailbox of the server has, or once had, in small letters or capitals."""
    found: set[str] = set()
    for some in slices(logins):
        held = Mailbox.objects.filter(server=server, login__in=some).values_list("login", flat=True)
        if gives_again(server):
            found.update(held)
            continue
        folded = [login.casefold() for login in some]
        given = GivenLogin.objects.filter(server=server, login__in=folded).values_list("login", flat=True)
        taken = set(held.union(given))
        found.update(login for login in some if login in taken or login.casefold() in taken)
    return found


def give_login(domain: Domain, wanted: str = "") -> str:
    """Keep for a new mailbox the login that was chosen, or else the next one; in its transaction.

    Raises IntegrityError when the chosen one is not free.
    """
    for login in [wanted] if wanted else propose_logins(domain):
        try:
            with transaction.atomic():
                give_logins(domain.server, [login])
        except IntegrityError:
            # Somebody else got the proposed one at this moment.
            if wanted:
                raise
        else:
            return login
    raise AssertionError


def give_logins(server: Server, logins: Sequence[str]) -> None:
    """Raises IntegrityError when one was given before, or somebody signs in with it; in the transaction that
    makes the mailboxes."""
    if not gives_again(server):
        require_free(*logins)
        GivenLogin.objects.bulk_create(_rows(server, logins))


def note_given(server: Server, logins: Iterable[str]) -> None:
    """That mailboxes had them, which the portal did not give, or gave before it kept account."""
    if not gives_again(server):
        GivenLogin.objects.bulk_create(_rows(server, logins), ignore_conflicts=True)


def _rows(server: Server, logins: Iterable[str]) -> list[GivenLogin]:
    """In small letters: to Dovecot (auth_username_format) and for homes named so there is no difference."""
    return [GivenLogin(server=server, login=login.casefold()) for login in logins]


def gives_again(server: Server) -> bool:
    """A server that chooses logins makes them of addresses, and sees to what was there before."""
    limits = limits_of(server)
    return limits is not None and limits.chooses_logins
