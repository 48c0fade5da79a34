"""How a change's badge looks, and when it asks again where the change stands."""

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
    "waiting": gettext_noop("waiting for %(server)s"),
    "put off": gettext_noop("waiting: %(reason)s Trying again at %(time)s."),
    "pushing": gettext_noop("being sent to %(server)s"),
    "live": gettext_noop("live on %(server)s since %(time)s"),
    "live in list": gettext_noop("live since %(time)s"),
    "live in history": gettext_noop("live on %(server)s at %(time)s"),
    "failed": gettext_noop("failed: %(reason)s"),
    "superseded": gettext_noop("replaced by a newer change"),
}

ICONS: dict[str, str] = {
    Change.State.WAITING: "clock",
    Change.State.PUSHING: "upload",
    Change.State.LIVE: "check",
    Change.State.FAILED: "alert",
    Change.State.SUPERSEDED: "replaced",
    Change.State.CANCELLED: "cancelled",
}


@register.filter
def pause(asked: int | str) -> int:
    """Milliseconds until a badge that has asked so often asks again."""
    times = int(asked or 0)
    return PAUSES_MS[min(times, len(PAUSES_MS) - 1)]


@register.filter
def state_icon(change: Change) -> str:
    return ICONS[change.state]


@register.simple_tag(takes_context=True)
def way_on(context: Context, change: Change) -> str:
    """cancel, undo, try-again, or "" when the reader can do nothing about it (any more)."""
    way = outbox.way_on(change)
    if way in (outbox.WayOn.CANCEL, outbox.WayOn.UNDO) and not outbox.may_take_back(
        change, context["request"].user
    ):
        return ""
    return way or ""


@register.filter
def is_put_off(change: Change) -> bool:
    """Whether an attempt did not succeed, and the next one is still to come."""
    return bool(change.reason) and change.tries_again_at > timezone.now()


@register.simple_tag
def state_badge(change: Change | None) -> SafeString:
    """The badge of a row in a list, drawn in one go: a template takes ten times as long for each."""
    if change is None:
        return format_html('<span class="soft">{}</span>', pgettext("a change", "none yet"))
    # Every part is safe: a state, or made so.
    return SafeString(
        f'<span class="state state-{change.state}" {state_attributes(change, place="list")}>'
        f'{icon(ICONS[change.state])}<span class="words">{state_words(change, "list")}</span></span>'
    )


@register.simple_tag
def state_attributes(
    change: Change, asked: int | str = 0, place: str = "", *, changeable: bool | str = False
) -> SafeString:
    """What scripts and tests know a badge by, and how it asks again until the change is settled."""
    told = SafeString(f'id="change-{change.pk}" data-state="{change.state}" data-change="{change.pk}"')
    if change.is_settled:
        return told
    return format_html(
        '{} hx-get="{}?asked={}&amp;place={}{}" hx-trigger="load delay:{}ms, ask" hx-swap="outerHTML"',
        told,
        reverse("accounts:show-state", args=[change.pk]),
        int(asked or 0) + 1,
        quote(place),
        SafeString("&amp;button=1") if changeable and place != "list" else "",
        pause(asked),
    )


@register.simple_tag
def state_words(change: Change, place: str = "") -> SafeString:
    """Where a change stands, in the one place that says it; "list" and "history" take shorter words."""
    kind = change.state
    if kind == Change.State.CANCELLED:
        return SafeString(pgettext("a change", "cancelled"))
    if kind == Change.State.WAITING and is_put_off(change):
        kind = "put off"
    elif kind == Change.State.LIVE and place in ("list", "history"):
        kind = f"live in {place}"
    sentence = gettext(SENTENCES[kind])
    at = change.tries_again_at if kind == "put off" else change.settled_at
    return SafeString(
        sentence
        % {
            "server": conditional_escape(change.server.name),
            "reason": conditional_escape(change.reason_text) if "%(reason)s" in sentence else "",
            "time": moment(at) if at and "%(time)s" in sentence else "",
        }
    )
