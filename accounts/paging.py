"""Pages of long lists by key: a page costs the same at the end of a list as at its beginning.

Where nothing is left behind or before a key (its rows were deleted meanwhile, say) a list begins again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Count, Model, QuerySet, Subquery, Value

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


def page_by_address(
    mailboxes: "QuerySet[Addressed]",
    *,
    after: str,
    before: str,
    read: "Callable[[QuerySet[Addressed]], list[Addressed]]" = list,
) -> "Page[Addressed]":
    """The mailboxes, or aliases, next to an address, in alphabetical order.

    `read` may read something else in the same query.
    """
    if before:
        found = read(mailboxes.filter(address__lt=before).order_by("-address")[: ROWS + 1])
        more_before, more_after = len(found) > ROWS, True
        rows = found[:ROWS][::-1]
    else:
        following = mailboxes.filter(address__gt=after) if after else mailboxes
        found = read(following.order_by("address")[: ROWS + 1])
        more_before, more_after = bool(after), len(found) > ROWS
        rows = found[:ROWS]
    if not rows and (after or before):
        return page_by_address(mailboxes, after="", before="", read=read)
    return Page(
        rows,
        before=rows[0].address if rows and more_before else "",
        after=rows[-1].address if rows and more_after else "",
    )


def count_of_all(rows: "QuerySet[Addressed]") -> Subquery:
    """How many there are, as `found_count` of each row of a page: counted once, and in its query."""
    together = rows.order_by().values(one=Value(1)).annotate(count=Count("pk"))
    return Subquery(together.values("count"))


def found_count(page: "Page[Addressed]") -> int:
    """What `count_of_all` told; 0 where there is none."""
    return getattr(page.rows[0], "found_count", 0) if page.rows else 0


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
