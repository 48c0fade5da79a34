"""The parts of a mailbox that are each pushed as one whole, and how each is built, written and read.

The apps above register theirs in AppConfig.ready; nothing here knows what a mailbox looks like inside.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from celery.exceptions import SoftTimeLimitExceeded

from audit.chain import Actor
from audit.models import Event
from mailservers.drivers.base import Driver, DriverError, Limits, Told, unexpected
from mailservers.models import subject_field

if TYPE_CHECKING:
    from accounts.models import Alias, Domain, Mailbox
    from mailservers.models import Change

    Subject = Mailbox | Alias


# How a change was taken back: before its server heard of it, or after.
TakenBack = Literal["cancelled", "undone"]


def unaltered(state: Any, _limits: Limits) -> Any:
    return state


def whole(_wanted: Any, held: Any) -> Any:
    return held


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What one of many mailboxes was read to hold."""

    state: Any
    redirects: tuple[str, ...] | None = None
    """Where its mail is sent on to; None where the aspect does not tell."""
    in_the_way: bool = False
    """There is something that may be why a change failed: it is told even where nothing was ever live."""


Report = TypeVar("Report")


def see_each(
    reports: Mapping[str, "Report | DriverError"], see: "Callable[[Report], Seen]"
) -> dict[str, "Seen | DriverError"]:
    """What was read of each: one that can't be understood keeps nobody else from being seen."""
    seen: dict[str, Seen | DriverError] = {}
    for name, report in reports.items():
        if isinstance(report, DriverError):
            seen[name] = report
            continue
        try:
            seen[name] = see(report)
        except SoftTimeLimitExceeded:
            raise
        except Exception as surprise:  # noqa: BLE001 - a reader of what anybody wrote
            seen[name] = unexpected(surprise)
    return seen


# What `Drift.leave` begins with where mail is sent on by it: that is a webmaster's to leave.
SENDS_ON = "sends-on"


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """What somebody changed on the server. Nothing in the sentences is a secret."""

    differences: tuple[tuple[str, dict[str, Any]], ...]
    """Sentences with %(name)s places, and what fills them."""
    held: dict[str, Any] | None
    """What `Watch.keep` needs to take it over; None: the portal can't."""
    why_not: str = ""
    """Then: why, as a sentence."""
    keeping: tuple[tuple[str, dict[str, Any]], ...] = ()
    """What else happens when it is kept, in sentences."""
    restoring: tuple[Told, ...] = ()
    """What else happens when what is set here is restored, in sentences."""
    put_right: dict[str, Any] | None = None
    """What `Watch.restore` needs; None: a push is enough."""
    leave: str = ""
    """Not empty: what is set here holds all the same, so it may be left. Another one once it changes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """How changes made outside the portal are found, told and taken over."""

    explain: Callable[[Any, Any, Any], Drift]
    """Tells the difference (subject, wanted, held)."""
    keep: Callable[[Any, dict[str, Any], Actor], Event]
    """Lets the database take over what `Drift.held` tells, and records who did."""
    read: Callable[[Driver, Sequence[str], int, float], Mapping[str, Seen | DriverError]] | None = None
    """Asks for many (driver, names there, connections, seconds); what is not read in time is left out."""
    read_domain: Callable[[Driver, "Domain"], Mapping[str, Seen]] | None = None
    """Instead: tells all that the server has in a domain, by name there, also what nobody here knows of."""
    note_unknown: Callable[["Domain", Mapping[str, Any]], "tuple[Sequence[Subject], bool]"] | None = None
    """Then: rows for states that were found by these names, as if they had been here and were deleted; and
    whether the domain was looked at before."""
    alarm: Callable[[Sequence[tuple[Any, Sequence[str]]], bool], None] | None = None
    """Told, in the check's transaction, to where mail is sent on that was not before; False: there was no
    before, this is the first look at what the portal did not make."""
    noted: Callable[[Sequence[tuple[Any, Any]]], None] | None = None
    """Told, in the check's transaction, what each of them was read to hold."""
    restore: Callable[[Any, dict[str, Any], Actor], Event] | None = None
    """Notes what else the next push has to do, by `Drift.put_right`, so that what is set here holds again."""
    may_keep: Callable[[Any, dict[str, Any], Any], bool] | None = None
    """Whether this person may have it kept (subject, `Drift.held`, person), who may settle it otherwise."""
    needs_proof: Callable[[Any, dict[str, Any]], bool] | None = None
    """Whether keeping it is something that nobody may do at an open screen (subject, `Drift.held`)."""
    after_refusal: bool = False
    """What somebody changed there may be why a server refuses: then it is looked at once more."""
    after_push: Callable[[Any], bool] | None = None
    """Whether it is looked at once more after a push, by what that found there (held)."""
    at_once: int = 100
    """So many mailboxes, or domains, are read in one go."""


