"""Mail servers, what is on its way to them, and what they were last seen to hold.

A mailbox or an alias is known here only as a foreign key named as text: what it should look like on its
server is told by the apps above (see aspects.py). Everything that is pushed belongs to one of the two, its
subject (decision 016).
"""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Cast, Coalesce, Now, NullIf
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.models import Event
from mailservers.moments import MomentField
from mailservers.ranges import LongText, PortColumn, SizeColumn

if TYPE_CHECKING:
    from accounts.models import Alias, Mailbox

# The aspect whose subject is an alias; those of all others are mailboxes.
ALIAS = "alias"
# No worker takes more; see pushing.LEASE.
LONGEST_LEASE = timedelta(minutes=10)
# No change waits longer for its next attempt; see pushing.LONGEST_PAUSE.
LONGEST_WAIT = timedelta(hours=1)
# People are told of a maintenance so long before it.
ANNOUNCED_BEFORE = timedelta(days=3)


class Security(models.TextChoices):
    """How a mail program's connection is kept from others' eyes; without it nobody is let in."""

    TLS = "tls", _("TLS from the start")
    STARTTLS = "starttls", _("STARTTLS")


class Server(models.Model):
    """A mail server, how the workers reach it, and what its users are told of it."""

    name = models.SlugField(unique=True)
    kind = models.CharField(max_length=30, help_text=_("Which driver speaks to it."))
    endpoints = models.JSONField(default=dict, blank=True, help_text=_("Where the driver finds it."))
    sealed_credentials = models.TextField(blank=True, editable=False)
    imap_host = models.CharField(max_length=255, blank=True)
    imap_port = PortColumn(default=993)
    imap_security = models.CharField(max_length=10, choices=Security, default=Security.TLS)
    pop3_host = models.CharField(max_length=255, blank=True)
    pop3_port = PortColumn(default=995)
    pop3_security = models.CharField(max_length=10, choices=Security, default=Security.TLS)
    smtp_host = models.CharField(max_length=255, blank=True)
    smtp_port = PortColumn(default=465)
    smtp_security = models.CharField(max_length=10, choices=Security, default=Security.TLS)
    takes_addresses = models.BooleanField(
        default=False, help_text=_("People may sign in with the address instead of the login.")
    )
    webmail_url = models.URLField(blank=True)
    largest_message_bytes = SizeColumn(default=12 * 1024 * 1024)
    connections = models.PositiveSmallIntegerField(
        default=4, help_text=_("How many workers may speak to it at the same time.")
    )
    notice = LongText(blank=True, help_text=_("What people are told while it is away or in maintenance."))
    maintenance_starts = MomentField(null=True, blank=True)
    maintenance_ends = MomentField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True, help_text=_("An operator stopped the pushing."))
    # The breaker: open while probe_at is set; at that moment one worker may try whether it is back.
    failures_in_a_row = models.PositiveIntegerField(default=0)
    away_since = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_values = models.JSONField(default=dict, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    reachable_since = models.DateTimeField(null=True, blank=True)
    # What it said when it was asked for nothing but that: see checking.py.
    check_asked_at = models.DateTimeField(null=True, blank=True, help_text=_("By an operator."))
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.TextField(blank=True)
    check_error_values = models.JSONField(default=dict, blank=True)
    version = models.CharField(max_length=200, blank=True, help_text=_("As it tells itself."))

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def queue(self) -> str:
        """The Celery queue that this server's workers listen to."""
        return f"server.{self.name}"

    @property
    def is_simulation(self) -> bool:
        """No mail is behind it: its pages say so."""
        return self.endpoints.get("simulation") is True

    @property
    def is_in_maintenance(self) -> bool:
        now = timezone.now()
        begun = self.maintenance_starts is not None and self.maintenance_starts <= now
        return begun and (self.maintenance_ends is None or now < self.maintenance_ends)

    @property
    def has_maintenance_soon(self) -> bool:
        """Soon enough to tell its people."""
        now = timezone.now()
        return self.maintenance_starts is not None and now < self.maintenance_starts <= now + ANNOUNCED_BEFORE

    @property
    def is_being_checked(self) -> bool:
        """An operator asked, and there is no answer yet."""
        return self.check_asked_at is not None and (
            self.checked_at is None or self.checked_at < self.check_asked_at
        )

    @property
    def check_error_text(self) -> str:
        """In the reader's language; "" when nothing was wrong."""
        return say(self.check_error, self.check_error_values)

    @property
    def is_away(self) -> bool:
        """The breaker is open: several attempts in a row could not reach it."""
        return self.probe_at is not None

    @property
    def last_error_text(self) -> str:
        """In the reader's language; "" when there was none."""
        return say(self.last_error, self.last_error_values)


def subject_field(aspect: str) -> str:
    """The name of the foreign key that leads to an aspect's subject."""
    return "alias" if aspect == ALIAS else "mailbox"


def one_subject(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(mailbox__isnull=False, alias__isnull=True) | Q(mailbox__isnull=True, alias__isnull=False),
        name=name,
    )


class OfOneSubject:
    """Of a row whose mailbox or alias is filled, one of the two: see `one_subject`. No model of its own."""

    mailbox_id: int | None
    alias_id: int | None
    mailbox: Any
    alias: Any

    @property
    def subject_id(self) -> int:
        return (self.mailbox_id if self.alias_id is None else self.alias_id) or 0

    @property
    def subject(self) -> "Mailbox | Alias":
        found: Mailbox | Alias | None = self.mailbox if self.alias_id is None else self.alias
        assert found is not None  # noqa: S101 - the table's own rule
        return found


class ChangeQuerySet(models.QuerySet["Change"]):
    def of(self, subject_id: int, aspect: str) -> "ChangeQuerySet":
        return self.filter(aspect=aspect, **{subject_field(aspect): subject_id})

    def open(self) -> "ChangeQuerySet":
        """Neither live nor given up."""
        return self.filter(state__in=Change.OPEN)

    def due(self) -> "ChangeQuerySet":
        """Open ones whose time has come, and that no worker holds."""
        held = Lease.objects.running()
        now = timezone.now()
        # One planned further away than any is was planned by a clock that has jumped back since.
        its_time = Q(next_attempt_at__lte=now) | Q(next_attempt_at__gt=now + LONGEST_WAIT)
        return self.open().filter(_without_any(held)).filter(its_time)

    def newest_first(self) -> "ChangeQuerySet":
        return self.order_by("-pk")

    def with_way_back(self) -> "ChangeQuerySet":
        """Each knows whether it is the newest, and whether the value from before it can come back."""
        stands = _without_any(_newer_of_the_same())
        told = {
            "is_newest": _without_any(_newer()),
            "stands": stands,
            "has_way_back": stands & Q(event__before__isnull=False),
        }
        return self.annotate(**told).told_apart()

    def told_apart(self) -> "ChangeQuerySet":
        """Each knows what its badge says beside the state: what was wanted, what a look has found since."""
        differs = ~_without_any(Observation.objects.filter(drifted_since__isnull=False))
        told = {"differs": differs, "wanted": models.F("event__verb")}
        return self.annotate(**told)

    def without_newer(self) -> "ChangeQuerySet":
        """Those that are still what their subject's aspect should be."""
        return self.filter(_without_any(_newer()))

    def newest_of(self, subject_id: int, aspect: str) -> "Change | None":
        """With its server and its way back."""
        found = self.of(subject_id, aspect).select_related("server").with_way_back()
        return found.newest_first().first()

    def newest_by_aspect(self, mailbox: "Mailbox") -> "dict[str, Change]":
        """A mailbox's newest change of each aspect, with its server and its way back."""
        return {change.aspect: change for change in self.newest_of_features(mailbox)}

    def newest_of_features(self, mailbox: "Mailbox", aspect: str = "") -> "list[Change]":
        """Of each feature of each aspect the newest change, the oldest of these first; see standing.py."""
        mine = self.filter(mailbox=mailbox, **({"aspect": aspect} if aspect else {}))
        newest = mine.newest_of_its_feature().select_related("server").with_way_back()
        found = list(newest.order_by("pk"))
        for change in found:
            change.mailbox = mailbox
        return found

    def of_features(
        self, mailbox_ids: Iterable[int], *, servers: "Iterable[Server]" = ()
    ) -> "dict[int, list[Change]]":
        """The same of many mailboxes, without ways back; `servers` are known and not read again."""
        newest = self.filter(mailbox__in=mailbox_ids).newest_of_its_feature().told_apart().order_by("pk")
        known = {server.pk: server for server in servers}
        found: dict[int, list[Change]] = {}
        for change in newest if known else newest.select_related("server"):
            if change.server_id in known:
                change.server = known[change.server_id]
            found.setdefault(change.subject_id, []).append(change)
        return found

    def newest_of_its_feature(self) -> "ChangeQuerySet":
        return self.filter(_without_any(_newer().filter(feature=models.OuterRef("feature"))))

    def newest_of_each(
        self, subject_ids: Iterable[int], aspect: str = "", *, servers: "Iterable[Server]" = ()
    ) -> "dict[int, Change]":
        """By the subjects' ids, the newest change of each that has one: of mailboxes, whatever the aspect.

        `servers` are known and not read again.
        """
        key = subject_field(aspect)
        newest = self.filter(**{f"{key}__in": subject_ids}).values(key).annotate(newest=models.Max("pk"))
        changes = Change.objects.filter(pk__in=newest.values("newest")).told_apart()
        known = {server.pk: server for server in servers}
        if not known:
            changes = changes.select_related("server")
        found = {change.subject_id: change for change in changes}
        for change in found.values():
            if change.server_id in known:
                change.server = known[change.server_id]
        return found


def _newer() -> ChangeQuerySet:
    """Inside a query of changes: the newer ones."""
    return Change.objects.filter(pk__gt=models.OuterRef("pk"))


def _newer_of_the_same() -> ChangeQuerySet:
    """Those whose value would be lost with that of the outer one: of the same feature, or of the whole."""
    mine = models.ExpressionWrapper(models.OuterRef("feature"), models.CharField())
    touching = _newer().exclude(feature=Change.Feature.NONE).alias(mine=mine)
    return touching.filter(Q(feature="") | Q(mine="") | Q(feature=models.F("mine")))


def _without_any(rows: "models.QuerySet[Any]") -> Q:
    """Inside a query of what has a subject and an aspect: none of these rows is of the same two.

    Asked for each kind of subject apart, so that each keeps to its index; what is empty equals nothing.
    """
    aspect = models.OuterRef("aspect")
    of_mailbox = rows.filter(mailbox=models.OuterRef("mailbox"), aspect=aspect)
    of_alias = rows.filter(alias=models.OuterRef("alias"), aspect=aspect)
    return Q(~models.Exists(of_mailbox)) & Q(~models.Exists(of_alias))


class Change(OfOneSubject, models.Model):
    """One wish that an aspect of a mailbox, or an alias, be brought to its server.

    Its id is the version: newest wins.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        PUSHING = "pushing", _("being sent")
        LIVE = "live", _("live")
        FAILED = "failed", _("failed")
        SUPERSEDED = "superseded", _("replaced by a newer change")
        CANCELLED = "cancelled", _("cancelled")

    OPEN = (State.WAITING, State.PUSHING)

    class Priority(models.IntegerChoices):
        """Lower goes first; the numbers are steps of Redis's priorities in Celery."""

        PERSON = 0, _("somebody waits for it")
        BULK = 6, _("one of many")

    class Feature:
        """Beside the names that an aspect's `feature_of` gives: whatever it is made of, and nothing of it."""

        WHOLE = ""
        NONE = "-"

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, null=True, related_name="changes")
    alias = models.ForeignKey(
        "accounts.Alias", models.CASCADE, null=True, db_index=False, related_name="changes"
    )
    aspect = models.CharField(max_length=30)
    feature = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text=_("Which part of the aspect somebody set: another one's undo leaves it alone."),
    )
    server = models.ForeignKey(Server, models.PROTECT, related_name="changes")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.PERSON)
    # Empty once the event was archived.
    event = models.OneToOneField(Event, models.SET_NULL, null=True, related_name="change")
    requested_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    # A sentence with places and what fills them, apart, so that it is shown in the reader's language.
    reason = models.TextField(blank=True)
    reason_values = models.JSONField(default=dict, blank=True)
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it went live or was given up.")
    )

    objects = ChangeQuerySet.as_manager()

    # Only there after with_way_back.
    is_newest: bool
    """No newer change of the same part stands."""
    stands: bool
    """No newer one has set the same feature of it."""
    has_way_back: bool
    """And its event keeps the value from before."""
    # Only there after told_apart, which is in with_way_back.
    differs: bool
    """A look found something else on the server, and nobody has decided yet."""
    wanted: str | None
    """The verb of its event."""

    class Meta:
        constraints = (one_subject("change_of_one_subject"),)
        indexes = (
            models.Index(fields=["mailbox", "aspect", "-id"], name="change_of_mailbox"),
            models.Index(
                fields=["alias", "aspect", "-id"], name="change_of_alias", condition=Q(alias__isnull=False)
            ),
            models.Index(
                fields=["server", "priority", "id"],
                name="change_due",
                condition=Q(state__in=["waiting", "pushing"]),
            ),
            # With the state, so that the index alone is enough to count.
            models.Index(fields=["server", "settled_at", "state"], name="change_settled"),
            models.Index(fields=["server"], name="change_failed", condition=Q(state="failed")),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.aspect} {self.state}"

    @property
    def is_settled(self) -> bool:
        return self.state not in self.OPEN

    @property
    def tries_again_at(self) -> datetime:
        """When a waiting change is next looked at: while its server is away, not before the probe."""
        probe_at = self.server.probe_at
        return max(self.next_attempt_at, probe_at) if probe_at else self.next_attempt_at

    @property
    def reason_text(self) -> str:
        """The reason in the reader's language; "" when there is none."""
        return say(self.reason, self.reason_values)


