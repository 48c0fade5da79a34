"""People, the domains they run, and the mailboxes in them."""

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar

from django.apps import apps as registry
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.folding import Searched, all_words
from accounts.naming import folded, searched_forms
from accounts.sealed_keys import open_key
from mailservers.drivers.sieve_reading import SOMEWHERE, UNREAD
from mailservers.models import Change, Server, one_subject
from mailservers.one_line import OneLine
from mailservers.ranges import CountColumn, SizeColumn


class PersonQuerySet(models.QuerySet["Person"]):
    def open_to(self, person: "Person") -> "PersonQuerySet":
        """Those a person may look at: staff see staff, webmasters and who is invited; others nobody."""
        if not person.sees_everything:
            return self.none()
        has_role = Q(is_operator=True) | Q(is_support=True) | Q(pk__in=DomainAdmin.objects.values("person"))
        return self.filter(has_role | Q(mailboxes=None)).distinct()

    def manageable_by(self, person: "Person") -> "PersonQuerySet":
        """Those whose rights are part of the person's own: operators manage all whom they see, webmasters
        other webmasters who have no domain besides theirs."""
        if person.is_operator:
            return self.open_to(person)
        if person.is_support:
            return self.none()
        own = DomainAdmin.objects.filter(person=person).values("domain")
        beyond = DomainAdmin.objects.exclude(domain__in=own).values("person")
        equal = self.filter(is_operator=False, is_support=False, domains__in=own)
        return equal.exclude(pk__in=beyond).distinct()

    def matching(self, text: str) -> "PersonQuerySet":
        """Those with all words in their user name, name or address; see folding.py."""
        return self.filter(all_words(text, lambda word: Q(searched__contains=word)))

    def signing_in_themselves(self) -> "PersonQuerySet":
        """By their user name, now or once they have chosen a password: others do by a mailbox's."""
        has_role = Q(is_operator=True) | Q(is_support=True) | Q(pk__in=DomainAdmin.objects.values("person"))
        return self.filter(has_role | ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX))

    def with_second_factor(self) -> "PersonQuerySet":
        """Each knows whether it has one (`has_second_factor`)."""
        theirs = {"user": OuterRef("pk"), "confirmed": True}
        apps = TOTPDevice.objects.filter(**theirs)
        # By name: its module asks for this one's Person while it is loaded.
        passkey: type[models.Model] = registry.get_model("django_otp_webauthn", "WebAuthnCredential")
        passkeys = passkey._default_manager.filter(**theirs)
        return self.annotate(has_second_factor=Exists(apps) | Exists(passkeys))


