"""How a change's badge looks, and when it asks again where the change stands."""

from typing import NamedTuple
from urllib.parse import quote

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, pgettext

from mailservers import outbox
from mailservers.models import Change
from portal.templatetags.icons import icon
from portal.templatetags.times import moment

register = template.Library()

# Most changes are live within a second; one that waits for a server that is down may wait for hours.
PAUSES_MS = (400, 700, 1_000, 2_000, 3_000, 5_000, 8_000, 15_000, 30_000, 60_000)

SENTENCES = {
    "waiting": gettext_noop("Waiting for %(server)s"),
    "put off": gettext_noop("Waiting: %(reason)s Trying again at %(time)s."),
    "pushing": gettext_noop("Sending…"),
    "live": gettext_noop("On the server ✓ %(time)s"),
    "was live": gettext_noop("Reached the server ✓ %(time)s"),
    "removed": gettext_noop("Removed from the server ✓ %(time)s"),
    "done": gettext_noop("Done ✓ %(time)s"),
    "differs": gettext_noop("Differs on the server"),
    "failed": gettext_noop("Failed: %(reason)s"),
    "superseded": gettext_noop("Replaced"),
    "cancelled": gettext_noop("Cancelled"),
}
# What they wanted is that something is there no more.
REMOVING = {"mailbox.deleted", "mailbox.purged", "alias.deleted"}
# Done once; nothing of it stays there.
ONCE = {"trash"}

ICONS: dict[str, str] = {
    Change.State.WAITING: "clock",
    Change.State.PUSHING: "upload",
    Change.State.LIVE: "check",
    Change.State.FAILED: "alert",
    Change.State.SUPERSEDED: "replaced",
    Change.State.CANCELLED: "cancelled",
}


@register.filter
def pause(asked: object) -> int:
    """Milliseconds until a badge that has asked so often asks again."""
    return PAUSES_MS[min(_times(asked), len(PAUSES_MS) - 1)]


@register.filter
def next_ask(asked: object) -> int:
    """How often it will have asked then; also of what stands in an address."""
    return _times(asked) + 1


def _times(asked: object) -> int:
    told = str(asked or 0)
    return int(told) if told.isascii() and told.isdigit() and len(told) < 5 else 0


def kind_of(change: Change, place: str = "") -> str:
    """Which of the sentences is so; what else it takes to know that is read with `told_apart`."""
    state = str(change.state)
    if state == Change.State.WAITING and is_put_off(change):
        return "put off"
    if state != Change.State.LIVE:
        return state
    if change.aspect in ONCE:
        return "done"
    if place == "history" and not getattr(change, "stands", False):
        return "was live"
    if getattr(change, "differs", False):
        return "differs"
    return "removed" if getattr(change, "wanted", None) in REMOVING else "live"


@register.simple_tag
def state_icon(change: Change, place: str = "") -> SafeString:
    """None beside a sentence that has its own sign."""
    kind = kind_of(change, place)
    if "✓" in SENTENCES[kind]:
        return SafeString("")
    return icon("alert" if kind == "differs" else ICONS[change.state])


@register.simple_tag
def state_class(change: Change, place: str = "") -> str:
    return "differs" if kind_of(change, place) == "differs" else str(change.state)


class Way(NamedTuple):
    """What the reader can do about a change, and how the button calls it."""

    name: str
    change: Change
    words: str


UNDO = {
    "auto_reply": gettext_noop("Undo the auto-reply of %(time)s"),
    "forwarding": gettext_noop("Undo the forwarding of %(time)s"),
    Change.Feature.WHOLE: gettext_noop("Undo the change of %(time)s"),
}


@register.simple_tag(takes_context=True)
def way_on(context: Context, change: Change, own: Change | None = None, place: str = "") -> Way | None:
    """None when the reader can do nothing about it (any more). `own`: what a cancel or undo is about."""
    if outbox.way_on(change) == outbox.WayOn.TRY_AGAIN:
        return Way("try-again", change, gettext("Try again"))
    about = own or change
    way = outbox.way_on(about)
    if way not in (outbox.WayOn.CANCEL, outbox.WayOn.UNDO):
        return None
    if not outbox.may_take_back(about, context["request"].user):
        return None
    if way == outbox.WayOn.CANCEL:
        return Way("cancel", about, pgettext("a change", "Cancel"))
    if place == "history":
        # It stands beside the sentence that says what.
        return Way("undo", about, gettext("Undo"))
    sentence = gettext(UNDO.get(about.feature, UNDO[Change.Feature.WHOLE]))
    return Way("undo", about, SafeString(sentence % {"time": moment(about.requested_at)}))


@register.filter
def is_put_off(change: Change) -> bool:
    """Whether an attempt did not succeed, and the next one is still to come."""
    return bool(change.reason) and change.tries_again_at > timezone.now()


@register.simple_tag
def state_badge(change: Change | None, place: str = "list") -> SafeString:
    """The badge of a row in a list, drawn in one go: a template takes ten times as long for each."""
    if change is None:
        return format_html('<span class="soft">{}</span>', pgettext("a change", "none yet"))
    # Every part is safe: a state, or made so.
    return SafeString(
        f'<span class="state state-{state_class(change, place)}" {state_attributes(change, place=place)}>'
        f'{state_icon(change, place)}<span class="words">{state_words(change, place)}</span></span>'
    )


@register.simple_tag
def state_attributes(
    change: Change,
    asked: int | str = 0,
    place: str = "",
    *,
    changeable: bool | str = False,
    feature: str = "",
) -> SafeString:
    """What scripts and tests know a badge by, and how it asks again until the change is settled."""
    told = SafeString(f'id="change-{change.pk}" data-state="{change.state}" data-change="{change.pk}"')
    if change.is_settled:
        return told
    return format_html(
        '{} hx-get="{}?asked={}&amp;place={}{}{}" hx-trigger="load delay:{}ms, ask" hx-swap="outerHTML"',
        told,
        reverse("accounts:show-state", args=[change.pk]),
        next_ask(asked),
        quote(place),
        SafeString("&amp;button=1") if changeable and place != "list" else "",
        SafeString(f"&amp;feature={quote(feature)}") if feature else "",
        pause(asked),
    )


@register.simple_tag
def state_words(change: Change, place: str = "") -> SafeString:
    """Where a change stands, in the one place that says it; "history" tells also what stands no more."""
    kind = kind_of(change, place)
    sentence = gettext(SENTENCES[kind])
    at = change.tries_again_at if kind == "put off" else change.settled_at
    return SafeString(
        sentence
        % {
            "server": conditional_escape(change.server.name) if "%(server)s" in sentence else "",
            "reason": conditional_escape(change.reason_text) if "%(reason)s" in sentence else "",
            "time": moment(at) if at and "%(time)s" in sentence else "",
        }
    )


@register.simple_tag(takes_context=True)
def fresh(context: Context, name: str) -> SafeString:
    """Attributes of a part that is read anew from this page once a change on it has settled (portal.js).

    A badge inside asks for itself alone, so nothing here is handed down to it. What answers a form is no page
    that could be read again.
    """
    if context["request"].method != "GET":
        return format_html('id="{0}"', name)
    told = (
        'id="{0}" data-fresh hx-get="" hx-select="#{0}" hx-trigger="settled from:body" hx-swap="outerHTML"'
        ' hx-disinherit="*"'
    )
    return format_html(told, name)
