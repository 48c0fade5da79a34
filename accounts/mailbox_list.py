"""The list of mailboxes: by what it can be narrowed and sorted, its pages, and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from django.db.models import Exists, Expression, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import RFC3986_SUBDELIMS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import SHOWN, Domain, Mailbox, MailboxQuerySet
from accounts.paging import ROWS, Page, page_by_address
from accounts.switches import state_of
from mailservers.models import Change, Server

# So many are counted: to say how many more there are, all would have to be looked at.
COUNTED = 1_000
# As in the addresses that Django makes.
UNQUOTED = RFC3986_SUBDELIMS + "~:@"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# What a row shows, and no more: texts of auto-replies are long.
COLUMNS = (
    *("address", "login", "name", "quota_bytes", "enabled", "password_hash", "domain", "server"),
    *("sends", "receives"),
    *("guessed_at", "password_changed_at", "password_asked_at"),
    *("auto_reply__enabled", "auto_reply__starts", "auto_reply__ends", "auto_reply__periods"),
    *("auto_reply__mailbox", "usage__bytes_used"),
)


class Row(NamedTuple):
    """What a list says of a mailbox."""

    mailbox: Mailbox
    changes: Sequence[Change]
    """The newest of each feature of each aspect, the newest of all last."""
    url: str
    note: str | Promise
    """Why nobody signs in, sends or gets mail, or why somebody else might sign in."""

    @property
    def change(self) -> Change | None:
        return self.changes[-1] if self.changes else None


class Chip(NamedTuple):
    """A filter or an order that is on, and the address of the list without it."""

    words: str | Promise
    url_without: str


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: by `key`, the largest first, and by address where that is None."""

    words: Promise
    key: Expression | F | None = None
    moments: bool = False
    """The key is a moment; else a number."""