class ObservationQuerySet(models.QuerySet["Observation"]):
    def drifted(self) -> "ObservationQuerySet":
        """Those where the server holds something else, and no change is on its way that makes it right."""
        return self.filter(_without_any(Change.objects.open()), drifted_since__isnull=False)

    def unread(self) -> "ObservationQuerySet":
        """Those of which nobody knows what the server holds now."""
        return self.filter(unread_since__isnull=False)


class Observation(OfOneSubject, models.Model):
    """What a server was last seen to hold for an aspect of a mailbox, or for an alias."""

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, null=True, related_name="observations")
    alias = models.ForeignKey(
        "accounts.Alias", models.CASCADE, null=True, db_index=False, related_name="observations"
    )
    aspect = models.CharField(max_length=30)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of the state that was read back."))
    seen_at = models.DateTimeField()
    change = models.ForeignKey(Change, models.SET_NULL, null=True, related_name="+")
    drifted_since = models.DateTimeField(null=True, blank=True, help_text=_("When a check first saw it."))
    differences = models.JSONField(
        default=list, help_text=_("What is different there: sentences, each with what fills its places.")
    )
    held = models.JSONField(null=True, help_text=_("What to keep, should somebody want to keep it."))
    why_not = models.TextField(blank=True, help_text=_("Why it can't be kept."))
    keeping = models.JSONField(default=list, help_text=_("What else happens then: as the differences."))
    restoring = models.JSONField(
        default=list, help_text=_("What else happens when what is set here is restored: as the differences.")
    )
    put_right = models.JSONField(null=True, help_text=_("What else it takes to restore what is set here."))
    leave = models.CharField(
        max_length=64, blank=True, help_text=_("What may be left there as it is; see Drift.leave.")
    )
    left = models.CharField(max_length=64, blank=True, help_text=_("The same, once somebody has left it."))
    left_at = models.DateTimeField(null=True, blank=True)
    redirects = models.JSONField(null=True, help_text=_("Where mail was sent on to; empty: never looked."))
    unread_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when it could not be read; empty: the last look went well.")
    )
    unread = models.JSONField(default=list, help_text=_("Why: a sentence, and what fills its places."))

    objects = ObservationQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["mailbox", "aspect"], name="one_observation_for_each_aspect"),
            models.UniqueConstraint(fields=["alias", "aspect"], name="one_observation_for_each_alias"),
            one_subject("observation_of_one_subject"),
        )
        indexes = (
            models.Index(
                fields=["mailbox"],
                name="observation_drifted",
                condition=Q(drifted_since__isnull=False),
            ),
            models.Index(
                fields=["mailbox"], name="observation_unread", condition=Q(unread_since__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject_id} {self.aspect}"

    @property
    def differences_told(self) -> list[str]:
        """In the reader's language."""
        return say_each(self.differences)

    @property
    def unread_told(self) -> str:
        """Why it could not be read, in the reader's language."""
        return say(*self.unread) if self.unread else ""

    @property
    def why_not_text(self) -> str:
        return say(self.why_not, {})

    @property
    def restoring_told(self) -> list[str]:
        return say_each(self.restoring)

    @property
    def keeping_told(self) -> list[str]:
        return say_each(self.keeping)

    @property
    def mark(self) -> str:
        """Another one as soon as the server holds yet something else: buttons tell by it what was seen."""
        told = json.dumps(
            [self.differences, self.held, self.put_right, *([self.restoring] if self.restoring else [])],
            sort_keys=True,
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def forget_drift(self) -> None:
        """The server holds again what it should."""
        self.drifted_since, self.differences, self.held, self.why_not = None, [], None, ""
        self.keeping, self.put_right, self.restoring = [], None, []
        self.leave, self.left, self.left_at = "", "", None


class LeaseQuerySet(models.QuerySet["Lease"]):
    def take(self, parts: Iterable[tuple[int, str]], length: timedelta) -> "Holding":
        """As many of the parts (subject's id, aspect) as are free or whose lease has run out.

        The unique constraint decides who gets a part, whatever two workers do at the same time.
        """
        holding = Holding(secrets.token_hex(16))
        # In one order for everybody, so that two workers never wait for one another.
        wanted = sorted(set(parts))
        if not wanted:
            return holding
        ends = shared_now() + length
        of_those = self.filter(any_part(wanted))
        of_those.run_out().update(token=holding.token, expires_at=ends)
        self.bulk_create(
            [
                Lease(aspect=a, token=holding.token, expires_at=ends, **{f"{subject_field(a)}_id": number})
                for number, a in wanted
            ],
            ignore_conflicts=True,
        )
        holding.parts.update(self.filter(token=holding.token).parts())
        return holding

    def parts(self) -> "models.QuerySet[Lease, tuple[int, str]]":
        """As (subject's id, aspect)."""
        return self.values_list(Coalesce("alias_id", "mailbox_id"), "aspect")

    def give_back(self, holding: "Holding") -> None:
        """Quiet about those that somebody else holds by now."""
        self.filter(token=holding.token).delete()

    def running(self) -> "LeaseQuerySet":
        """One that ends later than any can is from before a clock jumped back: it counts as run out."""
        now = shared_now()
        return self.filter(expires_at__gt=now, expires_at__lte=now + LONGEST_LEASE)

    def run_out(self) -> "LeaseQuerySet":
        now = shared_now()
        return self.filter(Q(expires_at__lte=now) | Q(expires_at__gt=now + LONGEST_LEASE))


@dataclass(slots=True)
class Holding:
    """The leases one worker got in one go: parts are (subject's id, aspect)."""

    token: str
    parts: set[tuple[int, str]] = field(default_factory=set)


class Lease(models.Model):
    """The right to push an aspect of a mailbox, or an alias, held by one worker at a time and for a while."""

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, null=True, related_name="leases")
    alias = models.ForeignKey(
        "accounts.Alias", models.CASCADE, null=True, db_index=False, related_name="leases"
    )
    aspect = models.CharField(max_length=30)
    token = models.CharField(max_length=32)
    expires_at = models.DateTimeField()

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["mailbox", "aspect"], name="one_lease_for_each_aspect"),
            models.UniqueConstraint(fields=["alias", "aspect"], name="one_lease_for_each_alias"),
            one_subject("lease_of_one_subject"),
        )

    def __str__(self) -> str:
        return f"{self.mailbox_id or self.alias_id} {self.aspect} until {self.expires_at}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def take(self, server: Server, length: timedelta) -> str | None:
        """A token if fewer workers than the server's limit speak to it, else None."""
        token, now = secrets.token_hex(16), shared_now()
        of_server = self.filter(server=server, number__lte=server.connections)
        free = Q(expires_at__lte=now) | Q(expires_at__gt=now + LONGEST_LEASE)
        for slot in of_server.filter(free).order_by("number")[:4]:
            if self.filter(free, pk=slot.pk).update(token=token, expires_at=now + length):
                return token
        known = set(of_server.values_list("number", flat=True))
        for number in range(1, server.connections + 1):
            if number in known:
                continue
            self.bulk_create(
                [Slot(server=server, number=number, token=token, expires_at=now + length)],
                ignore_conflicts=True,
            )
            if self.filter(token=token).exists():
                return token
        return None

    def in_use(self) -> "SlotQuerySet":
        now = shared_now()
        return self.exclude(token="").filter(expires_at__gt=now, expires_at__lte=now + LONGEST_LEASE)

    def give_back(self, token: str) -> None:
        self.filter(token=token).update(token="", expires_at=shared_now())


