"""Events of the audit chain in the history of a mailbox: what happened, and what is different since."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.template import Context
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Person
from accounts.sizes import in_words
from audit.models import Event
from audit.sentences import own_sentence_for, sentence_for, sentence_to_you
from mailservers.models import printable, say
from mailservers.moments import read_moment
from portal.templatetags.times import weekday, weekday_and_moment

register = template.Library()

LABELS = {
    "helper": gettext_noop("Who may help"),
    "hours": gettext_noop("Hours"),
    "aspect": gettext_noop("What was sent"),
    "attempt": gettext_noop("Attempt"),
    "seconds": gettext_noop("Seconds it took"),
    "read_back": gettext_noop("Mark of what was read back"),
    "batch": gettext_noop("Number of the plan"),
    "rows_new": gettext_noop("New mailboxes"),
    "rows_changed": gettext_noop("Changed mailboxes"),
    "rows_deleted": gettext_noop("Deleted mailboxes"),
    "rows_links": gettext_noop("Links to choose a password"),
    "rows_unchanged": gettext_noop("Mailboxes as they were"),
    "rows_refused": gettext_noop("Refused rows"),
    "filter": gettext_noop("Filter"),
    "format": gettext_noop("Kind of file"),
    "enabled": gettext_noop("Answer automatically"),
    "subject": gettext_noop("Subject"),
    "text": gettext_noop("Text"),
    "starts": gettext_noop("From"),
    "ends": gettext_noop("Until"),
    "days": gettext_noop("Days between two replies to one sender"),
    "forward": gettext_noop("Forward mail"),
    "targets": gettext_noop("Forwarded to"),
    "leads_to": gettext_noop("Leads to"),
    "alias": gettext_noop("Alias"),
    "max_aliases": gettext_noop("Most aliases"),
    "keep_copy": gettext_noop("Keep a copy here"),
    "forward_until": gettext_noop("Forward until"),
    "only_while_away": gettext_noop("Only while the auto-reply answers"),
    "outside_text": gettext_noop("Text for people outside the domain"),
    "periods": gettext_noop("Further periods"),
    "weekdays": gettext_noop("Only on these days of the week"),
    "addresses": gettext_noop("Other addresses that are answered"),
    "again": gettext_noop("Tell everybody once more"),
    "left_out": gettext_noop("Aliases that are not answered"),
    "groups": gettext_noop("Groups that are answered"),
    "own_rules_first": gettext_noop("Rules made in webmail run first"),
    "off_in_webmail": gettext_noop("Rules that are switched off in webmail"),
    "reason": gettext_noop("Reason"),
    "template": gettext_noop("Template"),
    "title": gettext_noop("Name of the template"),
    "address_style": gettext_noop("Address"),
    "begins_with_reply": gettext_noop("Auto-reply"),
    "reply_on": gettext_noop("The auto-reply answers from the first day"),
    "note": gettext_noop("Note"),
    "is_default": gettext_noop("Begin with it unless another one is chosen"),
    "rule_outside": gettext_noop("Mail may be forwarded"),
    "rule_allow_list": gettext_noop("Allowed domains and addresses"),
    "rule_auto_reply": gettext_noop("A mailbox's auto-reply is changed by"),
    "rule_forwarding": gettext_noop("A mailbox's forwarding is changed by"),
    "answered_by": gettext_noop("Address"),
    "target": gettext_noop("Address"),
    "asked": gettext_noop("Address"),
    "maintenance_starts": gettext_noop("From"),
    "maintenance_ends": gettext_noop("Until"),
    "notice": gettext_noop("What people are told"),
    "login": gettext_noop("Login on the mail server"),
    "quota_bytes": gettext_noop("Room for mail"),
    "default_quota_bytes": gettext_noop("Room for a new mailbox"),
    "max_mailboxes": gettext_noop("Most mailboxes"),
    "server": gettext_noop("Mail server"),
    "max_quota_bytes": gettext_noop("All mailboxes together"),
    "saved_before": gettext_noop("What was put there before"),
    "warning_thresholds": gettext_noop("Warnings at these percentages"),
    "on_the_server": gettext_noop("On the mail server"),
    "sent_on_to": gettext_noop("Sent on to"),
    "signing_in": gettext_noop("People can sign in"),
    "sends": gettext_noop("Sending is allowed"),
    "receives": gettext_noop("New mail is taken"),
    "name": gettext_noop("Name"),
    "language": gettext_noop("Language"),
    "time_zone": gettext_noop("Time zone"),
    "recovery_address": gettext_noop("Recovery address"),
    "from": gettext_noop("Asked from"),
    "device": gettext_noop("For"),
    "devices": gettext_noop("For"),
    "kept_until": gettext_noop("Can be brought back until"),
    "warn_webmasters": gettext_noop("Warn the webmasters as well"),
}
MOMENTS = {"starts", "ends", "kept_until", "forward_until", "saved_before"}
MOMENTS |= {"maintenance_starts", "maintenance_ends"}
SIZES = {"quota_bytes", "max_quota_bytes", "default_quota_bytes"}
LONG = {"text", "outside_text"}
# Beside what people read of it.
UNTOLD = {"zone", "own_rules_on", "own_rules_off"}
# The sentences of these events say it already.
TOLD = {"auto_reply.switched_on": {"enabled"}, "auto_reply.switched_off": {"enabled"}}
# And of an attempt to push the rest is told with its change.
ATTEMPT = {"aspect", "attempt", "seconds", "read_back", "reason_values"}
TOLD |= {f"change.{how}": ATTEMPT for how in ("live", "delayed", "failed")}
TOLD |= {f"mailbox.switched_{how}": {"signing_in"} for how in ("on", "off")}
TOLD |= {"forwarding.switched_on": {"forward"}, "forwarding.switched_off": {"forward"}}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that an event changed; "" stands for empty."""

    label: str
    before: str
    after: str
    is_long: bool
    is_quoted: bool
    """Whether people wrote it."""


