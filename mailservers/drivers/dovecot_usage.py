"""What mailboxes hold, and the emptying of their trash, over doveadm's HTTP API."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from django.utils.translation import gettext_noop

from mailservers.drivers.base import FolderUsage, Refused, TrashState, TryAgain, UsageState
from mailservers.drivers.doveadm import NO_SUCH_USER, NOT_FOUND, Doveadm, Outcome, TooMuch
from mailservers.drivers.dovecot_settings import FolderNames

NOT_THERE_YET = gettext_noop("The mailbox is not on the mail server yet, or is switched off there.")
NOT_TOLD = gettext_noop("The mail server does not tell what the mailbox holds.")
# With a pattern for all of them: large enough to save most of the round trips, small enough that an
# answer comes within the limits.
BY_PATTERN = 500
# One by one, where a pattern would not do.
BY_NAME = 50
WILDCARDS = "*?"

Row = dict[str, str]
Count = Callable[[str], int]


def read_one(doveadm: Doveadm, login: str, folders: FolderNames) -> UsageState:
    """Raises TryAgain when the server does not tell."""
    quota, status = doveadm.run(_questions(login))
    _raise_if_missing(quota)
    usage = _usage(login, quota.rows, status.rows, folders)
    if usage is None:
        raise TryAgain(NOT_TOLD)
    return usage


def read_many(
    doveadm: Doveadm, logins: Sequence[str], folders: FolderNames, *, count: Count
) -> Iterator[UsageState]:
    """In the order of the logins, which are sorted. `count` tells how many logins of any domain begin so."""
    for beginning, group in _by_beginning(logins):
        yield from _read_group(doveadm, beginning, group, folders, count)


def read_trash(doveadm: Doveadm, login: str, folders: FolderNames, saved_before: int) -> TrashState:
    queries = _trash_queries(folders, saved_before)
    outcomes = doveadm.run(
        [("fetch", {"user": login, "field": ["size.virtual"], "query": query}) for query in queries]
    )
    _raise_if_failed(outcomes)
    sizes = [_number(row.get("size.virtual")) or 0 for outcome in outcomes for row in outcome.rows]
    return TrashState(sum(sizes), len(sizes))


def empty_trash(doveadm: Doveadm, login: str, folders: FolderNames, saved_before: int) -> None:
    queries = _trash_queries(folders, saved_before)
    _raise_if_failed(doveadm.run([("expunge", {"user": login, "query": query}) for query in queries]))


def _trash_queries(folders: FolderNames, saved_before: int) -> list[list[str]]:
    """One for each folder and one for its subfolders; a folder that does not exist holds nothing."""
    if not folders.trash:
        raise Refused(gettext_noop("The portal does not know which folder of this mail server is the trash."))
    # The settings see to it that a name is no pattern itself.
    names = [name for parent in folders.trash for name in (parent, f"{parent}{folders.separator}*")]
    return [["mailbox", name, "savedbefore", str(saved_before)] for name in names]


def _raise_if_missing(outcome: Outcome) -> None:
    if outcome.exit_code == NO_SUCH_USER:
        raise TryAgain(NOT_THERE_YET)


def _raise_if_failed(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        _raise_if_missing(outcome)
        if outcome.exit_code not in (0, NOT_FOUND):
            raise TryAgain(gettext_noop("The mail server could not get at the mailbox's trash."))


def _read_group(
    doveadm: Doveadm, beginning: str, group: Sequence[str], folders: FolderNames, count: Count
) -> Iterator[UsageState]:
    if _is_worth_a_pattern(beginning, group, count):
        try:
            outcomes = doveadm.run(_questions(f"{beginning}*"))
        except TooMuch:
            outcomes = []
        # One broken mailbox, and the whole answer is an error.
        if outcomes and not any(outcome.exit_code for outcome in outcomes):
            quotas, statuses = (_by_login(outcome.rows) for outcome in outcomes)
            usages = (
                _usage(login, quotas.get(login, []), statuses.get(login, []), folders) for login in group
            )
            yield from (usage for usage in usages if usage is not None)
            return
    for start in range(0, len(group), BY_NAME):
        yield from _read_by_name(doveadm, group[start : start + BY_NAME], folders)


def _is_worth_a_pattern(beginning: str, group: Sequence[str], count: Count) -> bool:
    """Whether it would find little beside those that are wanted."""
    if len(group) < BY_NAME or not beginning or any(character in beginning for character in WILDCARDS):
        return False
    return count(beginning) <= 2 * len(group)


def _read_by_name(doveadm: Doveadm, logins: Sequence[str], folders: FolderNames) -> Iterator[UsageState]:
    """A mailbox that cannot be read is left out; TryAgain when that is all of them."""
    speakable = [login for login in logins if not any(character in login for character in WILDCARDS)]
    try:
        outcomes = doveadm.run([question for login in speakable for question in _questions(login)])
    except TooMuch:
        if len(speakable) == 1:
            return
        for login in speakable:
            yield from _read_by_name(doveadm, [login], folders)
        return
    quotas, statuses = outcomes[::2], outcomes[1::2]
    usages = [
        _usage(login, quota.rows, status.rows, folders)
        for login, quota, status in zip(speakable, quotas, statuses, strict=True)
    ]
    if not any(usages) and any(quota.exit_code != NO_SUCH_USER for quota in quotas):
        raise TryAgain(NOT_TOLD)
    yield from (usage for usage in usages if usage is not None)


def _questions(user: str) -> list[tuple[str, dict[str, object]]]:
    status: dict[str, object] = {"user": user, "field": ["messages", "vsize"], "mailboxMask": ["*"]}
    return [("quotaGet", {"user": user}), ("mailboxStatus", status)]


def _by_beginning(logins: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Groups of sorted logins, in their order, each with how all of its logins begin."""
    if len(logins) <= BY_PATTERN:
        if logins:
            yield _shared_beginning(logins), logins
        return
    length = len(_shared_beginning(logins)) + 1
    start = 0
    for place in range(1, len(logins) + 1):
        if place == len(logins) or logins[place][:length] != logins[start][:length]:
            yield from _by_beginning(logins[start:place])
            start = place