class Slot(models.Model):
    """The right of one worker to speak to a server, for a while: as many as the server bears."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    token = models.CharField(max_length=32, blank=True)
    expires_at = models.DateTimeField()

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["server", "number"], name="one_slot_once"),)

    def __str__(self) -> str:
        return f"{self.server_id} {self.number}"


class PushTime(models.Model):
    """How many changes took so long from the wish until they were live; see push_times.py."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="push_times")
    aspect = models.CharField(max_length=30)
    step = models.PositiveSmallIntegerField(help_text=_("Which of push_times.BOUNDS."))
    changes = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0, help_text=_("Of all these together."))

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["server", "aspect", "step"], name="one_count_for_each_step"),
        )

    def __str__(self) -> str:
        return f"{self.server_id} {self.aspect} {self.step}"


def shared_now() -> Any:
    """The database's clock, inside a query: the one that all workers share, wherever they run.

    With SQLite they all run on its machine, and its own clock is too coarse.
    """
    return Now() if connection.vendor == "postgresql" else timezone.now()


def any_part(parts: Iterable[tuple[int, str]]) -> Q:
    """Rows of any of these (subject's id, aspect)."""
    by_aspect: dict[str, list[int]] = {}
    for subject_id, aspect in parts:
        by_aspect.setdefault(aspect, []).append(subject_id)
    found = Q()
    for aspect, subject_ids in by_aspect.items():
        found |= Q(("aspect", aspect), (f"{subject_field(aspect)}_id__in", subject_ids))
    return found


