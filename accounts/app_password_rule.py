"""A domain's rule which passwords mail programs may use: any, or app passwords only.

    any       as each user likes
    factor    app passwords only, of mailboxes whose user has a second factor
    always    app passwords only, of all of them

Nobody is shut out by surprise. Whoever comes under the rule is told, gets the domain's term of grace, and
may switch earlier by themselves. “At once” holds for who has an app password already; others get a week
all the same. A mailbox without a password has nothing to lose and is switched where it stands. A worker
goes through the domains (`follow_rules`); what it switched, and nothing else, it switches back when the
rule is taken back.

Where a server keeps no app passwords the rule holds for nobody, and while only the mail server knows a
mailbox's password (decision 013) it does not hold for that one yet.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from accounts import notices
from accounts.models import AppPassword, Domain, Mailbox, MailboxQuerySet, PasswordRules, Person
from accounts.passwords import READABLE
from accounts.slices import slices
from audit.chain import Entry, record_all
from audit.models import Event
from mailservers import outbox
from mailservers.servers import limits_of

ANY, FACTOR, ALWAYS = "any", "factor", "always"
# The weakest first.
RULES: dict[str, Promise] = {
    ANY: _("any password: as each user likes"),
    FACTOR: _("app passwords only, once a second factor is on"),
    ALWAYS: _("app passwords only, always"),
}
GRACES: dict[int, Promise] = {
    0: _("at once; a week for who has no app password yet"),
    7: _("a week"),
    14: _("two weeks"),
    30: _("thirty days"),
}
# Nobody without an app password gets less.
LEAST_GRACE = timedelta(days=7)
# Switched, or about to be.
UNDER_A_RULE = Q(apps_only_by_rule=True) | Q(apps_only_from__isnull=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many mailboxes of a domain a rule holds for, and where they stand."""

    holds_for: int
    only_apps: int
    """Of these: their mail programs get in with app passwords only already."""
    without: int
    """Of these: no app password yet, and a password, so that somebody may be shut out."""
    unknown: int
    """It would hold for them, but only the mail server knows their password."""
    goes_back: int
    """An earlier rule switched them or was about to, and this one does not hold for them."""


def rule_of(rules: PasswordRules) -> str:
    """The domain's own, or the operator's where that is stronger."""
    order = list(RULES)
    return max(rules.mail_programs, settings.APP_PASSWORDS_ONLY, key=order.index)


def is_kept_by(domain: Domain) -> bool:
    """Whether the domain's server keeps app passwords."""
    limits = limits_of(domain.server)
    return limits is not None and limits.app_passwords


def holds_for(mailbox: Mailbox) -> bool:
    """Whether its user can't let the password in again."""
    rule = rule_of(PasswordRules.of(mailbox.domain))
    if rule == ANY or not is_kept_by(mailbox.domain):
        return False
    return Mailbox.objects.filter(_condition(rule), pk=mailbox.pk).exists()


def reach_of(domain: Domain, rule: str) -> Reach:
    """As the mailboxes are now, in one query."""
    mine = Mailbox.objects.alive().filter(domain=domain).annotate(has_app=Exists(_apps()))
    would = _condition(rule)
    known = would & _known()
    return Reach(
        **mine.aggregate(
            holds_for=Count("pk", filter=known),
            only_apps=Count("pk", filter=known & Q(only_app_passwords=True)),
            without=Count("pk", filter=known & Q(has_app=False) & ~Q(password_hash="")),
            unknown=Count("pk", filter=would & ~_known()),
            goes_back=Count("pk", filter=UNDER_A_RULE & ~would),
        )
    )


def without_app_password(domain: Domain, rule: str) -> MailboxQuerySet:
    """Those the rule holds for who would have nothing to sign in with."""
    mine = Mailbox.objects.alive().filter(_condition(rule) & _known(), domain=domain)
    return mine.exclude(Exists(_apps())).exclude(password_hash="")


