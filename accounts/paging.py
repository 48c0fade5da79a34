"""Pages of long lists by key: a page costs the same at the end of a list as at its beginning.

Where nothing is left behind or before a key (its rows were deleted meanwhile, say) a list begins again.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

from accounts.models import Alias, Mailbox
from audit.models import Event

ROWS = 50
Row = TypeVar("Row")
Addressed = TypeVar("Addressed", Mailbox, Alias)
Numbered = TypeVar("Numbered", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and the keys that lead to its neighbours ("" where there is none)."""

    rows: list[Row]
    before: str
    after: str


def page_by_address(mailboxes: "QuerySet[Addressed]", *, after: str, before: str) -> "Page[Addressed]":
    """The mailboxes, or aliases, next to an address, in alphabetical order."""
    if before:
        found = list(mailboxes.filter(address__lt=before).order_by("-address")[: ROWS + 1])
        more_before, more_after = len(found) > ROWS, True
        rows = found[:ROWS][::-1]
    else:
        following = mailboxes.filter(address__gt=after) if after else mailboxes
        found = list(following.order_by("address")[: ROWS + 1])
        more_before, more_after = bool(after), len(found) > ROWS
        rows = found[:ROWS]
    if not rows and (after or before):
        return page_by_address(mailboxes, after="", before="")
    return Page(
        rows,
        before=rows[0].address if rows and more_before else "",
        after=rows[-1].address if rows and more_after else "",
    )


def page_by_id(rows: "QuerySet[Numbered]", *, before: str) -> "Page[Numbered]":
    """Rows by their ids, newest first, from below one."""
    earlier = rows
    if before.isascii() and before.isdigit() and len(before) < 19:
        earlier = rows.filter(pk__lt=int(before))
    found = list(earlier.order_by("-pk")[: ROWS + 1])
    if not found and before:
        return page_by_id(rows, before="")
    shown = found[:ROWS]
    return Page(shown, before=str(shown[-1].pk) if len(found) > ROWS else "", after="")


def page_by_number(events: "QuerySet[Event]", *, before: str) -> Page[Event]:
    """Events, newest first, from below a number."""
    if before.isascii() and before.isdigit() and len(before) < 19:
        events = events.filter(number__lt=int(before))
    found = list(events.order_by("-number")[: ROWS + 1])
    rows = found[:ROWS]
    return Page(rows, before=str(rows[-1].number) if len(found) > ROWS else "", after="")