def _shared_beginning(logins: Sequence[str]) -> str:
    first, last = logins[0], logins[-1]
    length = 0
    while length < min(len(first), len(last)) and first[length] == last[length]:
        length += 1
    return first[:length]


def _by_login(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.get("username", ""), []).append(row)
    return found


def _usage(
    login: str, quotas: Sequence[Row], statuses: Sequence[Row], folders: FolderNames
) -> UsageState | None:
    """quotaGet counts in KiB, and tells "-" for no limit; None when it tells nothing of use."""
    by_type = {row.get("type"): row for row in reversed(quotas)}
    storage, messages = by_type.get("STORAGE"), by_type.get("MESSAGE")
    used = _number(storage.get("value")) if storage else None
    if storage is None or used is None:
        return None
    limit_kib = _limit(storage.get("limit", ""))
    return UsageState(
        login=login,
        bytes_used=used * 1024,
        messages=_number(messages.get("value")) if messages else None,
        quota_bytes=None if limit_kib is None else limit_kib * 1024,
        folders=tuple(_folder(row, folders) for row in statuses if row.get("mailbox")),
    )


def _folder(row: Row, folders: FolderNames) -> FolderUsage:
    return FolderUsage(
        name=row["mailbox"],
        bytes_used=_number(row.get("vsize")) or 0,
        messages=_number(row.get("messages")) or 0,
        kind=folders.kind_of(row["mailbox"]),
    )


def _limit(text: str) -> int | None:
    """0 stands for none. A limit below nothing is no limit anybody meant: it counts as not told."""
    if text == "-":
        return 0
    return None if text.startswith("-") else _number(text)


def _number(text: str | None) -> int | None:
    """What is no number tells nothing; less than nothing counts as nothing."""
    try:
        return max(0, int(text or ""))
    except ValueError:
        return None