def say(reason: str, values: Any) -> str:
    """A driver's reason, translated, with its values filled in; without them where they don't fit."""
    if not reason or not isinstance(reason, str):
        return ""
    sentence = gettext(reason)
    try:
        return printable(sentence % values) if values else printable(sentence)
    except (TypeError, ValueError, KeyError):
        return printable(sentence)


def say_each(sentences: Any) -> list[str]:
    """Of what a row keeps: sentences, each with what fills its places; nothing else is told."""
    pairs = sentences if isinstance(sentences, list) else []
    return [say(*pair) for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]


def printable(text: str) -> str:
    """Without what no page can be written with: halves of characters, as a server or a file may hold them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class DriftCheckQuerySet(models.QuerySet["DriftCheck"]):
    def unfinished(self) -> "DriftCheckQuerySet":
        return self.filter(finished_at=None)

    def of_refusals(self, server_id: int) -> "DriftCheckQuerySet":
        """Of one mailbox, asked for while nobody has begun: by a push that was refused, or a person."""
        waiting = self.unfinished().filter(server=server_id, mailbox__isnull=False, held_until=None)
        return waiting.select_related("server")

    def take(self, number: int, length: timedelta) -> "DriftCheck | None":
        """The check, for one worker at a time and for a while; None while another has it or it is done."""
        now = shared_now()
        free = Q(held_until=None) | Q(held_until__lte=now) | Q(held_until__gt=now + LONGEST_LEASE)
        if not self.unfinished().filter(free, pk=number).update(held_until=now + length):
            return None
        return self.select_related("server").get(pk=number)


class DriftCheck(models.Model):
    """A comparison of an aspect of many subjects with their server, done in pieces; it outlives workers."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="drift_checks")
    aspect = models.CharField(max_length=30)
    # Of all mailboxes on the server, or of these only.
    domain = models.ForeignKey("accounts.Domain", models.CASCADE, null=True, related_name="+")
    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, null=True, related_name="drift_checks")
    requested_at = models.DateTimeField(default=timezone.now)
    # The last mailbox (of aliases: the last domain) that was looked at: the next piece begins behind it.
    reached = models.BigIntegerField(default=0)
    held_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    compared = models.PositiveIntegerField(default=0)
    drifted = models.PositiveIntegerField(default=0)
    unread = models.PositiveIntegerField(default=0, help_text=_("How many could not be read."))
    reason = models.TextField(blank=True, help_text=_("Why it stopped, if it did."))
    reason_values = models.JSONField(default=dict, blank=True)

    objects = DriftCheckQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["server", "aspect"], name="drift_check_open", condition=Q(finished_at=None)),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.aspect}"

    @property
    def reason_text(self) -> str:
        return say(self.reason, self.reason_values)


