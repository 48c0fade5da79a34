"""Where one feature of an aspect stands: the auto-reply alone, though a script is pushed as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailservers.models import Change


class Where(StrEnum):
    """Whether what is set here is so on the server."""

    THERE = "there"
    COMING = "coming"
    FAILED = "failed"
    DIFFERS = "differs"
    """Somebody changed it there, and nobody has decided yet."""


def where(change: Change | None, *, differs: bool = False) -> Where:
    """By the change that tells where a thing stands, and by what a look has found (it may know)."""
    if change is not None and change.state in Change.OPEN:
        return Where.COMING
    if change is not None and change.state == Change.State.FAILED:
        return Where.FAILED
    return Where.DIFFERS if differs or getattr(change, "differs", False) else Where.THERE


@dataclass(frozen=True, slots=True)
class Standing:
    """What a badge beside a feature shows, and what its button takes back."""

    shown: Change
    """Its state is the feature's."""
    own: Change | None
    """The newest that has set the feature, which an undo beside it is about."""
    feature: str

    @property
    def where(self) -> Where:
        return where(self.shown)


def standing_of(newest: Sequence[Change], feature: str) -> Standing | None:
    """Of the newest changes of each feature of one aspect; None while nothing has touched this feature.

    Each push brings the whole aspect. So one that a newer push of another feature has overtaken stands where
    that one does, and one that was live stays so when a newer push of another feature fails.
    """
    ordered = sorted(newest, key=lambda change: change.pk)
    setting = [each for each in ordered if each.feature in (feature, Change.Feature.WHOLE)]
    touching = [each for each in ordered if each in setting or each.feature == Change.Feature.NONE]
    if not setting:
        return None
    last, own, whole = touching[-1], setting[-1], ordered[-1]
    settled = last.state in (Change.State.LIVE, Change.State.CANCELLED)
    shown = last if settled else whole
    if shown.state == Change.State.LIVE and own.state != Change.State.CANCELLED:
        own.carried = True  # type: ignore[attr-defined]
    return Standing(shown, own, feature)
