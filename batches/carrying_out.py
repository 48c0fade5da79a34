"""Does some rows of a plan, or undoes them, in one transaction: what a killed worker began never happened.

Each row is looked at again first. What somebody changed meanwhile is told, and left as they set it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from accounts import names
from accounts.alias_leads import last_readers
from accounts.aliases import bring_back, in_words
from accounts.logins import not_free, propose_logins
from accounts.many import (
    NewMailbox,
    change_mailboxes,
    create_mailboxes,
    delete_mailboxes,
    lock_mailboxes,
    restore_mailboxes,
)
from accounts.models import Alias, Domain, Mailbox, Person
from accounts.one_time_links import CHOOSE_PASSWORD, end_links, plan_links
from accounts.room import Ledger, NoPlaceLeft, NoRoomLeft, held_by, lock_room
from audit.chain import Entry, record_all
from batches.models import Batch, Row, label_of, told
from batches.planning import Refused, change_room, no_room, require_no_alias, templates_by_name
from mailboxtemplates.services import begin_replies
from mailservers.models import Change
from vacation.many import SWITCHES, note_switches, switch_many

Verdict, Result = Row.Verdict, Row.Result
MAILED_OFTEN = gettext_noop(
    "No link was sent: many went to %(address)s today. Try again tomorrow, or print letters."
)
KEPT = ["result", "undo_result", "problem", "problem_values", "mailbox", "change", "password_hash", "wanted"]


def carry_out(batch: Batch, rows: Sequence[Row], *, by: Person) -> None:
    """Each row ends as done, or as left with a reason; all in the caller's transaction."""
    _piece(batch, rows, lambda domain, some: _carry_out(batch, domain, some, by), "result")


def undo(batch: Batch, rows: Sequence[Row], *, by: Person) -> None:
    """The same backwards, for rows that were done."""
    _piece(batch, rows, lambda domain, some: _undo(domain, some, by), "undo_result")


def _piece(
    batch: Batch, rows: Sequence[Row], work: Callable[[Domain, Sequence[Row]], None], outcome: str
) -> None:
    domain = lock_room(batch.domain_id)
    domain.server = batch.domain.server
    try:
        with transaction.atomic():
            work(domain, rows)
    except IntegrityError:
        # Another domain of the same server took a login just now, say: only one row is to blame.
        for row in rows:
            try:
                with transaction.atomic():
                    work(domain, [row])
            except IntegrityError:
                row.change = None
                setattr(row, outcome, Result.LEFT)
                row.problem = gettext_noop("Its address or login was taken by somebody else just now.")
                row.problem_values = {}
    # Not bulk_update: its CASE for each row and field takes several times as long as all the rest.
    Row.objects.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=KEPT)


# --- Forwards ----------------------------------------------------------------------------------------


def _carry_out(batch: Batch, domain: Domain, rows: Sequence[Row], by: Person) -> None:
    ledger, here = Ledger.of(domain), _lock(domain, rows)
    held = held_by(row.mailbox_id for row in rows if row.mailbox_id and "quota_bytes" in row.wanted)
    taken = _taken(domain, [row for row in rows if row.verdict == Verdict.NEW])
    needed = last_readers([row.address for row in rows if row.verdict == Verdict.DELETED], by)
    fit: dict[str, list[Row]] = {verdict: [] for verdict in Verdict.values}
    for row in rows:
        try:
            if row.verdict == Verdict.NEW:
                _look_at_new(ledger, taken, domain, row)
            else:
                _look_at(ledger, held, needed, here.get(row.mailbox_id or 0), row)
        except (NoPlaceLeft, NoRoomLeft) as full:
            _leave(row, no_room(full), "result")
        except Refused as refused:
            _leave(row, refused, "result")
        else:
            row.result, row.problem, row.problem_values = Result.DONE, "", {}
            fit[row.verdict].append(row)
    _make(batch, domain, fit[Verdict.NEW], by)
    _change(here, [(row, row.wanted) for row in fit[Verdict.CHANGED]], by)
    gone = [here[row.mailbox_id or 0] for row in fit[Verdict.DELETED]]
    _note(fit[Verdict.DELETED], delete_mailboxes(gone, by=by))
    _send_links(fit[Verdict.LINK], [here[row.mailbox_id or 0] for row in fit[Verdict.LINK]], by)


