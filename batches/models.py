"""Many mailboxes changed at once: the plan, one row for each mailbox, and what became of each."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Domain, Mailbox, Person
from accounts.sizes import in_words
from accounts.switches import SWITCHES
from batches.columns import language_name
from mailservers.models import Change, say
from mailservers.one_line import OneLine


class BatchQuerySet(models.QuerySet["Batch"]):
    def open_to(self, person: Person) -> "BatchQuerySet":
        """Those in the domains a person may look at: staff all, webmasters their own."""
        return self.filter(domain__in=Domain.objects.open_to(person))

    def administered_by(self, person: Person) -> "BatchQuerySet":
        """Those a person plans, carries out, stops and undoes."""
        return self.filter(domain__in=Domain.objects.administered_by(person))


class Batch(models.Model):
    """A plan for many mailboxes of a domain: first it is looked at, then somebody has it carried out."""

    class State(models.TextChoices):
        PLANNED = "planned", _("ready to begin")
        RUNNING = "running", _("being carried out")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")
        UNDOING = "undoing", _("being undone")
        UNDO_STOPPED = "undo-stopped", _("stopped while it was undone")
        UNDONE = "undone", _("undone")

    class Source(models.TextChoices):
        FILE = "file", _("from a file")
        LIST = "list", _("chosen in the list")

    BUSY = (State.RUNNING, State.UNDOING)

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="batches")
    source = models.CharField(max_length=5, choices=Source)
    title = OneLine(max_length=200, help_text=_("The file's name, or what is done."))
    # What people should know of the file: sentences, each with what fills its places.
    notes = models.JSONField(default=list)
    columns = models.JSONField(default=list, help_text=_("The first line of the file, as it was typed."))
    sends_links = models.BooleanField(
        default=False, help_text=_("New mailboxes get a link to choose a password, at the recovery address.")
    )
    made_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    begun_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    begun_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=12, choices=State, default=State.PLANNED)
    reason = models.TextField(blank=True, help_text=_("Why it stopped by itself."))
    reason_values = models.JSONField(default=dict, blank=True)
    working_until = models.DateTimeField(null=True, help_text=_("A worker has it until then."))

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "batches"
        indexes = (models.Index(fields=["domain", "-id"], name="batch_of_domain"),)

    def __str__(self) -> str:
        return str(self.title)

    @property
    def is_busy(self) -> bool:
        return self.state in self.BUSY

    @property
    def is_undo(self) -> bool:
        return self.state in (self.State.UNDOING, self.State.UNDO_STOPPED, self.State.UNDONE)

    @property
    def may_begin(self) -> bool:
        return self.state in (self.State.PLANNED, self.State.STOPPED)

    @property
    def may_undo(self) -> bool:
        """Something was done, and nothing of that is being done or undone now."""
        return self.state in (self.State.STOPPED, self.State.DONE) and self.tally.done > 0

    @property
    def reason_text(self) -> str:
        return say(self.reason, self.reason_values)

    @property
    def notes_told(self) -> list[str]:
        """In the reader's language."""
        return [say(sentence, values) for sentence, values in self.notes]

    @cached_property
    def reasons(self) -> list["Reason"]:
        """Why rows could not be done, the commonest first."""
        refused = self.rows.not_done().order_by()
        found = refused.values_list("problem").annotate(count=Count("pk"), first=Min("number"))
        most = sorted(found, key=lambda each: (-each[1], each[2]))[:REASONS]
        rows = {row.number: row for row in self.rows.filter(number__in=[first for _, _, first in most])}
        return [Reason(count, first, rows[first].problem_text) for _, count, first in most]

    @cached_property
    def tally(self) -> "Tally":
        """How many rows stand how."""
        found = self.rows.values_list("verdict", "result", "undo_result").annotate(count=Count("pk"))
        return Tally([tuple(each) for each in found.order_by()])


