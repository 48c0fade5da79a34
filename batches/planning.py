"""From the rows of a file, or mailboxes chosen in the list, to a plan: what would happen to each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop

from accounts import names, passwords, sizes, switches
from accounts.alias_leads import last_readers
from accounts.aliases import PROTECTED
from accounts.hash_forms import BadHash, require_good_hash
from accounts.logins import propose_logins
from accounts.models import Domain, Mailbox, Person
from accounts.naming import BadName, local_part_of, login_of, new_local_part_of, whole_address
from accounts.room import HoldsMore, Ledger, NoPlaceLeft, NoRoomLeft, held_by, require_fits
from accounts.sizes import in_words
from accounts.spreadsheets import as_written
from batches import columns
from batches.looking_up import Here, look_up
from batches.models import Row
from batches.reading import Table
from mailboxtemplates.models import MailboxTemplate
from mailservers.drivers.base import Limits
from mailservers.one_line import HIDDEN, hidden_in
from mailservers.servers import limits_of
from vacation.many import SWITCHES, note_switches

LONGEST_NAME = 200
# What empties a field; an empty cell leaves it as it is.
EMPTIES = {"-", "–", "—"}
FORMULA = ("=", "＝")


# What each of these sets.
SETS = {
    "off": {"enabled": False, "sends": False},
    "on": {"enabled": True, "sends": True, "receives": True},
    "sending-off": {"sends": False},
    "sending-on": {"sends": True},
    "receiving-off": {"receives": False},
    "receiving-on": {"receives": True},
    "auto-reply-off": {"auto_reply_on": False},
    "forwarding-off": {"forwarding_on": False},
}


class Refused(Exception):
    """Why a row can't be done: a sentence with places, and what fills them."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence, self.values = sentence, values


@dataclass(slots=True)
class _Plan:
    """What holds for the whole plan while its rows are gone through."""

    domain: Domain
    by: Person
    here: Here
    ledger: Ledger
    limits: Limits | None
    proposed: Iterator[str]
    templates: dict[str, MailboxTemplate]
    """The domain's, by their names in small letters."""
    template: MailboxTemplate | None
    """Of new mailboxes whose row names none."""
    addresses: dict[str, int] = field(default_factory=dict)
    """Those of this file, each with its row."""
    logins: dict[str, int] = field(default_factory=dict)

    @property
    def chooses_logins(self) -> bool:
        return self.limits is not None and self.limits.chooses_logins


def plan_table(
    table: Table, domain: Domain, *, by: Person, template: MailboxTemplate | None = None
) -> list[Row]:
    """A row for each line, not saved. New mailboxes whose row names no template get this one. Only reads."""
    plan = _Plan(
        domain=domain,
        by=by,
        here=look_up(table, domain, by),
        ledger=Ledger.of(domain),
        limits=limits_of(domain.server),
        proposed=propose_logins(domain),
        templates=templates_by_name(domain) if "template" in table.keys else {},
        template=template,
    )
    hash_at = table.keys.index("password_hash") if "password_hash" in table.keys else -1
    rows = []
    for line in table.lines:
        # A hash is kept where it is needed, and nowhere else.
        cells = ["" if place == hash_at else cell for place, cell in enumerate(line.cells)]
        row = Row(number=line.number, cells=cells)
        given = {
            key: cell.strip()
            for key, cell in zip(table.keys, line.cells, strict=False)
            if key and cell.strip()
        }
        row.address = given.get("address", "")[:320]
        try:
            if line.problem:
                raise Refused(line.problem, **line.problem_values)
            _plan_row(plan, row, _without_formulas(table, given))
        except Refused as refused:
            row.verdict = Row.Verdict.REFUSED
            row.wanted, row.seen, row.password_hash = {}, {}, ""
            row.problem, row.problem_values = refused.sentence, refused.values
        rows.append(row)
    return rows