class PersonManager(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(username=folded(username or ""))


PeopleManager = PersonManager.from_queryset(PersonQuerySet)


class Person(Searched, AbstractBaseUser):
    """Somebody who signs in: an operator, support staff, a webmaster, or the user of a mailbox.

    A person who owns a mailbox signs in with the mailbox's password and has none of their own.
    """

    searched_fields = ("username", "name", "email")

    username = models.CharField(max_length=320, unique=True)
    name = OneLine(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    language = models.CharField(
        max_length=5, blank=True, help_text=_("Empty: the domain's, or the browser's.")
    )
    time_zone = models.CharField(max_length=64, blank=True, help_text=_("Empty: the portal's."))
    is_operator = models.BooleanField(default=False)
    is_support = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    domains: "models.ManyToManyField[Domain, DomainAdmin]" = models.ManyToManyField(
        "Domain", through="DomainAdmin", related_name="webmasters"
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = PeopleManager()

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.username

    @property
    def sees_everything(self) -> bool:
        return self.is_operator or self.is_support

    @property
    def helps_by_grant(self) -> bool:
        """Support staff change a mailbox only for somebody who let them."""
        return self.is_support and not self.is_operator

    @property
    def gives_room(self) -> bool:
        """In the domains they look at; support changes nothing."""
        return self.is_operator or not self.is_support

    @cached_property
    def has_domains(self) -> bool:
        """Whether the person is a webmaster."""
        return self.domains.exists()

    @cached_property
    def first_addresses(self) -> list[str]:
        """Of two of their own mailboxes, to know of one, or of more than one."""
        own = self.mailboxes.alive().order_by("address")
        return list(own.values_list("address", flat=True)[:2])


class DomainQuerySet(models.QuerySet["Domain"]):
    def open_to(self, person: Person) -> "DomainQuerySet":
        """The domains a person may look at: staff all, webmasters their own."""
        if person.sees_everything:
            return self.all()
        return self.filter(webmasters=person)

    def administered_by(self, person: Person) -> "DomainQuerySet":
        """Those in which a person makes and deletes mailboxes: operators all, webmasters their own."""
        return self.all() if person.is_operator else self.filter(webmasters=person)

    def known_to(self, person: Person) -> "DomainQuerySet":
        """Those that may be named to a person: open to them, or with a mailbox of theirs."""
        if person.sees_everything:
            return self.all()
        own = Mailbox.objects.alive().filter(owner=person).values("domain")
        looked_after = DomainAdmin.objects.filter(person=person).values("domain")
        return self.filter(Q(pk__in=own) | Q(pk__in=looked_after))

    def in_the_hands_of(self, domain: "Domain") -> "DomainQuerySet":
        """The domain, and those of the same customer: all of their webmasters look after this one as well."""
        theirs = DomainAdmin.objects.filter(domain=domain).values("person")
        with_one = DomainAdmin.objects.filter(person__in=theirs).values("domain")
        with_another = DomainAdmin.objects.exclude(person__in=theirs).values("domain")
        return self.filter(Q(pk=domain.pk) | (Q(pk__in=with_one) & ~Q(pk__in=with_another)))

    def with_spread(self) -> "DomainQuerySet":
        """Each knows whether mailboxes of it live on another server than its own (`is_spread`)."""
        here = Mailbox.objects.alive().filter(domain=OuterRef("pk"))
        # Not "other than": an index finds what is less, and what is more.
        before, behind = (
            here.filter(server__lt=OuterRef("server")),
            here.filter(server__gt=OuterRef("server")),
        )
        return self.annotate(is_spread=Exists(before) | Exists(behind))

    def quota_changeable_by(self, person: Person) -> "DomainQuerySet":
        """Those whose room a person hands out; support changes nothing."""
        return self.open_to(person) if person.gives_room else self.none()


def default_thresholds() -> list[int]:
    return [80, 95, 100]


class Domain(models.Model):
    """A mail domain, and the server its mailboxes live on."""

    name = models.CharField(max_length=253, unique=True, help_text=_("In its ASCII form (IDNA)."))
    server = models.ForeignKey(Server, models.PROTECT, related_name="domains")
    default_quota_bytes = SizeColumn(default=1024**3)
    max_quota_bytes = SizeColumn(
        default=0, help_text=_("What all its mailboxes may be given together; 0 means no limit.")
    )
    max_mailboxes = CountColumn(default=0, help_text=_("0 means no limit."))
    max_aliases = CountColumn(default=0, help_text=_("0 means no limit."))
    aliases_read_at = models.DateTimeField(
        null=True, editable=False, help_text=_("When the server's aliases were looked at for the first time.")
    )
    warning_thresholds = models.JSONField(
        default=default_thresholds, help_text=_("Percentages of a mailbox's limit.")
    )
    warn_webmasters = models.BooleanField(default=False)
    language = models.CharField(max_length=5, default="en")

    objects = DomainQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class DomainAdmin(models.Model):
    """A person is a webmaster of a domain."""

    person = models.ForeignKey(Person, models.CASCADE)
    domain = models.ForeignKey(Domain, models.CASCADE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "domain"], name="one_webmaster_once"),)

    def __str__(self) -> str:
        return f"{self.person} @ {self.domain}"


# How a list of mailboxes can be narrowed: in words, and as a condition. Apps above add theirs when they are
# ready (AppConfig.ready).
SHOWN: "dict[str, tuple[str | Promise, Q | Callable[[], Q]]]" = {
    "live": (
        _("everything is on the server"),
        lambda: ~Q(pk__in=_with_change("waiting", "pushing")) & ~Q(pk__in=_with_failure()),
    ),
    "waiting": (_("a change waits"), lambda: Q(pk__in=_with_change("waiting", "pushing"))),
    "failed": (_("a change failed"), lambda: Q(pk__in=_with_failure())),
    "on": (_("signing in is on"), Q(enabled=True)),
    "off": (_("signing in is switched off"), Q(enabled=False)),
    "off-receives": (_("switched off, still receives"), Q(enabled=False, receives=True)),
    "sends-not": (_("sending is stopped"), Q(sends=False) | Q(enabled=False)),
    "receives-not": (_("refuses mail"), Q(receives=False)),
    "no-password": (_("no password yet"), Q(password_hash="")),
    "guessed": (_("password is easy to guess"), lambda: GUESSED),
    "never-used": (_("never signed in here"), Q(owner__last_login=None)),
    "full": (
        _("80 % full or more"),
        Q(quota_bytes__gt=0, usage__bytes_used__gte=models.F("quota_bytes") * 8 / 10),
    ),
    "no-recovery": (_("no recovery address"), Q(recovery_address="")),
    "only-apps": (
        _("mail programs: app passwords only, now or soon"),
        Q(only_app_passwords=True) | Q(apps_only_from__isnull=False),
    ),
    "no-app": (
        _("needs an app password and has none"),
        Q(app_passwords=None) & (Q(only_app_passwords=True) | Q(apps_only_from__isnull=False)),
    ),
    "asked": (_("closed until a new password is chosen"), Q(password_asked_at__isnull=False)),
    "frozen": (_("forwarding to outside is frozen"), Q(frozen_at__isnull=False)),
}


def _with_change(*states: str) -> "models.QuerySet[Change, int]":
    return Change.objects.filter(state__in=states, mailbox__isnull=False).values_list("mailbox", flat=True)


def _with_failure() -> "models.QuerySet[Change, int]":
    """Of mailboxes whose newest change of some part failed."""
    failed = Change.objects.filter(state="failed", mailbox__isnull=False)
    return failed.without_newer().values_list("mailbox", flat=True)


# Found out by manage.py audit_passwords, and not changed since.
GUESSED: Q = Q(guessed_at__isnull=False) & (
    Q(password_changed_at=None) | Q(password_changed_at__lte=models.F("guessed_at"))
)


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def joined(self, *names: str) -> "MailboxQuerySet":
        """With what every push needs, and these relations."""
        return self.select_related("domain", "server", *names)

    def alive(self) -> "MailboxQuerySet":
        return self.filter(deleted_at=None)

    def deleted(self) -> "MailboxQuerySet":
        """Those that can still be brought back."""
        return self.filter(deleted_at__isnull=False, purge_after__gt=timezone.now())

    def gone(self) -> "MailboxQuerySet":
        """Deleted so long ago that nothing of them is kept any longer."""
        return self.filter(deleted_at__isnull=False, purge_after__lte=timezone.now())

    def administered_by(self, person: Person) -> "MailboxQuerySet":
        """Those a person edits, switches off, deletes and brings back; deleted ones included."""
        return self.filter(domain__in=Domain.objects.administered_by(person))

    def open_to(self, person: Person) -> "MailboxQuerySet":
        """Those a person may look at: staff all, webmasters their domains', users their own."""
        if person.sees_everything:
            return self.alive()
        return self.alive().filter(Q(owner=person) | Q(domain__in=person.domains.all()))

    def changeable_by(self, person: Person) -> "MailboxQuerySet":
        """Those whose settings a person may change: support only by a grant."""
        if person.is_operator:
            return self.alive()
        if person.is_support:
            return self.alive().filter(
                pk__in=SupportGrant.objects.running().filter(helper=person).values("mailbox")
            )
        return self.open_to(person)

    def emptied_by(self, person: Person) -> "MailboxQuerySet":
        """Those in which a person has mail deleted: as above, but a grant is not for that."""
        return self.none() if person.helps_by_grant else self.changeable_by(person)

    def quota_changeable_by(self, person: Person) -> "MailboxQuerySet":
        """Those a person may give more or less room: as above, but nobody gives it to themselves."""
        changeable = self.changeable_by(person)
        return changeable if person.is_operator else changeable.filter(domain__in=person.domains.all())

    def settleable_by(self, person: Person, aspect: str) -> "MailboxQuerySet":
        """Those of which a person decides what holds when the server has something else than the portal.

        Room, sign-in and password are the webmaster's to decide; what its script does is also its user's.
        """
        return self.quota_changeable_by(person) if aspect == "account" else self.changeable_by(person)

    def with_rights_of(self, person: Person) -> "MailboxQuerySet":
        """Each knows what the person may do with it (see `Mailbox.told`), and whether support may as well."""
        this = Mailbox.objects.filter(pk=OuterRef("pk"))
        return self.annotate(
            is_changeable=Exists(this.changeable_by(person)),
            is_administered=Exists(this.administered_by(person)),
            is_quota_changeable=Exists(this.quota_changeable_by(person)),
            has_help=Exists(SupportGrant.objects.running().filter(mailbox=OuterRef("pk"))),
        )

    def without_guessed_password(self) -> "MailboxQuerySet":
        return self.exclude(pk__in=Mailbox.objects.filter(GUESSED).values("pk"))

    def owned_by(self, person: Person) -> "MailboxQuerySet":
        """The person's own: nobody else ever sets a password."""
        return self.alive().filter(owner=person)

    def named(self, name: str) -> "MailboxQuerySet":
        """By address or by login on the server, as people type it."""
        typed = folded(name)
        return self.alive().filter(Q(address=typed) | Q(login=typed))

    def showing(self, *names: str) -> "MailboxQuerySet":
        """Those that all these names of SHOWN stand for; other names mean nothing."""
        found = self.all()
        for name in names:
            if name in SHOWN:
                condition = SHOWN[name][1]
                found = found.filter(condition() if callable(condition) else condition)
        return found

    def matching(self, text: str) -> "MailboxQuerySet":
        """Those with all words in their address, login or name; PostgreSQL has an index, mailbox_searched."""
        return self.filter(all_words(text, lambda word: Q(searched__contains=word)))


class Mailbox(Searched):
    """An address with a password and a store of mail on one server."""

    searched_fields = ("address", "login", "name")

    address = models.CharField(max_length=320, unique=True)
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="mailboxes")
    server = models.ForeignKey(Server, models.PROTECT, related_name="mailboxes")
    login = models.CharField(max_length=200, db_index=True, help_text=_("The user name on the mail server."))
    name = OneLine(_("name"), max_length=200, blank=True)
    quota_bytes = SizeColumn(help_text=_("0 means no limit."))
    password_hash = models.CharField(max_length=500, blank=True)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    guessed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the password was found to be easy to guess.")
    )
    enabled = models.BooleanField(default=True, help_text=_("People may sign in, and read."))
    sends = models.BooleanField(default=True, help_text=_("Who may sign in may send as well."))
    receives = models.BooleanField(default=True, help_text=_("Mail is taken, whoever may sign in."))
    only_app_passwords = models.BooleanField(
        default=False, help_text=_("Mail programs are not let in by its password, which is for the portal.")
    )
    apps_only_from = models.DateTimeField(
        null=True, blank=True, help_text=_("When its domain's rule sets that: see app_password_rule.py.")
    )
    apps_only_by_rule = models.BooleanField(default=False, help_text=_("Its domain's rule has set that."))
    password_asked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Nobody signs in since, until another password is chosen.")
    )
    recovery_address = models.EmailField(blank=True)
    former_hash = models.CharField(
        max_length=500, blank=True, help_text=_("Of the same password, in an older scheme.")
    )
    frozen_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when nothing is forwarded to outside: see freezing.py.")
    )
    language = models.CharField(max_length=5, blank=True)
    owner = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="mailboxes")
    deleted_at = models.DateTimeField(null=True, blank=True)
    purge_after = models.DateTimeField(null=True, blank=True)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints = (models.UniqueConstraint(fields=["server", "login"], name="one_login_on_a_server"),)
        indexes = (
            models.Index(fields=["domain", "address"], name="mailbox_in_domain"),
            models.Index(fields=["domain", "id"], name="mailbox_alive", condition=Q(deleted_at=None)),
            models.Index(fields=["domain", "server"], name="mailbox_on_server", condition=Q(deleted_at=None)),
            models.Index(fields=["domain"], name="mailbox_guessed", condition=Q(guessed_at__isnull=False)),
            models.Index(fields=["domain"], name="mailbox_deleted", condition=Q(deleted_at__isnull=False)),
            models.Index(
                fields=["domain"],
                name="mailbox_under_app_rule",
                condition=Q(apps_only_by_rule=True) | Q(apps_only_from__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def has_guessed_password(self) -> bool:
        """Until another one is set."""
        if self.guessed_at is None:
            return False
        return self.password_changed_at is None or self.password_changed_at <= self.guessed_at

    @property
    def may_send(self) -> bool:
        """Nobody sends without signing in."""
        return self.enabled and self.sends

    @property
    def has_changed_password_since_frozen(self) -> bool:
        """By whoever had the old one, or a link."""
        changed_at, frozen_at = self.password_changed_at, self.frozen_at
        return changed_at is not None and frozen_at is not None and changed_at > frozen_at

    def told(self, name: str) -> bool | None:
        """What the query that read it was asked to tell of it; None: it was not asked."""
        return vars(self).get(name)

    def running_grants(self) -> "SupportGrantQuerySet":
        """By which support staff may change it just now."""
        if self.told("has_help") is False:
            return SupportGrant.objects.none()
        return SupportGrant.objects.running().filter(mailbox=self).select_related("helper", "granted_by")

    @property
    def name_there(self) -> str:
        """By which its server knows it."""
        return self.login

    @property
    def is_gone(self) -> bool:
        """Deleted, and the time in which it could be brought back is over."""
        return self.purge_after is not None and self.purge_after <= timezone.now()


class GivenLogin(models.Model):
    """A login that a mailbox of the server has or once had; nobody else ever gets it (see logins.py)."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="+")
    login = models.CharField(max_length=200)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "login"], name="a_login_is_given_once"),)

    def __str__(self) -> str:
        return self.login


class PasswordAudit(models.Model):
    """A run of manage.py audit_passwords: how far it came, so that it can go on there."""

    domain = models.ForeignKey(Domain, models.CASCADE, null=True, related_name="+")
    commonest = models.PositiveIntegerField()
    reached = models.BigIntegerField(default=0)
    mailboxes = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"passwords of {self.domain or 'all domains'}"


class AliasQuerySet(models.QuerySet["Alias"]):
    def joined(self, *names: str) -> "AliasQuerySet":
        """With what every push needs, and these relations."""
        return self.select_related("domain__server", *names)

    def alive(self) -> "AliasQuerySet":
        return self.filter(deleted_at=None)

    def open_to(self, person: Person) -> "AliasQuerySet":
        """Those in the domains a person may look at, deleted ones included."""
        return self.filter(domain__in=Domain.objects.open_to(person))

    def administered_by(self, person: Person) -> "AliasQuerySet":
        """Those a person makes, changes and deletes; deleted ones included."""
        return self.filter(domain__in=Domain.objects.administered_by(person))

    def leading_to(self, address: str) -> "AliasQuerySet":
        """Those with this address among their targets, at first hand."""
        return self.filter(targets__address=address.casefold())

    def matching(self, text: str) -> "AliasQuerySet":
        """Those with all words in their address or in their targets."""
        return self.filter(all_words(text, _in_alias))


def _in_alias(word: str) -> Q:
    here, led = Q(), Q()
    for form in searched_forms(word):
        here |= Q(address__icontains=form)
        led |= Q(address__icontains=form)
    return here | Q(pk__in=AliasTarget.objects.filter(led).values("alias"))


class Alias(models.Model):
    """An address without a store of its own: its mail goes to its targets.

    Without a local part (``@example.test``) it is the catch-all: whatever else comes to the domain. One that
    was deleted has no targets; its row stays for a while, so that the server is told and it can come back.
    """

    address = models.CharField(max_length=320, unique=True, help_text=_("In lower case, as mailboxes' are."))
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="aliases")
    version = models.PositiveIntegerField(default=0, help_text=_("Counts saves, so that two editors notice."))
    deleted_at = models.DateTimeField(null=True, blank=True)
    objects = AliasQuerySet.as_manager()

    known_addresses: list[str] | None = None
    """What `addresses` tells, where the query that read it was asked for them."""

    class Meta:
        verbose_name_plural = "aliases"
        indexes = (models.Index(fields=["domain", "address"], name="alias_in_domain"),)

    def __str__(self) -> str:
        return self.address

    @property
    def name_there(self) -> str:
        """By which its server knows it."""
        return self.address

    @property
    def server(self) -> Server:
        return self.domain.server

    @property
    def is_catch_all(self) -> bool:
        return self.address.startswith("@")

    def addresses(self) -> list[str]:
        """Where its mail goes, in alphabetical order."""
        if self.known_addresses is not None:
            return self.known_addresses
        return sorted(target.address for target in self.targets.all())


class AliasTarget(models.Model):
    """One of the addresses that an alias leads to. Rows, so that aliases are found from their targets too."""

    alias = models.ForeignKey(Alias, models.CASCADE, related_name="targets")
    address = models.CharField(max_length=320, db_index=True, help_text=_("In lower case."))

    class Meta:
        constraints = (models.UniqueConstraint(fields=["alias", "address"], name="one_target_once"),)

    def __str__(self) -> str:
        return f"{self.alias} → {self.address}"


class LostTarget(models.Model):
    """An alias led to a mailbox until that was deleted, and does so again when it is brought back."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="lost_aliases")
    alias = models.ForeignKey(Alias, models.CASCADE, related_name="lost_targets")
    target = models.CharField(
        max_length=320, help_text=_("The mailbox, or an alias that was deleted with it.")
    )
    version = models.PositiveIntegerField(help_text=_("The alias's since then: another one, and it stays."))

    def __str__(self) -> str:
        return f"{self.alias} → {self.target}"


class RedirectAlarmQuerySet(models.QuerySet["RedirectAlarm"]):
    def open(self) -> "RedirectAlarmQuerySet":
        """Those nobody has seen to, of mailboxes that are still there and of aliases."""
        return self.filter(acknowledged_at=None, mailbox__deleted_at=None)

    def open_to(self, person: Person) -> "RedirectAlarmQuerySet":
        """Those in the domains a person looks after."""
        if person.sees_everything:
            return self.open()
        domains = Domain.objects.open_to(person)
        return self.open().filter(Q(mailbox__domain__in=domains) | Q(alias__domain__in=domains))


class RedirectAlarm(models.Model):
    """A mailbox's or an alias's mail is sent on to somewhere outside, and the portal did not do that.

    Or the mailbox's user says that somebody else changed something.
    """

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, null=True, related_name="redirect_alarms")
    alias = models.ForeignKey(Alias, models.CASCADE, null=True, related_name="redirect_alarms")
    kind = models.CharField(max_length=10, default="redirect", help_text=_("Or not-me: see freezing.py."))
    targets = models.JSONField(default=list)
    found_at = models.DateTimeField(default=timezone.now)
    mail_due_at = models.DateTimeField(null=True, help_text=_("When the webmasters are to be written to."))
    mailed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")

    objects = RedirectAlarmQuerySet.as_manager()

    class Meta:
        constraints = (one_subject("alarm_about_one_subject"),)
        indexes = (
            models.Index(
                fields=["mailbox"], name="redirect_alarm_open", condition=Q(acknowledged_at__isnull=True)
            ),
            models.Index(
                fields=["mail_due_at"], name="redirect_alarm_mail", condition=Q(mail_due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject}"

    @property
    def targets_told(self) -> list[str]:
        """In the reader's language."""
        return [_target_told(target) for target in self.targets]

    @property
    def subject(self) -> Mailbox | Alias:
        found = self.mailbox if self.alias_id is None else self.alias
        assert found is not None  # noqa: S101 - the table's own rule
        return found


def _target_told(target: str) -> str:
    if target == UNREAD:
        return gettext("somewhere, maybe: the portal can't read the rules")
    return gettext("somewhere that can't be told beforehand") if target.startswith(SOMEWHERE) else target


class OneTimeLinkQuerySet(models.QuerySet["OneTimeLink"]):
    def usable(self, purpose: str) -> "OneTimeLinkQuerySet":
        """Neither used nor too old. Whether it was made for the present password is asked of each."""
        return self.filter(purpose=purpose, used_at=None, expires_at__gt=timezone.now())


class OneTimeLink(models.Model):
    """Lets whoever holds it do one thing once, such as choosing a password; see one_time_links.py."""

    purpose = models.CharField(max_length=30)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="one_time_links")
    mailbox = models.ForeignKey(Mailbox, models.CASCADE, null=True, related_name="one_time_links")
    code_hash = models.CharField(
        max_length=64, unique=True, null=True, help_text=_("SHA-256; none: not made yet.")
    )
    password_version = models.CharField(max_length=64, help_text=_("Of the password it was made for."))
    made_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    mail_to = models.EmailField(blank=True)
    mail_due_at = models.DateTimeField(
        null=True, help_text=_("When a worker is to make its code and mail it.")
    )

    objects = OneTimeLinkQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=False, mailbox__isnull=True)
                | Q(person__isnull=True, mailbox__isnull=False),
                name="link_for_a_person_or_a_mailbox",
            ),
        )
        indexes = (
            models.Index(
                fields=["mail_due_at"], name="link_mail_due", condition=Q(mail_due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.purpose} for {self.person or self.mailbox} until {self.expires_at}"


class PasswordRules(models.Model):
    """What a domain asks of its mailboxes' passwords, beyond what the portal asks of every one."""

    domain = models.OneToOneField(Domain, models.CASCADE, related_name="password_rules", primary_key=True)
    shortest = models.PositiveSmallIntegerField(default=0, help_text=_("Characters."))
    strength = models.PositiveSmallIntegerField(default=0, help_text=_("zxcvbn's score, 0 to 4."))
    history = models.PositiveSmallIntegerField(
        default=0, help_text=_("None of the last so many passwords, the present one included.")
    )

    mail_programs = models.CharField(
        max_length=10,
        default="any",
        help_text=_("Which passwords they may use: any, factor or always; see app_password_rule.py."),
    )
    grace_days = models.PositiveSmallIntegerField(
        default=14, help_text=_("So long that rule lets people get ready.")
    )

    class Meta:
        verbose_name_plural = "rules for passwords"

    def __str__(self) -> str:
        return f"{self.domain_id}"

    @classmethod
    def of(cls, domain: Domain) -> "PasswordRules":
        """The domain's, or those that ask for nothing more."""
        found: PasswordRules | None = getattr(domain, "password_rules", None)
        return found or cls(domain=domain)


class EarlierPassword(models.Model):
    """The hash of a password that another one has replaced, so that it is not chosen again."""

    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="earlier_passwords")
    mailbox = models.ForeignKey(Mailbox, models.CASCADE, null=True, related_name="earlier_passwords")
    password_hash = models.CharField(max_length=500)
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=False, mailbox__isnull=True)
                | Q(person__isnull=True, mailbox__isnull=False),
                name="earlier_password_of_a_person_or_a_mailbox",
            ),
        )

    def __str__(self) -> str:
        return f"{self.person or self.mailbox} until {self.replaced_at}"


