"""The rows of the audit's search. Drawn here: a template takes five times as long for fifty of them."""

from collections.abc import Iterable, Mapping
from html import escape

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from audit.models import Event
from audit.sentences import sentence_for
from mailservers.models import Change
from portal.templatetags.icons import icon
from portal.templatetags.states import ICONS, state_badge
from portal.templatetags.times import moment

register = template.Library()


@register.simple_tag
def event_rows(events: Iterable[Event]) -> SafeString:
    # Django takes its time to make an address; these differ in their number alone.
    before, after = reverse("support:show-event", args=[0]).split("0")
    when, about, outcome = (escape(word) for word in (_("When"), _("About"), _("Outcome")))
    source, done = escape(pgettext("an address", "From")), escape(_("done"))
    icons = {state: icon(name) for state, name in ICONS.items()}
    rows = [
        '<tr role="row"><th role="rowheader" scope="row" class="anywhere">'
        f'<a href="{before}{event.number}{after}">{escape(sentence_for(event))}</a></th>'
        f'<td role="cell" data-label="{when}"><span>{moment(event.at)}</span></td>'
        f'<td role="cell" data-label="{about}" class="anywhere"><bdi>{_text(event.subject)}</bdi></td>'
        f'<td role="cell" data-label="{source}"><span>{_text(event.source_address)}</span></td>'
        f'<td role="cell" data-label="{outcome}"><div>{_result(event, done, icons)}</div></td></tr>\n'
        for event in events
    ]
    return SafeString("".join(rows))


def _text(text: str) -> str:
    return escape(text) if text else "–"


def _result(event: Event, done: str, icons: Mapping[str, str]) -> str:
    change = getattr(event, "change", None)
    if change is not None:
        change.wanted = event.verb
        return _badge(change)
    if event.outcome == Event.Outcome.DONE:
        return done
    failed = event.outcome == Event.Outcome.FAILED
    state = Change.State.FAILED if failed else Change.State.WAITING
    words = escape(event.get_outcome_display())
    return f'<span class="state state-{state}">{icons[state]} <span class="words">{words}</span></span>'


def _badge(change: Change) -> str:
    """As in a list; by a template of its own while the change is not settled, which asks again."""
    if change.is_settled:
        return state_badge(change, "history")
    return render_to_string("mailservers/_state.html", {"change": change, "place": "list"})