def plan_chosen(
    mailboxes: Sequence[Mailbox], domain: Domain, *, action: str, quota_bytes: int = 0, by: Person
) -> list[Row]:
    """A row for each of the mailboxes, not saved: "quota", "delete", "link", or one of SETS."""
    ledger = Ledger.of(domain)
    if SETS.get(action, {}).keys() & SWITCHES.keys():
        note_switches(mailboxes)
    needed = last_readers([mailbox.address for mailbox in mailboxes], by) if action == "delete" else {}
    held = held_by(mailbox.pk for mailbox in mailboxes) if action == "quota" else {}
    limits = limits_of(domain.server)
    rows = []
    for number, mailbox in enumerate(mailboxes, 1):
        row = Row(number=number, address=mailbox.address, mailbox=mailbox, cells=[mailbox.address])
        try:
            if action == "delete":
                _plan_deletion(ledger, needed, row, mailbox)
            elif action == "link":
                _plan_link(row, mailbox)
            else:
                wanted = {"quota_bytes": quota_bytes} if action == "quota" else SETS[action]
                _plan_change(ledger, held, row, mailbox, _as_set(mailbox, wanted, limits))
        except Refused as refused:
            row.verdict = Row.Verdict.REFUSED
            row.problem, row.problem_values = refused.sentence, refused.values
        rows.append(row)
    return rows


# --- One row of a file -------------------------------------------------------------------------------


def _without_formulas(table: Table, given: dict[str, str]) -> dict[str, str]:
    """What exports put in front of a cell so that no spreadsheet reckons with it is taken off again."""
    clean = {}
    for key, cell in given.items():
        if cell.startswith(FORMULA):
            place = table.keys.index(key)
            raise Refused(
                gettext_noop("The column “%(title)s” holds a formula here. Write its result instead."),
                title=table.titles[place],
            )
        clean[key] = as_written(cell)
        if any(letter < " " or letter == "\x7f" for letter in clean[key]):
            raise Refused(gettext_noop("It holds a line break or another control character."))
    return clean


def _plan_row(plan: _Plan, row: Row, given: dict[str, str]) -> None:
    if "address" not in given:
        raise Refused(gettext_noop("It has no address."))
    row.address = _address(plan, given["address"])
    first = plan.addresses.setdefault(row.address, row.number)
    if first != row.number:
        raise Refused(gettext_noop("Row %(number)s has the same address already."), number=first)
    action = _action(given.get("action", ""))
    template = _template(plan, given.get("template", ""))
    mailbox = plan.here.mailboxes.get(row.address)
    if mailbox is not None and mailbox.deleted_at is not None:
        raise Refused(
            gettext_noop(
                "A deleted mailbox keeps this address until %(day)s. Bring it back from the deleted ones."
            ),
            day=date_format(timezone.localtime(mailbox.purge_after), "DATE_FORMAT")
            if mailbox.purge_after
            else "",
        )
    if action and mailbox is None:
        raise Refused(gettext_noop("There is no such mailbox."))
    if mailbox is None:
        _plan_new(plan, row, given, template)
        return
    row.mailbox = mailbox
    if action == "delete":
        _plan_deletion(plan.ledger, plan.here.needed, row, mailbox)
    elif action == "link":
        _plan_link(row, mailbox)
    else:
        _plan_change(plan.ledger, plan.here.held, row, mailbox, _wanted(plan, mailbox, given))


def _plan_new(plan: _Plan, row: Row, given: dict[str, str], template: MailboxTemplate | None) -> None:
    try:
        local_part = new_local_part_of(row.address, plan.domain.name, plan.limits)
    except BadName as wrong:
        raise Refused(wrong.sentence, **wrong.values) from None
    if local_part in PROTECTED and not plan.by.is_operator:
        raise Refused(
            gettext_noop(
                "%(name)s is no ordinary address: make it by itself, so that you say that you know."
            ),
            name=row.address,
        )
    if row.address in plan.here.aliases:
        raise Refused(gettext_noop("This address is an alias already. Remove the alias first."))
    if row.address in plan.here.names:
        raise Refused(names.USED_ADDRESS, name=row.address)
    password_hash = _hash(plan, given.get("password_hash", ""))
    wanted: dict[str, Any] = {
        "name": _name(given.get("name", "")),
        "quota_bytes": _size(given["quota_bytes"])
        if "quota_bytes" in given
        else (template.room_bytes if template else plan.domain.default_quota_bytes),
        "recovery_address": _recovery(row.address, given.get("recovery_address", "")),
        **_switches(dict.fromkeys(switches.SWITCHES, True), given, plan.limits),
        "language": _language(given.get("language", ""))
        or (template.language if template else "")
        or plan.domain.language,
        **({"template": template.title} if template else {}),
    }
    login, proposed = _new_login(plan, row, given.get("login", ""))
    try:
        plan.ledger.add(wanted["quota_bytes"])
    except (NoPlaceLeft, NoRoomLeft) as full:
        raise no_room(full) from None
    plan.logins[login] = row.number
    row.verdict, row.password_hash = Row.Verdict.NEW, password_hash
    row.wanted = {"login": login, **wanted, **({"with_hash": True} if password_hash else {})}
    # Another one may be taken should somebody else get it first.
    row.seen = {"login_proposed": True} if proposed else {}