# So many reasons are told above the rows.
REASONS = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some rows could not be done."""

    count: int
    number: int
    """The first of these rows."""
    text: str
    """As it is told there."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a batch there are, by verdict, result, and what undoing gave."""

    groups: list[tuple[str, str, str, int]]

    def _of(self, *, verdict: str = "", result: str | None = None, undo: str | None = None) -> int:
        return sum(
            count
            for a, b, c, count in self.groups
            if (not verdict or a == verdict)
            and (result is None or b == result)
            and (undo is None or c == undo)
        )

    @property
    def all(self) -> int:
        return self._of()

    @property
    def new(self) -> int:
        return self._of(verdict=Row.Verdict.NEW)

    @property
    def changed(self) -> int:
        return self._of(verdict=Row.Verdict.CHANGED)

    @property
    def deleted(self) -> int:
        return self._of(verdict=Row.Verdict.DELETED)

    @property
    def links(self) -> int:
        return self._of(verdict=Row.Verdict.LINK)

    @property
    def unchanged(self) -> int:
        return self._of(verdict=Row.Verdict.UNCHANGED)

    @property
    def refused(self) -> int:
        return self._of(verdict=Row.Verdict.REFUSED)

    @property
    def made(self) -> int:
        """New mailboxes that are there, which undoing deletes."""
        return self._of(verdict=Row.Verdict.NEW, result=Row.Result.DONE)

    @property
    def put_back(self) -> int:
        """Mailboxes that undoing changes back."""
        return self._of(verdict=Row.Verdict.CHANGED, result=Row.Result.DONE)

    @property
    def brought_back(self) -> int:
        """Deleted mailboxes that undoing brings back."""
        return self._of(verdict=Row.Verdict.DELETED, result=Row.Result.DONE)

    @property
    def to_do(self) -> int:
        """Those that something happens to."""
        return self.all - self.unchanged - self.refused

    @property
    def done(self) -> int:
        return self._of(result=Row.Result.DONE)

    @property
    def left(self) -> int:
        """Those that were to be done and could not be any more."""
        return self._of(result=Row.Result.LEFT)

    @property
    def undone(self) -> int:
        return self._of(undo=Row.Result.DONE)

    @property
    def undo_left(self) -> int:
        return self._of(undo=Row.Result.LEFT)

    @property
    def percent(self) -> int:
        return (self.done + self.left) * 100 // self.to_do if self.to_do else 100

    @property
    def undo_percent(self) -> int:
        return (self.undone + self.undo_left) * 100 // self.done if self.done else 100


class RowQuerySet(models.QuerySet["Row"]):
    def to_do(self) -> "RowQuerySet":
        """Those not carried out yet, in the order of the file."""
        still = (Row.Verdict.UNCHANGED, Row.Verdict.REFUSED)
        return self.filter(result="").exclude(verdict__in=still).order_by("number")

    def to_undo(self) -> "RowQuerySet":
        """Those carried out and not undone yet, the last first."""
        return self.filter(result=Row.Result.DONE, undo_result="").order_by("-number")

    def without_password(self) -> "RowQuerySet":
        """New mailboxes whose users have not chosen a password yet, in the order of the file."""
        made = self.filter(verdict=Row.Verdict.NEW, result=Row.Result.DONE, mailbox__password_hash="")
        return made.filter(mailbox__deleted_at=None, mailbox__enabled=True).order_by("number")

    def not_done(self) -> "RowQuerySet":
        """What to mend and give again: refused when it was planned, or when it was carried out."""
        return self.filter(Q(verdict=Row.Verdict.REFUSED) | Q(result=Row.Result.LEFT)).order_by("number")

    def showing(self, name: str) -> "RowQuerySet":
        """Those with a verdict, or, for TROUBLE, those that could not be done or undone; else all."""
        if name in Row.Verdict.values:
            return self.filter(verdict=name)
        if name == TROUBLE:
            left = Row.Result.LEFT
            return self.filter(Q(verdict=Row.Verdict.REFUSED) | Q(result=left) | Q(undo_result=left))
        return self.all()


TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that a row sets, in words; "" stands for empty."""

    label: str
    before: str
    after: str


class Row(models.Model):
    """What is to happen to one mailbox, and what did."""

    class Verdict(models.TextChoices):
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        LINK = "link", _("gets a link")
        UNCHANGED = "unchanged", _("as it is")
        REFUSED = "refused", _("refused")

    class Result(models.TextChoices):
        DONE = "done", _("done")
        LEFT = "left", _("left as it was")

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text=_("The row of the file, counted as a spreadsheet does."))
    address = models.CharField(max_length=320, help_text=_("As it was typed, where it is none."))
    verdict = models.CharField(max_length=10, choices=Verdict)
    cells = models.JSONField(default=list, help_text=_("As they were typed."))
    wanted = models.JSONField(default=dict, help_text=_("The fields to set."))
    seen = models.JSONField(default=dict, help_text=_("What was there when it was planned."))
    # Erased as soon as the mailbox has it.
    password_hash = models.CharField(max_length=500, blank=True, editable=False)
    problem = models.TextField(blank=True, help_text=_("Why it was refused, or left as it was."))
    problem_values = models.JSONField(default=dict, blank=True)
    mailbox = models.ForeignKey(Mailbox, models.SET_NULL, null=True, related_name="+")
    change = models.ForeignKey(Change, models.SET_NULL, null=True, related_name="+")
    result = models.CharField(max_length=5, blank=True, choices=Result)
    undo_result = models.CharField(max_length=5, blank=True, choices=Result)

    objects = RowQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["batch", "number"], name="one_row_each_number"),)
        indexes = (
            models.Index(fields=["batch", "verdict", "number"], name="row_by_verdict"),
            models.Index(fields=["batch", "number"], name="row_to_do", condition=Q(result="")),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.address}"

    @property
    def problem_text(self) -> str:
        return say(self.problem, self.problem_values)

    @property
    def differences(self) -> list[Difference]:
        """What it sets, in the reader's language; of a new mailbox, what is not as usual."""
        usual: dict[str, Any] = {"name": "", "recovery_address": "", **dict.fromkeys(SWITCHES, True)}
        usual["language"] = self.batch.domain.language
        is_new = self.verdict == self.Verdict.NEW
        return [
            Difference(label_of(name), told(name, self.seen.get(name)), told(name, value))
            for name, value in self.wanted.items()
            if not (is_new and name in usual and usual[name] == value)
        ]


def label_of(name: str) -> str:
    labels = {
        "name": _("Name"),
        "recovery_address": _("Recovery address"),
        "quota_bytes": _("Room for mail"),
        "login": _("Login"),
        "enabled": _("People can sign in"),
        "sends": _("Sending is allowed"),
        "receives": _("New mail is taken"),
        "auto_reply_on": _("Auto-reply"),
        "forwarding_on": _("Forwarding"),
        "language": _("Language"),
        "with_hash": _("Password"),
        "template": _("Template"),
    }
    return str(labels.get(name, name))


def told(name: str, value: Any) -> str:
    """A field's value in words; "" for empty."""
    if value is None or value == "":
        return ""
    if name == "quota_bytes":
        return in_words(int(value)) if value else gettext("no limit")
    if name == "with_hash":
        return gettext("as its hash in the file says")
    if isinstance(value, bool):
        return _yes_or_no(name, value=value)
    return language_name(str(value)) if name == "language" else str(value)


def _yes_or_no(name: str, *, value: bool) -> str:
    if name in ("auto_reply_on", "forwarding_on"):
        return gettext("on") if value else gettext("off")
    return gettext("yes") if value else gettext("no")


def domain_of_batch(number: int) -> str:
    """Its name; empty when there is no such batch."""
    return Batch.objects.filter(pk=number).values_list("domain__name", flat=True).first() or ""