def _look_at_new(ledger: Ledger, taken: tuple[set[str], set[str]], domain: Domain, row: Row) -> None:
    addresses, logins = taken
    if row.address in addresses:
        raise Refused(gettext_noop("Somebody made a mailbox or an alias with this address meanwhile."))
    login = str(row.wanted["login"])
    if login in logins:
        if not row.seen.get("login_proposed"):
            raise Refused(
                gettext_noop("The login %(login)s is not free, or was somebody's before."), login=login
            )
        login = next(free for free in propose_logins(domain) if free not in logins)
    ledger.add(int(row.wanted["quota_bytes"]))
    row.wanted = {**row.wanted, "login": login}
    logins.add(login)


def _look_at(
    ledger: Ledger, held: dict[int, int], needed: dict[str, str], mailbox: Mailbox | None, row: Row
) -> None:
    if mailbox is None or mailbox.deleted_at is not None:
        raise Refused(gettext_noop("The mailbox was deleted meanwhile."))
    _as_seen(mailbox, row.seen)
    if row.verdict == Verdict.DELETED:
        require_no_alias(needed, mailbox)
        ledger.remove(mailbox.quota_bytes)
    elif "quota_bytes" in row.wanted:
        change_room(ledger, held, mailbox, int(row.wanted["quota_bytes"]))


def _make(batch: Batch, domain: Domain, rows: Sequence[Row], by: Person) -> None:
    wanted = [
        NewMailbox(
            address=row.address,
            password_hash=row.password_hash,
            **{name: value for name, value in row.wanted.items() if name != "with_hash"},
        )
        for row in rows
    ]
    made = create_mailboxes(domain, wanted, by=by) if wanted else []
    _begin_replies(domain, rows, [mailbox for mailbox, _change in made], by)
    invited = []
    for row, (mailbox, change) in zip(rows, made, strict=True):
        row.mailbox, row.change, row.password_hash = mailbox, change, ""
        if batch.sends_links and mailbox.enabled and mailbox.recovery_address and not mailbox.password_hash:
            invited.append((row, mailbox))
    _send_links([row for row, _mailbox in invited], [mailbox for _row, mailbox in invited], by)


def _begin_replies(domain: Domain, rows: Sequence[Row], made: Sequence[Mailbox], by: Person) -> None:
    """What else the templates have: a row's own values are filled in from it already."""
    if not any(row.wanted.get("template") for row in rows):
        return
    templates = templates_by_name(domain)
    named = [templates.get(row.wanted.get("template", "").casefold()) for row in rows]
    pairs = [(mailbox, template) for mailbox, template in zip(made, named, strict=True) if template]
    begin_replies(pairs, by=by)


def _send_links(rows: Sequence[Row], mailboxes: Sequence[Mailbox], by: Person) -> None:
    """To addresses that got so many today no more go, and their rows say so."""
    planned = {mailbox.pk for mailbox in plan_links(CHOOSE_PASSWORD, mailboxes, by=by)}
    for row, mailbox in zip(rows, mailboxes, strict=True):
        if mailbox.pk not in planned:
            row.problem = MAILED_OFTEN
            row.problem_values = {"address": mailbox.recovery_address}
    record_all(
        [
            Entry(verb="mailbox.password_link_sent", about=mailbox, domain=mailbox.domain.name)
            for mailbox in mailboxes
            if mailbox.pk in planned
        ],
        by=by,
    )


# --- Backwards ---------------------------------------------------------------------------------------


def _undo(domain: Domain, rows: Sequence[Row], by: Person) -> None:
    ledger, here = Ledger.of(domain), _lock(domain, rows)
    held = held_by(row.mailbox_id for row in rows if row.mailbox_id and "quota_bytes" in row.wanted)
    needed = last_readers([row.address for row in rows if row.verdict == Verdict.NEW], by)
    fit: dict[str, list[Row]] = {verdict: [] for verdict in Verdict.values}
    for row in rows:
        try:
            _look_back(ledger, held, needed, here.get(row.mailbox_id or 0), row)
        except (NoPlaceLeft, NoRoomLeft) as full:
            _leave(row, no_room(full), "undo_result")
        except Refused as refused:
            _leave(row, refused, "undo_result")
        else:
            row.undo_result, row.problem, row.problem_values = Result.DONE, "", {}
            fit[row.verdict].append(row)
    made = [here[row.mailbox_id or 0] for row in fit[Verdict.NEW]]
    _note(fit[Verdict.NEW], delete_mailboxes(made, by=by))
    _change(here, [(row, row.seen) for row in fit[Verdict.CHANGED]], by)
    gone = [here[row.mailbox_id or 0] for row in fit[Verdict.DELETED]]
    _note(fit[Verdict.DELETED], restore_mailboxes(gone, by=by))
    for row, mailbox in zip(fit[Verdict.DELETED], gone, strict=True):
        if lacking := bring_back(mailbox, by=by):
            row.problem = gettext_noop("It is back, but not these aliases: %(aliases)s")
            row.problem_values = {"aliases": in_words(lacking)}
    for row in fit[Verdict.LINK]:
        end_links(here[row.mailbox_id or 0])