def _new_login(plan: _Plan, row: Row, typed: str) -> tuple[str, bool]:
    """And whether it was proposed."""
    if plan.chooses_logins:
        if typed and typed.casefold() != row.address:
            raise Refused(
                gettext_noop("The mail server chooses the login itself: leave the column “login” empty.")
            )
        return row.address, False
    if not typed:
        return next(login for login in plan.proposed if login not in plan.here.asked), True
    try:
        login = login_of(typed)
    except BadName as wrong:
        raise Refused(wrong.sentence, **wrong.values) from None
    if login in plan.here.logins:
        raise Refused(
            gettext_noop(
                "The login %(login)s is not free, or was somebody's before. Choose another one, or leave the"
                " column “login” empty."
            ),
            login=login,
        )
    if login in plan.logins:
        raise Refused(
            gettext_noop("Row %(number)s gets the login %(login)s already."),
            number=plan.logins[login],
            login=login,
        )
    return login, False


def _wanted(plan: _Plan, mailbox: Mailbox, given: dict[str, str]) -> dict[str, Any]:
    """The fields of a mailbox that is there, as the file wants them."""
    if "password_hash" in given:
        raise Refused(
            gettext_noop(
                "The mailbox is here already, and only its user changes its password."
                " Take the hash out, or write “link” in the column “action”."
            )
        )
    login = given.get("login", "").casefold()
    if login and login != mailbox.login:
        raise Refused(
            gettext_noop("Its login is %(login)s and can't be changed. Leave the column “login” empty."),
            login=mailbox.login,
        )
    wanted: dict[str, Any] = {}
    if "name" in given:
        wanted["name"] = _name(given["name"])
    # As it is shown, it is rounded: who gives an export back changes nothing.
    if "quota_bytes" in given and given["quota_bytes"] != shown_size(mailbox.quota_bytes):
        wanted["quota_bytes"] = _size(given["quota_bytes"])
    if "recovery_address" in given:
        wanted["recovery_address"] = _recovery(mailbox.address, given["recovery_address"])
    wanted |= _switches(switches.switches_of(mailbox), given, plan.limits)
    if "language" in given:
        wanted["language"] = _language(given["language"])
    return wanted


def _plan_change(
    ledger: Ledger, held: dict[int, int], row: Row, mailbox: Mailbox, wanted: dict[str, Any]
) -> None:
    row.wanted = {name: value for name, value in wanted.items() if getattr(mailbox, name) != value}
    row.seen = {name: getattr(mailbox, name) for name in row.wanted}
    row.verdict = Row.Verdict.CHANGED if row.wanted else Row.Verdict.UNCHANGED
    if "quota_bytes" in row.wanted:
        change_room(ledger, held, mailbox, row.wanted["quota_bytes"])


def _plan_deletion(ledger: Ledger, needed: dict[str, str], row: Row, mailbox: Mailbox) -> None:
    require_no_alias(needed, mailbox)
    row.verdict = Row.Verdict.DELETED
    ledger.remove(mailbox.quota_bytes)