class Notice(models.Model):
    """A mail to one address about something that a thief would do; see notices.py."""

    kind = models.CharField(max_length=20)
    detail = models.CharField(max_length=500, blank=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="notices")
    mailbox = models.ForeignKey(Mailbox, models.CASCADE, null=True, related_name="notices")
    by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    source_address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now)
    mail_to = models.EmailField()
    mail_due_at = models.DateTimeField(null=True)
    code_hash = models.CharField(max_length=64, unique=True, null=True, help_text=_("SHA-256 of its link."))
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(person__isnull=False, mailbox__isnull=True)
                | Q(person__isnull=True, mailbox__isnull=False),
                name="notice_about_a_person_or_a_mailbox",
            ),
        )
        indexes = (
            models.Index(
                fields=["mail_due_at"], name="notice_mail_due", condition=Q(mail_due_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.person or self.mailbox}"


class PasswordRequest(models.Model):
    """Somebody can't sign in to a mailbox and asked for a link on which to choose a password."""

    class State(models.TextChoices):
        NEW = "new", _("not looked at yet")
        NOBODY = "nobody", _("no such mailbox")
        SENT = "sent", _("a link went to the recovery address")
        WAITING = "waiting", _("waits for a webmaster")
        REPEATED = "repeated", _("asked again while it waited")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        EXPIRED = "expired", _("nobody decided in time")

    typed = models.CharField(max_length=320, db_index=True)
    mailbox = models.ForeignKey(Mailbox, models.CASCADE, null=True, related_name="password_requests")
    state = models.CharField(max_length=10, choices=State, default=State.NEW, db_index=True)
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)
    source_address = models.CharField(max_length=45, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    reason = OneLine(max_length=200, blank=True)
    mail_due_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.typed}: {self.state}"


class AppPassword(models.Model):
    """A further password of a mailbox, for one device or program; see app_passwords.py."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="app_passwords")
    name = OneLine(max_length=60)
    selector = models.CharField(max_length=4, help_text=_("16 bits of its SHA-256: picks the row."))
    password_hash = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["mailbox", "selector"], name="one_app_password_for_a_selector"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.mailbox}"


class KnownDevice(models.Model):
    """A browser in which a person has signed in: whoever tries passwords elsewhere can't lock it out."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="known_devices")
    cookie_hash = models.CharField(max_length=64, help_text=_("SHA-256 of what the browser keeps."))
    first_used_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["cookie_hash", "person"], name="one_device_once"),)

    def __str__(self) -> str:
        return f"{self.person} since {self.first_used_at}"


