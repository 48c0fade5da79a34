"""Brings what a server holds into the database, piece by piece. Nothing on the server is ever changed.

A mailbox that is here already is passed over, so a go that broke off, or a second one, does no harm.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts import names, passwords
from accounts.alias_aspect import is_plain
from accounts.logins import given_before, note_given
from accounts.models import Domain, Mailbox
from accounts.slices import slices
from accounts.switches import SWITCHES, fit_switches
from adoption.aliases import PassedOver, adopt_aliases, aliases_in
from audit.chain import Actor, Entry, record_all
from mailservers.aspects import fingerprint
from mailservers.drivers.base import (
    FoundMailbox,
    Inventory,
    Limits,
    MailRules,
    ScriptState,
    unexpected,
)
from mailservers.each import keep_each
from mailservers.foreign import can_hold, folded
from mailservers.models import Observation, Server
from mailservers.one_line import as_one_line
from vacation.models import AutoReply, Forwarding, ForwardingTarget
from vacation.rendering import DAYS
from vacation.rules import own_part

# In one transaction: so many that it is quick, so few that nobody waits long for the chain of events.
AT_ONCE = 200
_ODD = gettext_noop("Its name holds characters that the portal can't keep.")


@dataclass(frozen=True, slots=True)
class DomainPlan:
    """What there is in one domain."""

    name: str
    mailboxes: int
    here: int
    """Mailboxes that the portal has already."""
    elsewhere: bool
    """The portal knows the domain on another server, so it is left out."""
    aliases: int
    replies: int
    forwards: int
    locked: int
    """Mailboxes whose password only the mail server can check: it is asked when they sign in here."""
    own_rules: int
    """Mailboxes with rules that cannot be told in parts."""

    def as_told(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Piece:
    """How one piece went."""

    seen: int
    adopted: int
    passed_over: list[PassedOver]
    last: str
    """The address of the last mailbox that is through."""
    aliases: int = 0
    """Aliases that were taken over; they come after all mailboxes of their domain."""


def plan_domain(server: Server, inventory: Inventory, name: str) -> DomainPlan:
    """Only reads, here and there."""
    found, _ = _speakable(inventory.mailboxes(name))
    known = Domain.objects.filter(name=name).first()
    addresses = [mailbox.account.address.lower() for mailbox in found]
    return DomainPlan(
        name=name,
        mailboxes=len(found),
        here=sum(Mailbox.objects.filter(address__in=some).count() for some in slices(addresses, AT_ONCE)),
        elsewhere=known is not None and known.server_id != server.pk,
        aliases=len(aliases_in(name, found, inventory.aliases(name))),
        replies=sum(1 for mailbox in found if mailbox.rules and mailbox.rules.reply),
        forwards=sum(1 for m in found if m.rules and m.rules.forward is not None and m.rules.forward.targets),
        locked=sum(1 for mailbox in found if not passwords.can_check(_hash_of(mailbox))),
        own_rules=sum(1 for mailbox in found if mailbox.rules is None),
    )


def adopt_domain(
    server: Server,
    inventory: Inventory,
    name: str,
    *,
    limits: Limits,
    by: Actor | None,
    after: str = "",
    returning: bool = False,
) -> Iterator[Piece]:
    """Each piece is kept before it is told; addresses up to `after` are through already.

    `returning`: also mailboxes with a login that another one had which was removed for good.
    """
    speakable, unspeakable = _speakable(inventory.mailboxes(name))
    found = sorted(speakable, key=lambda mailbox: mailbox.account.address.lower())
    leading = list(aliases_in(name, found, inventory.aliases(name)).items())
    left = [mailbox for mailbox in found if mailbox.account.address.lower() > after] if after else found
    if unspeakable and not after:
        yield Piece(len(unspeakable), 0, unspeakable, "")
    for some in slices(left, AT_ONCE):
        yield _adopt_each(server, name, some, limits=limits, by=by, returning=returning)
    if _domain(server, name, by=by) is None:
        return
    last = left[-1].account.address.lower() if left else after
    for some_aliases in slices(leading, AT_ONCE):
        adopted, passed_over = _adopt_each_alias(server, some_aliases, by=by)
        yield Piece(0, 0, passed_over, last, aliases=adopted)


def _speakable(found: Iterable[FoundMailbox]) -> tuple[list[FoundMailbox], list[PassedOver]]:
    """Those whose names the database can hold, with texts that it can; and the others."""
    speakable: list[FoundMailbox] = []
    passed_over: list[PassedOver] = []
    for mailbox in found:
        account, rules = mailbox.account, mailbox.rules
        if not can_hold([account.address, account.login, account.password_hash, *mailbox.addresses]):
            passed_over.append((folded(account.address)[:320], _ODD, {}))
            continue
        account = replace(
            account, name=folded(account.name), recovery_address=folded(account.recovery_address)
        )
        if rules is not None and rules.reply is not None:
            reply = replace(rules.reply, text=folded(rules.reply.text), subject=folded(rules.reply.subject))
            rules = replace(rules, reply=reply)
        speakable.append(replace(mailbox, account=account, rules=rules))
    return speakable, passed_over


def _adopt_each(
    server: Server,
    name: str,
    found: Sequence[FoundMailbox],
    *,
    limits: Limits,
    by: Actor | None,
    returning: bool,
) -> Piece:
    """One that can't be taken over, for whatever reason, keeps no other from it."""
    pieces: list[Piece] = []

    def adopt(some: Sequence[FoundMailbox]) -> None:
        pieces.append(_adopt_some(server, name, some, limits=limits, by=by, returning=returning))

    def pass_over(mailbox: FoundMailbox, surprise: Exception) -> None:
        address = mailbox.account.address.lower()
        pieces.append(Piece(1, 0, [(address[:320], *_told(surprise))], address))

    keep_each(found, adopt, pass_over)
    return Piece(
        sum(piece.seen for piece in pieces),
        sum(piece.adopted for piece in pieces),
        [each for piece in pieces for each in piece.passed_over],
        found[-1].account.address.lower(),
    )