@register.filter
def sentence(event: Event) -> str:
    """With names, as staff read it."""
    return sentence_for(event)


@register.simple_tag(takes_context=True)
def told(context: Context, event: Event) -> str:
    """The event as a sentence to whoever reads the page: "You …" for what they did, "Your webmaster … your …"
    for what was done to their mailbox (`is_theirs` in the context) or to them, else with names.
    """
    reader = context.get("user")
    if not isinstance(reader, Person) or reader.sees_everything or event.who_digest:
        return sentence_for(event)
    if event.by_id == reader.pk and not event.on_behalf_of_name:
        return own_sentence_for(event)
    is_them = event.subject_kind == Person._meta.label_lower and event.subject_id == reader.pk
    if is_them or context.get("is_theirs"):
        return sentence_to_you(event, _role(event))
    return sentence_for(event)


def _role(event: Event) -> str:
    """Who did something to the reader, as the reader knows them."""
    if event.on_behalf_of_name:
        return _("%(helper)s of the support staff, let in by your webmaster,") % {"helper": event.by_name}
    if event.by_id is None:
        return _("The portal")
    try:
        by = event.by
    except Person.DoesNotExist:
        by = None
    if by is None:
        return event.by_name
    if by.is_operator:
        return _("Your mail provider")
    if by.is_support:
        return _("The support staff")
    return _("Your webmaster")


@register.filter
def differences(event: Event) -> list[Difference]:
    """What the event changed, without what its sentence says already."""
    told = TOLD.get(event.verb, set())
    return list(_differences(_dict(event.before), _dict(event.after), told))


@register.filter
def all_differences(event: Event) -> list[Difference]:
    """The same with what the sentence says, and with what did not change left out only."""
    return list(_differences(_dict(event.before), _dict(event.after), {"reason_values"}))


@register.filter
def answer(attempt: Event) -> str:
    """Why an attempt to push did not succeed, in the server's and the driver's words."""
    told = _dict(attempt.after)
    return say(_as_it_stands(told.get("reason", "")), _dict(told.get("reason_values")))


def _dict(value: Any) -> dict[str, Any]:
    """What an event keeps can't be mended any more, whatever it is."""
    return value if isinstance(value, dict) else {}


def _differences(before: dict[str, Any], after: dict[str, Any], told: set[str]) -> Iterator[Difference]:
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        # An empty text and none at all are the same to people.
        if key in told or key in UNTOLD or (old or "") == (new or ""):
            continue
        yield Difference(
            label=_(LABELS[key]) if key in LABELS else printable(key),
            before=_in_words(key, old),
            after=_in_words(key, new),
            is_long=key in LONG,
            is_quoted=key in ("subject", "text", "outside_text"),
        )


def _in_words(key: str, value: Any) -> str:
    if isinstance(value, list):
        return _list_in_words(key, value)
    if key in MOMENTS and value:
        return _moment(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if key in SIZES and isinstance(value, int):
        return in_words(value) if value else _("no limit")
    return _as_it_stands(value)


def _moment(told: Any) -> str:
    """In words; as it stands when it is none."""
    found = read_moment(told)
    return weekday_and_moment(found) if found else _as_it_stands(told)


def _as_it_stands(value: Any) -> str:
    if value is None:
        return ""
    try:
        return printable(str(value))
    except ValueError:
        # Python writes no number of more than 4300 digits.
        return "–"


def _list_in_words(key: str, value: list[Any]) -> str:
    if key == "weekdays":
        return ", ".join(weekday(day) for day in value)
    if key == "periods":
        return "; ".join(
            " – ".join(map(_moment, period)) if isinstance(period, list) else _as_it_stands(period)
            for period in value
        )
    return ", ".join(map(_as_it_stands, value))
