"""Mailboxes as a table that can be changed and given back, and the template for one. Never a hash."""

from collections.abc import Iterator, Sequence

from django.utils.translation import pgettext

from accounts.models import Domain, Mailbox, MailboxQuerySet
from batches.columns import COLUMNS, REASON, yes_or_no
from batches.models import Batch
from batches.planning import shown_size

SHOWN = tuple(column for column in COLUMNS if column.key not in ("template", "action", "password_hash"))
IN_TEMPLATE = tuple(column for column in COLUMNS if column.key != "password_hash")
# An XLSX is made whole before it is sent.
MOST_IN_XLSX = 20_000


def titles() -> list[str]:
    return [str(column.title) for column in SHOWN]


def rows_of(mailboxes: MailboxQuerySet) -> Iterator[Sequence[str]]:
    """Read in pieces, in the order of their addresses."""
    fields = mailboxes.order_by("address").only(*(column.key for column in SHOWN))
    for mailbox in fields.iterator(chunk_size=2000):
        yield _row(mailbox)


def template(domain: Domain) -> tuple[list[str], list[Sequence[str]]]:
    """Titles, and rows of an example."""
    example = f"anna.example@{domain.name}"
    name, other = pgettext("in a template", "Anna Example"), pgettext("in a template", "Front desk")
    size, yes = shown_size(domain.default_quota_bytes), yes_or_no(value=True)
    rows = [
        (example, name, size, "anna@home.example", "", yes, yes, yes, domain.language, "", ""),
        (f"desk.example@{domain.name}", other, "", "", "", yes, "", "", "", "", ""),
    ]
    return [str(column.title) for column in IN_TEMPLATE], [list(row) for row in rows]


def not_done(batch: Batch) -> tuple[list[str], Iterator[Sequence[str]]]:
    """The rows to mend, as they were typed, each with why it could not be done."""
    typed = list(batch.columns) or [str(SHOWN[0].title)]
    return [*typed, str(REASON)], _not_done(batch, len(typed))


def _not_done(batch: Batch, width: int) -> Iterator[Sequence[str]]:
    for row in batch.rows.not_done().iterator(chunk_size=2000):
        cells = [str(cell) for cell in row.cells[:width]]
        yield [*cells, *[""] * (width - len(cells)), row.problem_text]


def _row(mailbox: Mailbox) -> Sequence[str]:
    return (
        mailbox.address,
        mailbox.name,
        shown_size(mailbox.quota_bytes),
        mailbox.recovery_address,
        mailbox.login,
        yes_or_no(mailbox.enabled),
        yes_or_no(mailbox.sends),
        yes_or_no(mailbox.receives),
        mailbox.language,
    )
