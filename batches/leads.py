"""What hangs on the mailboxes of a plan that would take no mail any more, counted over the whole plan."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_noop

from accounts.alias_leads import left_without
from accounts.led_here import leads_to
from accounts.models import Person
from batches.models import Row

# More are counted, and not named.
NAMED = 20
FORWARDINGS = gettext_noop(
    "Mail is forwarded to these mailboxes by %(names)s. It stays there then, and their users are told."
)
TEXTS = gettext_noop("These texts name mailboxes that will take no mail, and stay as they are: %(names)s.")
ALIASES = gettext_noop("Nobody would take mail to these aliases any more, so it would be refused: %(names)s.")


def notes_about(rows: Sequence[Row], by: Person) -> list[tuple[str, dict[str, Any]]]:
    """In sentences with places, to be read before the plan is begun."""
    deleted = [row.address for row in rows if row.verdict == Row.Verdict.DELETED]
    silent = [row.address for row in rows if row.wanted.get("receives") is False and row.mailbox]
    going = {*deleted, *silent}
    if not going:
        return []
    left = left_without(going, by)
    leads = [lead for lead in leads_to({*going, *left}, by) if lead.name not in going]
    found = {
        FORWARDINGS: [lead.name for lead in leads if lead.kind == "forwarding"],
        TEXTS: [lead.name for lead in leads if lead.kind != "forwarding"],
        ALIASES: sorted(left) if silent else [],
    }
    return [(sentence, {"names": _some(names)}) for sentence, names in found.items() if names]


def _some(names: list[str]) -> str:
    some = list(dict.fromkeys(names))
    more = f" … (+{len(some) - NAMED})" if len(some) > NAMED else ""
    return ", ".join(some[:NAMED]) + more