@dataclasses.dataclass(frozen=True, slots=True)
class Aspect:
    """A part of a mailbox, or an alias: its subject. States are frozen dataclasses; None: there is none."""

    name: str
    desired: Callable[[Any], Any]
    """The state the database wants now (subject)."""
    put: Callable[[Driver, str, Any], None]
    """Tells the server (driver, the subject's name there, state)."""
    read: Callable[[Driver, str], Any]
    """Asks the server (driver, the subject's name there)."""
    differences: Callable[[Any, Any], list[str]]
    """What differs between the wanted state and the one read back, in words without secrets."""
    fit: Callable[[Any, Limits], Any] = unaltered
    """The wanted state as a server with these limits can hold it; raises Refused when it can't."""
    own: Callable[[Any, Any], Any] = whole
    """What a server holds without what is not the portal's business (wanted, held)."""
    noted: Callable[[Any, Any, Any], None] | None = None
    """What else to keep once the server holds it (subject, wanted, held)."""
    read_back: Callable[[Driver, str, Any], Any] | None = None
    """For what is done once and can't drift: asks whether it was done (driver, login, state), and tells the
    state itself if so. `read` is never called then, and nothing is kept to compare with."""
    joins: tuple[str, ...] = ()
    """What `desired` reads beside the mailbox, as names for select_related."""
    gathers: tuple[str, ...] = ()
    """The same where it is many rows, as names for prefetch_related."""
    restore: Callable[[Any, dict[str, Any], Actor, TakenBack], Event] | None = None
    """Brings back what an event's `before` holds, and records who did; None: it can't be taken back."""
    feature_of: Callable[[Event], str] | None = None
    """Which part of it an event has set, where parts are set and taken back apart: see `Change.feature`."""
    may_restore: Callable[["Change", Any], bool] | None = None
    """Whether this person may have it brought back, who may change the mailbox otherwise (change, person)."""
    restore_needs_proof: Callable[[Any, dict[str, Any]], bool] | None = None
    """Whether bringing it back is something that nobody may do at an open screen (subject, `before`)."""
    watch: Watch | None = None
    """None: nobody else changes it."""


_aspects: dict[str, Aspect] = {}


def register(aspect: Aspect) -> None:
    _aspects[aspect.name] = aspect


def watched_aspects() -> list[Aspect]:
    """Those of mailboxes first, in the order of their names."""
    names = sorted(_aspects, key=lambda name: (subject_field(name) != "mailbox", name))
    return [_aspects[name] for name in names if _aspects[name].watch is not None]


def aspect_named(name: str) -> Aspect:
    """Raises KeyError for a name that no app registered."""
    return _aspects[name]


def fingerprint(state: Any) -> str:
    """SHA-256, in hexadecimal, of a state: equal states have equal fingerprints."""
    fields: dict[str, Any] | None = None
    if state is not None:
        left_out = {
            field.name
            for field in dataclasses.fields(state)
            if field.metadata.get("passing")
            or (field.metadata.get("usual") and getattr(state, field.name) == field.default)
        }
        fields = {name: told for name, told in dataclasses.asdict(state).items() if name not in left_out}
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()
