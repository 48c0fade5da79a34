"""What an auto-reply or a forwarding does now: by its row, its change, and what its server was seen to hold.

Every page, list and badge that says so asks here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts.models import Mailbox
from mailservers.models import Change, Observation
from mailservers.standing import Where, standing_of, where
from vacation.content import reachable_among
from vacation.models import AutoReply, Forwarding, ForwardingTarget


class Phase(StrEnum):
    """What is set here."""

    OFF = "off"
    PLANNED = "planned"
    ON = "on"
    OVER = "over"
    ASKING = "asking"
    """Of a forwarding: nobody has agreed yet, so nothing is sent on."""
    NOWHERE = "nowhere"
    """Nor is it where each who has agreed takes no mail any more, or must get none now."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is set, and whether the server has it."""

    phase: Phase
    where: Where

    @property
    def is_so(self) -> bool:
        return self.where == Where.THERE

    @property
    def name(self) -> str:
        """For styles and tests: on, will-on, should-on."""
        prefix = {Where.THERE: "", Where.COMING: "will-"}.get(self.where, "should-")
        return f"{prefix}{self.phase}"


def reply_phase(auto_reply: AutoReply | None, now: datetime | None = None) -> Phase:
    """A mailbox that never had an auto-reply has it off."""
    if auto_reply is None or not auto_reply.enabled:
        return Phase.OFF
    now = now or timezone.now()
    window = auto_reply.window_at(now)
    if window is None:
        return Phase.OVER
    return Phase.PLANNED if window[0] and window[0] > now else Phase.ON


def forward_phase(forwarding: Forwarding | None, targets: Sequence[ForwardingTarget]) -> Phase:
    """`targets`: those that are listed."""
    if forwarding is None or not forwarding.enabled:
        return Phase.OFF
    if forwarding.is_over:
        return Phase.OVER
    if reachable_among(forwarding, targets):
        return Phase.ON
    is_asked = any(target.answer != "confirmed" for target in targets)
    return Phase.ASKING if is_asked else Phase.NOWHERE


def told_reply(
    auto_reply: AutoReply | None, change: Change | None, *, differs: bool = False, now: datetime | None = None
) -> Told:
    """`change`: the one that tells where the auto-reply stands (mailservers/standing.py)."""
    return Told(reply_phase(auto_reply, now), where(change, differs=differs))


def told_forwarding(
    forwarding: Forwarding | None,
    targets: Sequence[ForwardingTarget],
    change: Change | None,
    *,
    differs: bool = False,
) -> Told:
    return Told(forward_phase(forwarding, targets), where(change, differs=differs))


def change_of_reply(changes: Sequence[Change]) -> Change | None:
    """Of a mailbox's newest changes the one that tells where its auto-reply stands."""
    return _change_of(changes, "auto_reply")


def _change_of(changes: Sequence[Change], feature: str) -> Change | None:
    standing = standing_of([change for change in changes if change.aspect == "script"], feature)
    return standing.shown if standing else None


def where_each_stands(mailboxes: Sequence[Mailbox], feature: str) -> dict[int, Where]:
    """For a list, in two queries: whether what is set in each is so on its server."""
    changes = Change.objects.of_features([mailbox.pk for mailbox in mailboxes]) if mailboxes else {}
    differing = whose_scripts_differ(mailboxes)
    return {
        mailbox.pk: where(_change_of(changes.get(mailbox.pk, []), feature), differs=mailbox.pk in differing)
        for mailbox in mailboxes
    }


def whose_scripts_differ(mailboxes: Sequence[Mailbox]) -> set[int]:
    """For a list: where a look has found something else than what is set, and nobody has decided yet."""
    here = Observation.objects.filter(mailbox__in=[mailbox.pk for mailbox in mailboxes], aspect="script")
    return set(here.filter(drifted_since__isnull=False).values_list("mailbox", flat=True))
