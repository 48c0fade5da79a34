"""To which addresses of a mailbox mail is answered: docs/decisions/024."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.alias_leads import led_here_with_others
from vacation.models import AutoReply
from vacation.rendering import fit_address
from vacation.sieve import UnfitText


@dataclass(frozen=True, slots=True)
class Alias:
    """One that leads to the mailbox."""

    address: str
    others: int
    """To so many others it leads too: in a group nobody answers for all, unless they want to."""
    is_fit: bool
    """The mail server would know it again in a mail."""
    is_answered: bool

    @property
    def is_catch_all(self) -> bool:
        return self.address.startswith("@")

    @property
    def can_be_answered(self) -> bool:
        return self.is_fit and not self.is_catch_all


def aliases_of(auto_reply: AutoReply, led_here: Mapping[str, int] | None = None) -> list[Alias]:
    """All that lead to its mailbox, the catch-all included; `led_here`: where they were read just now."""
    found = led_here_with_others(auto_reply.mailbox) if led_here is None else led_here
    return [_judged(auto_reply, address, others) for address, others in found.items()]


def choose(
    auto_reply: AutoReply, led_here: Mapping[str, int], *, shown: Sequence[str], ticked: Sequence[str]
) -> None:
    """Note what somebody chose of those they were shown; what is as it is by itself is not noted."""
    aliases = [
        alias
        for alias in aliases_of(auto_reply, led_here)
        if alias.address in shown and alias.can_be_answered
    ]
    for name, others_too in (("left_out", False), ("groups", True)):
        kept = [address for address in getattr(auto_reply, name) if address not in shown]
        chosen = [
            alias.address
            for alias in aliases
            if (alias.others > 0) == others_too and (alias.address in ticked) == others_too
        ]
        setattr(auto_reply, name, sorted({*kept, *chosen}))


def is_known_to_the_server(address: str) -> bool:
    """Whether Pigeonhole takes it for an address, as which it would find it in a mail."""
    try:
        fit_address(address)
    except UnfitText:
        return False
    return True


def _judged(auto_reply: AutoReply, address: str, others: int) -> Alias:
    is_fit = is_known_to_the_server(address)
    wanted = address in auto_reply.groups if others else address not in auto_reply.left_out
    return Alias(address, others, is_fit, wanted and is_fit and not address.startswith("@"))