def _limit() -> models.Case:
    """Inside a query of usages: what `Usage.limit_with` tells (0: none)."""
    as_read = Q(limit_bytes__isnull=False, wanted_bytes=models.F("mailbox__quota_bytes"))
    return models.Case(
        models.When(as_read, then=models.F("limit_bytes")),
        default=models.F("mailbox__quota_bytes"),
        output_field=models.PositiveBigIntegerField(),
    )


class UsageQuerySet(models.QuerySet["Usage"]):
    def above(self, percent: int) -> "UsageQuerySet":
        """Those that fill more than this share of their limit."""
        filled = models.F("limit") / 100 * percent
        return self.annotate(limit=_limit()).filter(limit__gt=0, bytes_used__gt=filled)

    def fullest_first(self) -> "UsageQuerySet":
        """By share of the limit; those without a limit last."""
        limit = NullIf(Cast(_limit(), models.FloatField()), models.Value(0.0))
        share = Cast("bytes_used", models.FloatField()) / limit
        return self.annotate(share=share).order_by(
            models.F("share").desc(nulls_last=True), "-bytes_used", "pk"
        )


class Usage(models.Model):
    """What a mailbox held when its server was last asked."""

    mailbox = models.OneToOneField("accounts.Mailbox", models.CASCADE, related_name="usage", primary_key=True)
    bytes_used = models.PositiveBigIntegerField()
    messages = models.PositiveBigIntegerField(null=True, help_text=_("Empty: the server does not tell."))
    trash_bytes = models.PositiveBigIntegerField(default=0)
    trash_messages = models.PositiveBigIntegerField(default=0)
    junk_bytes = models.PositiveBigIntegerField(default=0)
    # Only when the mailbox is read alone: what lies in the trash for longer than 30 days.
    old_trash_bytes = models.PositiveBigIntegerField(null=True)
    old_trash_messages = models.PositiveBigIntegerField(null=True)
    limit_bytes = models.PositiveBigIntegerField(
        null=True, help_text=_("What the server counts with; 0 means no limit, empty that it does not tell.")
    )
    wanted_bytes = models.PositiveBigIntegerField(help_text=_("The limit in the portal at that moment."))
    folders = models.JSONField(default=list, help_text=_("The largest: name, bytes, messages and kind."))
    folder_count = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField()

    objects = UsageQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "usages"

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.bytes_used}"

    def limit_with(self, quota_bytes: int) -> int:
        """What counts, with this limit in the portal: the server's own, unless the portal's is newer."""
        known = self.limit_bytes is not None and self.wanted_bytes == quota_bytes
        return self.limit_bytes if known and self.limit_bytes is not None else quota_bytes


