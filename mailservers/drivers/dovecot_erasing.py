"""What lies in a mailbox, over doveadm's HTTP API: whether there is anything, and how it is taken away."""

from django.utils.translation import gettext_noop

from mailservers.drivers.base import TryAgain
from mailservers.drivers.doveadm import NO_SUCH_USER, NOT_FOUND, Doveadm, Outcome
from mailservers.drivers.dovecot_usage import NOT_THERE_YET

INBOX = "INBOX"
# Plug-ins that keep what was deleted for a while (lazy_expunge) put it into another folder.
ROUNDS = 3
NOT_ERASED = gettext_noop("The mail server still holds mail of the mailbox that was to be removed for good.")

Command = tuple[str, dict[str, object]]


def is_empty(doveadm: Doveadm, login: str, default_script: str = "") -> bool:
    """Neither mail nor a script; what others share is not meant."""
    status, scripts = _run(doveadm, [_status(login), ("sieveList", {"user": login})])
    if {row.get("script", "") for row in scripts.rows} - {default_script}:
        return False
    return not any(map(_messages, status.rows)) or not any(_own_folders(doveadm, login).values())


def erase_mail(doveadm: Doveadm, login: str) -> None:
    """All folders but an empty INBOX, and what is subscribed to. Raises TryAgain when something is left.

    What others share with the user stays theirs.
    """
    _unsubscribe(doveadm, login)
    for _round in range(ROUNDS):
        own = _own_folders(doveadm, login)
        others = sorted((name for name in own if name != INBOX), reverse=True)  # subfolders first
        commands: list[Command] = [("expunge", {"user": login, "query": ["mailbox", INBOX, "all"]})]
        if others:
            commands.append(("mailboxDelete", {"user": login, "mailbox": others}))
        # Some formats free the room only then, and an index remembers subjects and senders.
        commands.append(("purge", {"user": login}))
        commands.append(("mailboxCachePurge", {"user": login, "mailbox": [INBOX]}))
        expunged, *_others = doveadm.run(commands)
        if expunged.exit_code not in (0, NOT_FOUND):
            raise TryAgain(NOT_ERASED)
        if not any(_own_folders(doveadm, login).values()):
            return
    raise TryAgain(NOT_ERASED)


def _unsubscribe(doveadm: Doveadm, login: str) -> None:
    [subscribed] = _run(doveadm, [("mailboxList", {"user": login, "subscriptions": True})])
    names = [row["mailbox"] for row in subscribed.rows if row.get("mailbox")]
    if names:
        doveadm.run([("mailboxUnsubscribe", {"user": login, "mailbox": names})])


def _own_folders(doveadm: Doveadm, login: str) -> dict[str, int]:
    """Each with how many mails are in it."""
    status, user = _run(doveadm, [_status(login), ("user", {"userMask": [login]})])
    held = {row["mailbox"]: _messages(row) for row in status.rows if row.get("mailbox")}
    paths = doveadm.run([("mailboxPath", {"user": login, "mailbox": name}) for name in held])
    places = dict(zip(held, map(_path, paths), strict=True))
    # Those of others are in other homes. (Where mail is kept apart from homes, INBOX tells the place.)
    homes = [row["home"].rstrip("/") for row in user.rows if row.get("home")]
    within = [f"{place}/" for place in (*homes, places.get(INBOX, "")) if place]
    return {
        name: messages
        for name, messages in held.items()
        if name == INBOX or places[name].startswith(tuple(within))
    }


def _run(doveadm: Doveadm, commands: list[Command]) -> list[Outcome]:
    outcomes = doveadm.run(commands)
    for outcome in outcomes:
        if outcome.exit_code == NO_SUCH_USER:
            raise TryAgain(NOT_THERE_YET)
        if outcome.exit_code not in (0, NOT_FOUND):
            raise TryAgain(gettext_noop("The mail server does not tell what the mailbox holds."))
    return outcomes


def _status(login: str) -> Command:
    return "mailboxStatus", {"user": login, "field": ["messages"], "mailboxMask": ["*"]}


def _messages(row: dict[str, str]) -> int:
    """What is no number may be any."""
    try:
        return int(row.get("messages", ""))
    except ValueError:
        return 1


def _path(outcome: Outcome) -> str:
    return next((row.get("path", "") for row in outcome.rows), "")