def _plan_link(row: Row, mailbox: Mailbox) -> None:
    if not mailbox.recovery_address:
        raise Refused(gettext_noop("It has no recovery address that a link could be sent to."))
    if not mailbox.enabled:
        raise Refused(gettext_noop("Signing in is switched off, so a link would lead nowhere."))
    row.verdict = Row.Verdict.LINK
    row.seen = {"recovery_address": mailbox.recovery_address}


def require_no_alias(needed: dict[str, str], mailbox: Mailbox) -> None:
    """Raises Refused when an alias's mail would have nowhere to go without it."""
    if mailbox.address in needed:
        raise Refused(
            gettext_noop(
                "Nobody would be left to read mail to %(alias)s: delete the mailbox on its own page, which"
                " asks where that mail should go."
            ),
            alias=needed[mailbox.address],
        )


def change_room(ledger: Ledger, held: dict[int, int], mailbox: Mailbox, quota_bytes: int) -> None:
    """In the plan, or while it is carried out or undone; raises Refused."""
    try:
        require_fits(held.get(mailbox.pk, 0), quota_bytes)
        ledger.change(mailbox.quota_bytes, quota_bytes)
    except HoldsMore as more:
        raise Refused(
            gettext_noop("The mailbox holds %(size)s already: with less room it could not take any mail."),
            size=in_words(more.held_bytes),
        ) from None
    except NoRoomLeft as full:
        raise no_room(full) from None


def no_room(full: NoPlaceLeft | NoRoomLeft) -> Refused:
    """The domain's limits, in words."""
    if isinstance(full, NoPlaceLeft):
        return Refused(gettext_noop("The domain may have %(most)s mailboxes."), most=full.most)
    if not full.lacking_bytes:
        return Refused(
            gettext_noop("The domain has a limit for all mailboxes together: give this one a limit too.")
        )
    return Refused(
        gettext_noop("The domain has %(size)s too little room left."), size=in_words(full.lacking_bytes)
    )


# --- Single cells ------------------------------------------------------------------------------------


def _address(plan: _Plan, typed: str) -> str:
    try:
        address = f"{local_part_of(typed, plan.domain.name)}@{plan.domain.name}"
    except BadName as wrong:
        raise Refused(wrong.sentence, **wrong.values) from None
    return address


def _action(typed: str) -> str:
    folded = columns.fold(typed)
    if folded in columns.DELETE:
        return "delete"
    if folded in columns.LINK:
        return "link"
    if typed and folded not in columns.MAKE:
        raise Refused(
            gettext_noop("“%(typed)s” is no action. Leave it empty, or write delete or link."),
            typed=typed[:40],
        )
    return ""


def _name(typed: str) -> str:
    if len(typed) > LONGEST_NAME:
        raise Refused(gettext_noop("The name has more than %(most)s characters."), most=LONGEST_NAME)
    hidden = hidden_in(typed)
    if hidden:
        raise Refused(HIDDEN, code=f"U+{ord(hidden):04X}")
    return "" if typed in EMPTIES else typed


def _recovery(address: str, typed: str) -> str:
    if not typed or typed in EMPTIES:
        return ""
    try:
        found = whole_address(typed)
    except BadName as wrong:
        raise Refused(
            gettext_noop("The recovery address: %(problem)s"), problem=gettext(wrong.sentence) % wrong.values
        ) from None
    if found.casefold() == address:
        raise Refused(
            gettext_noop(
                "The recovery address is the mailbox itself: who can't open it could not read it there."
            )
        )
    return found


def _size(typed: str) -> int:
    if columns.fold(typed) in columns.NO_LIMIT or typed == columns.no_limit():
        return 0
    if columns.fold(typed) in ("0", "00", "0gb", "0mb"):
        raise Refused(
            gettext_noop("0 is no room for mail. Write for example %(size)s; for no limit write “no limit”."),
            size=in_words(1536 * 1024 * 1024),
        )
    try:
        return sizes.parse(typed)
    except ValueError as wrong:
        raise Refused(
            gettext_noop("The room “%(typed)s”: %(problem)s"), typed=typed[:40], problem=str(wrong)
        ) from None