def follow_rules() -> int:
    """A worker's round: bring mailboxes into line with their domain's rule; how many were touched."""
    touched = Mailbox.objects.filter(UNDER_A_RULE)
    domains = Domain.objects.select_related("server", "password_rules")
    if settings.APP_PASSWORDS_ONLY == ANY:
        ruled = PasswordRules.objects.exclude(mail_programs=ANY).values("domain")
        domains = domains.filter(Q(pk__in=ruled) | Q(pk__in=touched.values("domain")))
    return sum(_follow(domain, Mailbox.objects.alive().filter(domain=domain)) for domain in domains)


def follow_factor_added(person: Person) -> None:
    """In the transaction that adds a second factor: what the rule says of their mailboxes begins."""
    for mailbox in _mailboxes_of(person):
        _follow(mailbox.domain, Mailbox.objects.alive().filter(pk=mailbox.pk))


def follow_factor_removed(person: Person) -> None:
    """In the transaction that takes the last one away: what waits ends, and what is so is their own choice.

    A password that opened nothing opens nothing by that alone: who has the portal open for a moment could
    do it.
    """
    for mailbox in _mailboxes_of(person):
        rule = rule_of(PasswordRules.of(mailbox.domain))
        if rule == FACTOR and (mailbox.apps_only_from or mailbox.apps_only_by_rule):
            Mailbox.objects.filter(pk=mailbox.pk).update(apps_only_from=None, apps_only_by_rule=False)


class Reached(NamedTuple):
    """A mailbox whose own password no longer opens mail programs from a moment on."""

    mailbox: Mailbox
    apps: list[AppPassword]
    loses_from: datetime


def reached_by_first_factor(person: Person) -> list[Reached]:
    """The person's mailboxes whose mail programs lose the password when they add a second factor."""
    found = []
    for mailbox in _mailboxes_of(person).prefetch_related("app_passwords"):
        rules = PasswordRules.of(mailbox.domain)
        open_by_password = not mailbox.only_app_passwords and mailbox.apps_only_from is None
        if rule_of(rules) != FACTOR or not open_by_password or not is_kept_by(mailbox.domain):
            continue
        if any(mailbox.password_hash.startswith(known) for known in READABLE):
            apps = list(mailbox.app_passwords.all())
            found.append(Reached(mailbox, apps, _beginning(rules, has_app=bool(apps))))
    return found


def of_new_mailbox(domain: Domain) -> dict[str, bool]:
    """Fields of one without a password: where the rule always holds its mail programs never use one."""
    always = rule_of(PasswordRules.of(domain)) == ALWAYS and is_kept_by(domain)
    return {"only_app_passwords": True, "apps_only_by_rule": True} if always else {}


def _mailboxes_of(person: Person) -> MailboxQuerySet:
    return Mailbox.objects.owned_by(person).select_related("domain__password_rules", "domain__server")


def _condition(rule: str) -> Q:
    """Of the mailboxes it holds for, as far as the rule alone tells."""
    if rule == ALWAYS:
        return Q(pk__isnull=False)
    if rule == ANY:
        return Q(pk__isnull=True)
    apps = TOTPDevice.objects.filter(confirmed=True).values("user")
    return Q(owner__in=apps) | Q(owner__in=WebAuthnCredential.objects.filter(confirmed=True).values("user"))


def _known() -> Q:
    """The portal can check the password, or there is none yet."""
    readable = [Q(password_hash__startswith=known) for known in READABLE]
    return reduce(or_, readable, Q(password_hash=""))


def _apps() -> QuerySet[AppPassword]:
    """Those of the mailbox in the query around it."""
    return AppPassword.objects.filter(mailbox=OuterRef("pk"))


def _beginning(rules: PasswordRules, *, has_app: bool) -> datetime:
    """When it sets in for somebody who comes under it now."""
    grace = timedelta(days=rules.grace_days)
    return timezone.now() + (grace if has_app else max(grace, LEAST_GRACE))