def _look_back(
    ledger: Ledger, held: dict[int, int], needed: dict[str, str], mailbox: Mailbox | None, row: Row
) -> None:
    if mailbox is None or mailbox.is_gone:
        raise Refused(gettext_noop("The mailbox is gone for good."))
    if row.verdict == Verdict.DELETED:
        if mailbox.deleted_at is None:
            raise Refused(gettext_noop("Somebody has brought it back already."))
        ledger.add(mailbox.quota_bytes)
        return
    if mailbox.deleted_at is not None:
        raise Refused(gettext_noop("The mailbox was deleted meanwhile."))
    if row.verdict == Verdict.NEW:
        if not row.wanted.get("with_hash") and mailbox.password_hash:
            raise Refused(gettext_noop("Its user has chosen a password already. Delete it on its own page."))
        require_no_alias(needed, mailbox)
        _as_seen(mailbox, {name: value for name, value in row.wanted.items() if name != "with_hash"})
        ledger.remove(mailbox.quota_bytes)
    elif row.verdict == Verdict.CHANGED:
        _as_seen(mailbox, row.wanted)
        if "quota_bytes" in row.seen:
            change_room(ledger, held, mailbox, int(row.seen["quota_bytes"]))


# --- Both --------------------------------------------------------------------------------------------


def _lock(domain: Domain, rows: Sequence[Row]) -> dict[int, Mailbox]:
    here = lock_mailboxes(domain, [row.mailbox_id for row in rows])
    if any(row.wanted.keys() & SWITCHES.keys() for row in rows):
        note_switches(list(here.values()))
    return here


def _change(here: dict[int, Mailbox], wanted: Sequence[tuple[Row, dict[str, Any]]], by: Person) -> None:
    """Fields of mailboxes, or, where a row is about one, auto-replies and forwardings."""
    plain = [(row, values) for row, values in wanted if not values.keys() & SWITCHES.keys()]
    changes = change_mailboxes([(here[row.mailbox_id or 0], values) for row, values in plain], by=by)
    _note([row for row, _ in plain], changes)
    for switch in SWITCHES:
        for on in (False, True):
            rows = [row for row, values in wanted if values.get(switch) is on]
            if rows:
                mailboxes = [here[row.mailbox_id or 0] for row in rows]
                _note(rows, switch_many(switch, mailboxes, on=on, by=by))


def _as_seen(mailbox: Mailbox, seen: dict[str, Any]) -> None:
    """Raises Refused when somebody set one of the fields to something else since."""
    for name, value in seen.items():
        # A login that the server chose is no change of anybody's.
        if name == "login" or not hasattr(mailbox, name):
            continue
        now = getattr(mailbox, name)
        if now != value:
            raise Refused(
                gettext_noop("Somebody changed it meanwhile: “%(field)s” is “%(now)s” now."),
                field=label_of(name),
                now=told(name, now),
            )


def _leave(row: Row, why: Refused, outcome: str) -> None:
    setattr(row, outcome, Result.LEFT)
    row.problem, row.problem_values = why.sentence, why.values


def _note(rows: Sequence[Row], changes: Sequence[Change]) -> None:
    for row, change in zip(rows, changes, strict=True):
        row.change = change


def _taken(domain: Domain, rows: Sequence[Row]) -> tuple[set[str], set[str]]:
    """The addresses and the logins that somebody has."""
    addresses = [row.address for row in rows]
    logins = [str(row.wanted["login"]) for row in rows]
    known = set(Mailbox.objects.filter(address__in=addresses).values_list("address", flat=True))
    known |= set(Alias.objects.alive().filter(address__in=addresses).values_list("address", flat=True))
    return known | names.taken_names(addresses), not_free(domain.server, logins)