ORDERS = {
    "": Order(_("address")),
    "room": Order(_("room used, most first"), Coalesce("usage__bytes_used", Value(0))),
    "signed-in": Order(_("last sign-in here"), Coalesce("owner__last_login", Value(NEVER)), moments=True),
    "newest": Order(_("newest first"), F("pk")),
}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What somebody asked of the list, as the address of the page tells it."""

    q: str
    shown: tuple[str, ...]
    server: str
    sort: str

    @classmethod
    def from_query(cls, query: QueryDict) -> "Narrowing":
        """What is unknown in it is as if it were not there."""
        sort = query.get("sort", "")
        return cls(
            q=query.get("q", "").replace("\0", "").strip()[:200],
            shown=tuple(name for name in SHOWN if name in query.getlist("show")),
            server=query.get("server", "").replace("\0", "").strip(),
            sort=sort if sort in ORDERS else "",
        )

    @property
    def is_on(self) -> bool:
        return bool(self.q or self.shown or self.server)

    def narrow(self, mailboxes: MailboxQuerySet) -> MailboxQuerySet:
        if self.server:
            mailboxes = mailboxes.filter(server__name=self.server)
        return mailboxes.matching(self.q).showing(*self.shown)

    def told(self) -> dict[str, Any]:
        """What an event keeps of it."""
        every = {"q": self.q, "server": self.server, "show": list(self.shown)}
        return {name: value for name, value in every.items() if value}

    def chips(self, path: str) -> list[Chip]:
        found: list[Chip] = []
        if self.server:
            words = gettext("on the server %(server)s") % {"server": self.server}
            found.append(Chip(words, self._url(path, server="")))
        for name in self.shown:
            others = tuple(other for other in self.shown if other != name)
            found.append(Chip(SHOWN[name][0], self._url(path, shown=others)))
        if self.sort:
            words = gettext("sorted by %(order)s") % {"order": ORDERS[self.sort].words}
            found.append(Chip(words, self._url(path, sort="")))
        return found

    def url(self, path: str) -> str:
        """Of the list at this path, narrowed like that, from its beginning."""
        return self._url(path)

    def _url(self, path: str, **other: Any) -> str:
        query = QueryDict(mutable=True)
        told = {name: other.get(name, getattr(self, name)) for name in ("q", "server", "sort")}
        query.update({name: value for name, value in told.items() if value})
        query.setlist("show", list(other.get("shown", self.shown)))
        return f"{path}?{query.urlencode()}" if query else path


def page_of(mailboxes: MailboxQuerySet, sort: str, *, after: str, before: str) -> Page[Mailbox]:
    """The rows behind or before a key of a neighbouring page."""
    shown = mailboxes.select_related("auto_reply", "usage").only(*COLUMNS)
    order = ORDERS[sort]
    if order.key is None:
        return page_by_address(shown, after=after, before=before)
    key = _key(before or after, order)
    every = shown = shown.alias(sort_key=order.key).annotate(sort_value=F("sort_key"))
    if before and key:
        value, pk = key
        earlier = shown.filter(Q(sort_key__gt=value) | Q(sort_key=value, pk__gt=pk))
        found = list(earlier.order_by("sort_key", "pk")[: ROWS + 1])
        rows, more_before, more_after = found[:ROWS][::-1], len(found) > ROWS, True
    else:
        if key:
            value, pk = key
            shown = shown.filter(Q(sort_key__lt=value) | Q(sort_key=value, pk__lt=pk))
        found = list(shown.order_by("-sort_key", "-pk")[: ROWS + 1])
        rows, more_before, more_after = found[:ROWS], bool(key), len(found) > ROWS
    if not rows and key:
        # As in paging.py.
        found = list(every.order_by("-sort_key", "-pk")[: ROWS + 1])
        rows, more_before, more_after = found[:ROWS], False, len(found) > ROWS
    return Page(
        rows,
        before=_told_key(rows[0], order) if rows and more_before else "",
        after=_told_key(rows[-1], order) if rows and more_after else "",
    )


def _told_key(mailbox: Mailbox, order: Order) -> str:
    value = getattr(mailbox, "sort_value")  # noqa: B009 - annotated
    return f"{value.isoformat() if order.moments else value}_{mailbox.pk}"


def _key(told: str, order: Order) -> tuple[Any, int] | None:
    """The value and the id that `_told_key` wrote; None for anything else."""
    value, _sign, pk = told.partition("_")
    try:
        number = int(pk)
        if not order.moments:
            return int(value), number
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC), number) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def count_of(mailboxes: MailboxQuerySet, page: Page[Mailbox]) -> tuple[int, bool]:
    """How many there are, and whether there are more: beyond COUNTED nobody counts."""
    if not page.before and not page.after:
        return len(page.rows), False
    found = mailboxes.order_by()[: COUNTED + 1].count()
    return min(found, COUNTED), found > COUNTED


def servers_of(domain: Domain) -> list[str]:
    """The names of those that its mailboxes live on."""
    here = Mailbox.objects.alive().filter(domain=domain, server=OuterRef("pk"))
    return list(Server.objects.filter(Exists(here)).order_by("name").values_list("name", flat=True))


def rows_of(mailboxes: Sequence[Mailbox], servers: Sequence[Server]) -> list[Row]:
    """With the newest change of each; `servers` are those known already."""
    changes = Change.objects.of_features([mailbox.pk for mailbox in mailboxes], servers=servers)
    # Django takes its time to make an address; these differ in one part alone.
    before, after = reverse("accounts:show-mailbox", args=["ADDRESS"]).split("ADDRESS")
    return [
        Row(
            mailbox,
            changes.get(mailbox.pk, []),
            f"{before}{quote(mailbox.address, safe=UNQUOTED)}{after}",
            _note(mailbox),
        )
        for mailbox in mailboxes
    ]


def _note(mailbox: Mailbox) -> str | Promise:
    if mailbox.password_asked_at is not None and mailbox.enabled:
        return SHOWN["asked"][0]
    if off := state_of(mailbox):
        return off
    if mailbox.has_guessed_password:
        return SHOWN["guessed"][0]
    return "" if mailbox.password_hash else SHOWN["no-password"][0]