# Why a cell of these is no yes or no.
NO_YES_OR_NO = {
    "enabled": gettext_noop("Whether people can sign in must be yes or no, not “%(typed)s”."),
    "sends": gettext_noop("Whether sending is allowed must be yes or no, not “%(typed)s”."),
    "receives": gettext_noop("Whether new mail is taken must be yes or no, not “%(typed)s”."),
}


def _switches(now: dict[str, bool], given: dict[str, str], limits: Limits | None) -> dict[str, bool]:
    """Signing in, sending and receiving, as the file wants them and as the server does them."""
    typed = {name: _yes_or_no(name, given[name]) for name in switches.SWITCHES if name in given}
    # Who gives an export back wishes for what was changed in it.
    wanted = {name: value for name, value in typed.items() if value != now[name]}
    _require_apart(now, wanted, limits)
    return switches.fit_switches(now | wanted, limits)


def _as_set(mailbox: Mailbox, wanted: dict[str, Any], limits: Limits | None) -> dict[str, Any]:
    """What the server makes of it; raises Refused where one of the switches alone was asked for in vain."""
    now = switches.switches_of(mailbox)
    if "enabled" in wanted:
        return switches.fit_switches(now | wanted, limits)
    _require_apart(now, wanted, limits)
    return wanted


def _require_apart(now: dict[str, bool], wanted: dict[str, Any], limits: Limits | None) -> None:
    """Raises Refused when the server can't do one of them as it is wanted."""
    fit = switches.fit_switches({name: wanted.get(name, value) for name, value in now.items()}, limits)
    for name, value in fit.items():
        if wanted.get(name, value) != value:
            raise Refused(switches.why_not_apart(name, limits))


def _yes_or_no(name: str, typed: str) -> bool:
    folded = columns.fold(typed)
    if folded in columns.YES:
        return True
    if folded in columns.NO:
        return False
    raise Refused(NO_YES_OR_NO[name], typed=typed[:40])


def _language(typed: str) -> str:
    code = columns.language_code(typed)
    if typed and not code:
        raise Refused(
            gettext_noop("The language must be en, nl, fr or de, not “%(typed)s”."), typed=typed[:40]
        )
    return code


def _template(plan: _Plan, typed: str) -> MailboxTemplate | None:
    if not typed:
        return plan.template
    if typed in EMPTIES:
        return None
    found = plan.templates.get(typed.casefold())
    if found is None and not plan.templates:
        raise Refused(
            gettext_noop("There is no template “%(typed)s”: the domain has none. Leave the column empty."),
            typed=typed[:80],
        )
    if found is None:
        titles = [template.title for template in plan.templates.values()]
        raise Refused(
            gettext_noop("There is no template “%(typed)s”. There are: %(titles)s"),
            typed=typed[:80],
            titles=", ".join(titles),
        )
    return found


def _hash(plan: _Plan, typed: str) -> str:
    if not typed:
        return ""
    if plan.limits is None or not plan.limits.takes_hashes:
        raise Refused(gettext_noop("This domain's mail server takes no hashes. Take the hash out."))
    scheme = typed.removeprefix("{").partition("}")[0]
    readable = plan.limits.hash_schemes or tuple(passwords.SCHEMES)
    # What it was is told to nobody, not even whoever typed it: it may be a password.
    if not typed.startswith(f"{{{scheme}}}") or scheme not in readable:
        raise Refused(
            gettext_noop("The hash must begin with one of these: %(schemes)s. A password is no hash."),
            schemes=", ".join(f"{{{name}}}" for name in readable if name in passwords.SCHEMES),
        )
    try:
        require_good_hash(typed)
    except BadHash as bad:
        raise Refused(bad.sentence) from None
    return typed


def shown_size(quota_bytes: int) -> str:
    """As exports write it."""
    return in_words(quota_bytes).replace("\N{NO-BREAK SPACE}", " ") if quota_bytes else columns.no_limit()


def templates_by_name(domain: Domain) -> dict[str, MailboxTemplate]:
    """By their names in small letters, as files may write them."""
    found = MailboxTemplate.objects.of(domain)
    for template in found:
        # Known already.
        template.domain = domain
    return {template.title.casefold(): template for template in found}