def _adopt_each_alias(
    server: Server, leading: Sequence[tuple[str, tuple[str, ...]]], *, by: Actor | None
) -> tuple[int, list[PassedOver]]:
    adopted = 0
    speakable = [alias for alias in leading if can_hold(alias)]
    passed_over: list[PassedOver] = [
        (folded(alias[0])[:320], _ODD, {}) for alias in leading if not can_hold(alias)
    ]

    def adopt(some: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        nonlocal adopted
        number, without = adopt_aliases(server, some, by=by)
        adopted += number
        passed_over.extend(without)

    def pass_over(alias: tuple[str, tuple[str, ...]], surprise: Exception) -> None:
        passed_over.append((folded(alias[0])[:320], *_told(surprise)))

    keep_each(speakable, adopt, pass_over)
    return adopted, passed_over


def _told(surprise: Exception) -> tuple[str, dict[str, str | int]]:
    error = unexpected(surprise)
    return error.reason, error.values


@transaction.atomic
def _adopt_some(
    server: Server,
    name: str,
    found: Sequence[FoundMailbox],
    *,
    limits: Limits,
    by: Actor | None,
    returning: bool,
) -> Piece:
    last = found[-1].account.address.lower()
    domain = _domain(server, name, by=by)
    if domain is None:
        why = gettext_noop("The domain is on another server in the portal.")
        return Piece(len(found), 0, [(m.account.address, why, {}) for m in found], last)
    fit, passed_over = _fit(server, domain, found, limits, returning=returning)
    note_given(server, [each.account.login for each in fit])
    mailboxes = Mailbox.objects.bulk_create([_mailbox(server, domain, each, limits) for each in fit])
    _adopt_rules(mailboxes, fit, limits)
    _observe(mailboxes, fit, limits)
    record_all(
        [
            Entry(
                verb="mailbox.adopted",
                about=mailbox,
                domain=domain.name,
                after={
                    "login": mailbox.login,
                    "quota_bytes": mailbox.quota_bytes,
                    "enabled": mailbox.enabled,
                },
            )
            for mailbox in mailboxes
        ],
        by=by,
    )
    return Piece(len(found), len(mailboxes), passed_over, last)


def _domain(server: Server, name: str, *, by: Actor | None) -> Domain | None:
    """The domain, made when it was not known; None when it is on another server."""
    domain, created = Domain.objects.get_or_create(name=name, defaults={"server": server})
    if created:
        record_all(
            [Entry(verb="domain.adopted", about=domain, domain=name, after={"server": server.name})], by=by
        )
    return domain if domain.server_id == server.pk else None


def _fit(
    server: Server, domain: Domain, found: Sequence[FoundMailbox], limits: Limits, *, returning: bool
) -> tuple[list[FoundMailbox], list[PassedOver]]:
    """Those that can be taken over, and why not the others; one that is here already is no news."""
    here = dict(
        Mailbox.objects.filter(address__in=[m.account.address.lower() for m in found]).values_list(
            "address", "deleted_at"
        )
    )
    logins = set(
        Mailbox.objects.filter(server=server, login__in=[m.account.login for m in found]).values_list(
            "login", flat=True
        )
    )
    theirs = [m.account.login for m in found]
    given = set() if returning else given_before(server, theirs) - logins
    elsewhere = names.taken_names(theirs)
    fit: list[FoundMailbox] = []
    passed_over: list[PassedOver] = []
    for mailbox in found:
        address, login = mailbox.account.address.lower(), mailbox.account.login
        if address in here:
            if here[address] is not None:
                passed_over.append((address, gettext_noop("It was deleted in the portal."), {}))
            continue
        if not address.endswith(f"@{domain.name}"):
            why = gettext_noop("It has no address in the domain, or lost it to another mailbox.")
            passed_over.append((login, why, {}))
        elif login in logins:
            why = gettext_noop("Another mailbox has the login %(login)s.")
            passed_over.append((address, why, {"login": login}))
        elif login in given:
            passed_over.append((address, _FORMER, {"login": login}))
        elif len(address) > 320 or len(login) > 200:
            passed_over.append((address[:320], gettext_noop("Its name is too long."), {}))
        else:
            here[address] = None
            logins.add(login)
            if _leads_to_a_program(mailbox):
                # Left alone there, as whatever an administrator set up by hand.
                mailbox = replace(mailbox, rules=None)  # noqa: PLW2901
                why = gettext_noop("Its mail goes to a file or a program: that stays on the server as it is.")
                passed_over.append((address, why, {}))
            tag = next((letter for letter in address.partition("@")[0] if letter in limits.tag_marks), "")
            if tag:
                passed_over.append((address, _TAGGED, {"mark": tag}))
            if login in elsewhere and login != address:
                # It stays the mail server's: where names collide, `names.who_is` knows who goes before.
                passed_over.append((address, _SHARED, {"login": login}))
            fit.append(mailbox)
    return fit, passed_over


_FORMER = gettext_noop(
    "A mailbox that was removed for good had the login %(login)s: who opens this one may find its mail. If it"
    " is the same one, say that such mailboxes are to be taken over."
)
_SHARED = gettext_noop(
    "Its login %(login)s is also somebody else's name in this portal: sign in here with its address."
)
_TAGGED = gettext_noop(
    "It is taken over, but what follows a %(mark)s is a tag: mail for it goes to the address before the"
    " %(mark)s, and nobody can sign in with this address."
)


def _leads_to_a_program(found: FoundMailbox) -> bool:
    forward = found.rules.forward if found.rules is not None else None
    return forward is not None and not all(map(is_plain, forward.targets))


def _mailbox(server: Server, domain: Domain, found: FoundMailbox, limits: Limits) -> Mailbox:
    account = found.account
    return Mailbox(
        address=account.address.lower(),
        domain=domain,
        server=server,
        login=account.login,
        name=as_one_line(account.name)[:200],
        quota_bytes=account.quota_bytes,
        password_hash=_hash_of(found),
        **fit_switches({name: getattr(account, name) for name in SWITCHES}, limits),
        recovery_address=account.recovery_address[:254],
        language=domain.language,
    )


def _adopt_rules(mailboxes: Iterable[Mailbox], found: Iterable[FoundMailbox], limits: Limits) -> None:
    """Where the server wants a script, the replies come from elsewhere: they are kept, and not on here."""
    replies = []
    for mailbox, each in zip(mailboxes, found, strict=True):
        if each.rules is None or each.rules.reply is None:
            continue
        reply = each.rules.reply
        replies.append(
            AutoReply(
                mailbox=mailbox,
                enabled=not limits.sieve,
                text=reply.text,
                subject=reply.subject[:250],
                starts=reply.starts,
                ends=reply.ends,
                days=min(max(reply.days, DAYS[0]), DAYS[-1]),
                version=1,
            )
        )
    AutoReply.objects.bulk_create(replies)
    _adopt_forwardings(mailboxes, found, limits)


def _adopt_forwardings(mailboxes: Iterable[Mailbox], found: Iterable[FoundMailbox], limits: Limits) -> None:
    """Mail goes to these addresses already, so nobody is asked again whether it may."""
    made = []
    for mailbox, each in zip(mailboxes, found, strict=True):
        if each.rules is not None and each.rules.forward is not None and each.rules.forward.targets:
            forward = each.rules.forward
            forwarding = Forwarding(
                mailbox=mailbox, enabled=not limits.sieve, keep_copy=forward.keep_copy, version=1
            )
            made.append((forwarding, forward.targets))
    Forwarding.objects.bulk_create([forwarding for forwarding, _ in made])
    now = timezone.now()
    ForwardingTarget.objects.bulk_create(
        [
            ForwardingTarget(forwarding=forwarding, address=address, confirmed_at=now)
            for forwarding, addresses in made
            for address in sorted({address.lower() for address in addresses})
        ]
    )


def _observe(mailboxes: Iterable[Mailbox], found: Iterable[FoundMailbox], limits: Limits) -> None:
    """As if it had been pushed: a later look tells what changed since."""
    now: datetime = timezone.now()
    seen = []
    for mailbox, each in zip(mailboxes, found, strict=True):
        seen.append(
            Observation(mailbox=mailbox, aspect="account", fingerprint=fingerprint(each.account), seen_at=now)
        )
        if each.rules is not None and not limits.sieve:
            forward = each.rules.forward if each.rules.forward and each.rules.forward.targets else None
            wanted = ScriptState("", active=False, rules=MailRules(None, forward))
            active = each.rules.reply is not None or forward is not None
            held = own_part(wanted, ScriptState("", active=active, rules=each.rules))
            seen.append(
                Observation(mailbox=mailbox, aspect="script", fingerprint=fingerprint(held), seen_at=now)
            )
    Observation.objects.bulk_create(seen)


def _hash_of(found: FoundMailbox) -> str:
    return (found.account.kept_hash or found.account.password_hash)[:500]
