"""From the rows of a mailbox to what its script is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from accounts.models import Mailbox
from vacation.answered import aliases_of, is_known_to_the_server
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget
from vacation.rendering import AutoReplyContent, ForwardContent, render_script
from vacation.sieve import UnfitText


def auto_reply_of(mailbox: Mailbox) -> AutoReply | None:
    """As it was joined, if it was; None also when it is off."""
    found: AutoReply | None = getattr(mailbox, "auto_reply", None)
    return found if found is not None and found.enabled else None


def forwarding_of(mailbox: Mailbox) -> Forwarding | None:
    found: Forwarding | None = getattr(mailbox, "forwarding", None)
    return found


def content_of(auto_reply: AutoReply, led_here: Mapping[str, int] | None = None) -> AutoReplyContent:
    mailbox = auto_reply.mailbox
    answered = [alias.address for alias in aliases_of(auto_reply, led_here) if alias.is_answered]
    return AutoReplyContent(
        address=mailbox.address,
        name=mailbox.name,
        aliases=tuple(dict.fromkeys(filter(is_known_to_the_server, [*answered, *auto_reply.addresses]))),
        subject=auto_reply.subject,
        text=auto_reply.text,
        days=auto_reply.days,
        starts=auto_reply.starts,
        ends=auto_reply.ends,
        further=tuple((window[0], window[1]) for window in auto_reply.further()),
        weekdays=tuple(auto_reply.weekdays),
        zone=auto_reply.zone or settings.TIME_ZONE,
        outside_text=auto_reply.outside_text,
        handle=f"portal-{mailbox.pk}-{auto_reply.absence}",
    )


def reachable_targets(forwarding: Forwarding) -> tuple[str, ...]:
    """The addresses that mail goes to now."""
    reached = reachable_among(forwarding, forwarding.listed_targets())
    return tuple(sorted(target.address for target in reached))


def reachable_among(forwarding: Forwarding, targets: Sequence[ForwardingTarget]) -> list[ForwardingTarget]:
    """Those that have agreed, still take mail, and are allowed by the domain's rules as they are now.

    While the mailbox is frozen none outside the domain is.
    """
    domain = forwarding.mailbox.domain
    rules, is_frozen = DomainRules.of(domain), forwarding.mailbox.frozen_at is not None
    return [
        target
        for target in targets
        if target.answer == "confirmed"
        and target.gone_at is None
        and rules.permits(target.address)
        and not (is_frozen and target.address.rpartition("@")[2] != domain.name)
    ]


def forward_content_of(forwarding: Forwarding | None, auto_reply: AutoReply | None) -> ForwardContent | None:
    """None: nothing is sent on, now or later."""
    if forwarding is None or not forwarding.enabled:
        return None
    if forwarding.only_while_away and auto_reply is None:
        return None
    targets = reachable_targets(forwarding)
    if not targets:
        return None
    return ForwardContent(
        targets=targets,
        keep_copy=forwarding.keep_copy,
        ends=forwarding.ends,
        while_away=content_of(auto_reply) if auto_reply and forwarding.only_while_away else None,
    )


def script_text(mailbox: Mailbox) -> str:
    """The portal's part of the mailbox's script; empty when nothing is to be done.

    While the mailbox is frozen the rules of its own rest behind it, to the byte as they were.
    """
    auto_reply = auto_reply_of(mailbox)
    forward = forward_content_of(forwarding_of(mailbox), auto_reply)
    content = content_of(auto_reply) if auto_reply else None
    is_last = mailbox.frozen_at is not None
    try:
        return render_script(content, forward, is_last=is_last)
    except UnfitText:
        # The form has seen that the texts fit; since then many aliases may have come.
        if content is None or not content.aliases:
            raise
        return render_script(replace(content, aliases=()), forward, is_last=is_last)