def _follow(domain: Domain, mailboxes: MailboxQuerySet) -> int:
    rules = PasswordRules.of(domain)
    rule = rule_of(rules) if is_kept_by(domain) else ANY
    held = mailboxes.filter(_condition(rule) & _known())
    beyond = mailboxes.filter(UNDER_A_RULE).exclude(_condition(rule))
    open_by_password = held.filter(only_app_passwords=False)
    began = _in_parts(domain, open_by_password.filter(apps_only_from=None), _begin)
    due = open_by_password.filter(Q(apps_only_from__lte=timezone.now()) | Q(password_hash=""))
    return began + _in_parts(domain, due, _switch) + _in_parts(domain, beyond, _let_go)


def _in_parts(domain: Domain, mailboxes: MailboxQuerySet, do: Callable[[Domain, list[Mailbox]], int]) -> int:
    """How many were touched. Each part is read again under its lock: its users may have been quicker."""
    numbers = list(mailboxes.order_by("pk").values_list("pk", flat=True))
    touched = 0
    for some in slices(numbers):
        with transaction.atomic():
            rows = Mailbox.objects.alive().filter(pk__in=some).order_by("pk")
            locked = rows.select_for_update(of=("self",), no_key=True).select_related("domain", "server")
            touched += do(domain, list(locked))
    return touched


def _begin(domain: Domain, mailboxes: list[Mailbox]) -> int:
    """Who comes under the rule is told from when on."""
    mine = [
        each
        for each in mailboxes
        if each.password_hash and not each.only_app_passwords and each.apps_only_from is None
    ]
    having = set(AppPassword.objects.filter(mailbox__in=mine).values_list("mailbox", flat=True))
    rules = PasswordRules.of(domain)
    for has_app in (True, False):
        alike = [each for each in mine if (each.pk in having) == has_app]
        moment = _beginning(rules, has_app=has_app)
        _set(alike, apps_only_from=moment)
        if moment > timezone.now():
            told = moment.isoformat()
            _record("mailbox.app_passwords_due", domain, [(each, {"from": told}) for each in alike])
            notices.tell_many("apps-due", [(each, told) for each in alike])
    return len(mine)


def _switch(domain: Domain, mailboxes: list[Mailbox]) -> int:
    """Their own passwords open the portal and nothing else."""
    now = timezone.now()
    mine = [
        each
        for each in mailboxes
        if not each.only_app_passwords
        and (not each.password_hash or (each.apps_only_from and each.apps_only_from <= now))
    ]
    _set(mine, only_app_passwords=True, apps_only_by_rule=True, apps_only_from=None)
    _push("mailbox.app_passwords_by_rule", domain, mine)
    notices.tell_many("apps-only", [(each, "") for each in mine if each.password_hash])
    return len(mine)


def _let_go(domain: Domain, mailboxes: list[Mailbox]) -> int:
    """The rule no longer holds for them: what it did is undone, and what it was about to do is left."""
    waiting = [each for each in mailboxes if each.apps_only_from and not each.apps_only_by_rule]
    switched = [each for each in mailboxes if each.apps_only_by_rule]
    _set(waiting, apps_only_from=None)
    _record("mailbox.app_passwords_not_due", domain, [(each, None) for each in waiting])
    _set(switched, only_app_passwords=False, apps_only_by_rule=False, apps_only_from=None)
    _push("mailbox.app_passwords_let_go", domain, switched)
    notices.tell_many("password-lets-in", [(each, "") for each in switched if each.password_hash])
    return len(waiting) + len(switched)


def _set(mailboxes: Sequence[Mailbox], **values: Any) -> None:
    Mailbox.objects.filter(pk__in=[each.pk for each in mailboxes]).update(**values)


def _push(verb: str, domain: Domain, mailboxes: Sequence[Mailbox]) -> None:
    events = _record(verb, domain, [(each, None) for each in mailboxes])
    outbox.request_pushes(list(zip(mailboxes, events, strict=True)), "account")


def _record(verb: str, domain: Domain, rows: Iterable[tuple[Mailbox, dict[str, Any] | None]]) -> list[Event]:
    """By the portal: who made the rule stands in the domain's own event."""
    entries = [Entry(verb=verb, about=about, domain=domain.name, after=after) for about, after in rows]
    return record_all(entries, by=None)