class NameLock(models.Model):
    """Held while a name is given to somebody, so that no two get the same; see names.py."""

    number = models.PositiveSmallIntegerField(primary_key=True, help_text=_("Made of the name's hash."))

    def __str__(self) -> str:
        return str(self.number)


class SignInAttempt(models.Model):
    """A try to sign in that has not been right, or a link that was mailed, kept as long as it counts.

    See throttling.py and mailed_links.py.
    """

    key = models.CharField(max_length=64, help_text=_("Hash of what it is counted for."))
    at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=["key", "at"], name="attempt_key"),
            models.Index(fields=["at"], name="attempt_at"),
        )

    def __str__(self) -> str:
        return f"{self.key} at {self.at}"


class AuthenticatorApp(TOTPDevice):  # type: ignore[misc]
    """django-otp's, with a key that is sealed in the table; see sealed_keys.py."""

    class Meta:
        proxy = True

    @property
    def bin_key(self) -> bytes:
        """The key in clear; raises CredentialsLocked."""
        return open_key(self.key)


class PersonSession(AbstractBaseSession):
    """A session that knows whose it is, so that people can see and end theirs."""

    session_key = models.CharField(
        max_length=64, primary_key=True, help_text=_("SHA-256 of what the browser keeps.")
    )
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="sessions")

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class LookUp(models.Model):
    """One of the support staff said why they look at a mailbox; the reason is in the audit."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="look_ups")
    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="look_ups")
    until = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "mailbox"], name="one_look_up_each"),)

    def __str__(self) -> str:
        return f"{self.person} {self.mailbox}"


class SupportGrantQuerySet(models.QuerySet["SupportGrant"]):
    def running(self) -> "SupportGrantQuerySet":
        return self.filter(ended_at=None, ends_at__gt=timezone.now())


class SupportGrant(models.Model):
    """One of the support staff may change one mailbox's settings for a while."""

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="support_grants")
    helper = models.ForeignKey(Person, models.CASCADE, related_name="support_grants")
    granted_by = models.ForeignKey(Person, models.CASCADE, related_name="+")
    reason = OneLine(max_length=300)
    granted_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text=_("Before its time."))

    objects = SupportGrantQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.helper} {self.mailbox}"