class UsageDay(models.Model):
    """What a mailbox held on a day, at the last reading of it."""

    mailbox = models.ForeignKey("accounts.Mailbox", models.CASCADE, related_name="usage_days")
    day = models.DateField(db_index=True)
    bytes_used = models.PositiveBigIntegerField()
    trash_bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["mailbox", "day"], name="one_usage_a_day"),)

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.day}"


class UsageRequest(models.Model):
    """Somebody wants to know what a mailbox holds now; one row for each mailbox, the last request."""

    mailbox = models.OneToOneField(
        "accounts.Mailbox", models.CASCADE, related_name="usage_request", primary_key=True
    )
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, help_text=_("Why there is no answer."))
    reason_values = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.mailbox_id} {self.asked_at}"

    @property
    def is_open(self) -> bool:
        return self.answered_at is None

    @property
    def reason_text(self) -> str:
        return say(self.reason, self.reason_values)


class SealedPassword(models.Model):
    """A mailbox's newest password, on its way to a server that takes no hash; only workers can open it.

    Erased by the push, by the next one, and at the end of its time: see sealed_passwords.py.
    """

    mailbox = models.OneToOneField("accounts.Mailbox", models.CASCADE, related_name="sealed_password")
    sealed = models.BinaryField(help_text=_("Empty: it waited too long and was erased."))
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["expires_at"], name="sealed_password_expires"),)

    def __str__(self) -> str:
        return f"{self.mailbox_id}"
