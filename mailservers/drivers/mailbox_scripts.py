"""Puts the portal's script into a mailbox over ManageSieve, next to those that are there already."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence, Set

from django.utils.translation import gettext_noop

from mailservers.drivers.base import (
    DriverError,
    OwnScript,
    Refused,
    RuleEdit,
    ScriptReport,
    ScriptState,
    TryAgain,
)
from mailservers.drivers.managesieve import ManageSieveClient, Rejected, ScriptEntry
from mailservers.drivers.portal_script import (
    NAME,
    PortalScript,
    compose,
    is_last,
    is_ours,
    remembered,
    take_apart,
)
from mailservers.drivers.sieve_reading import has_vacation, included, included_always, redirects
from mailservers.drivers.switching_off import edited


def run(client: ManageSieveClient, text: str, edits: Sequence[RuleEdit] = ()) -> None:
    """Make this text run, and after it the script that was active before, with these edits of its rules.

    Only one of them may answer mail: Refused when the mailbox's own scripts do as well.
    """
    names, active, stored = _look(client)
    if NAME in names and not is_ours(stored):
        aside = _set_aside(client, names)
        names, active, stored = names | {aside}, aside if active == NAME else active, ""
    before = active if active != NAME else ""
    if not before and remembered(stored) in names:
        before = remembered(stored)
    whole = compose(PortalScript(text, before))
    changed = _edited(client, names, edits)
    # The server would take two, and then fail at each delivery: one reply a mail is all it sends.
    if has_vacation(text) and not is_last(text):
        _refuse_rivals(client, before, names, changed)
    if stored != whole:
        changed = {NAME: whole, **changed}
    _put_all(client, changed)
    if active != NAME:
        client.set_active(NAME)


def stop(client: ManageSieveClient, edits: Sequence[RuleEdit] = ()) -> None:
    """Take the portal's script away, and let the one from before run again, with these edits of its rules."""
    names, active, stored = _look(client)
    if edits:
        _put_all(client, _edited(client, names, edits))
    if NAME not in names:
        return
    if not is_ours(stored):
        _set_aside(client, names)
        return
    if active == NAME:
        before = remembered(stored)
        client.set_active(before if before in names and _is_valid(client, before) else "")
    client.delete_script(NAME)


def remove_all(client: ManageSieveClient) -> None:
    """The portal's, and all that anybody made. Raises TryAgain when one is left."""
    entries = client.list_scripts()
    if _active(entries):
        client.set_active("")
    of_the_server = set()
    for entry in entries:
        try:
            client.delete_script(entry.name)
        except Rejected as no:
            # One that runs though none was chosen is everybody's (sieve_default_name).
            if no.code != "ACTIVE":
                raise
            of_the_server.add(entry.name)
    if {entry.name for entry in client.list_scripts()} - of_the_server:
        raise TryAgain(gettext_noop("The mailbox's scripts have changed in between."))


def read(client: ManageSieveClient) -> ScriptState:
    """The portal's part; the whole script when somebody changed it, so that the difference shows."""
    return _ours(*_look(client))


def report(client: ManageSieveClient) -> ScriptReport:
    """The portal's part, and what all that runs does with mail."""
    names, active, stored = _look(client)
    running = list(_running(client, active, names, {NAME: stored}))
    targets = {target for script in running for target in redirects(script.text)}
    own = [
        script
        for script in running
        if script.name != NAME and (has_vacation(script.text) or redirects(script.text))
    ]
    return ScriptReport(_ours(names, active, stored), tuple(sorted(targets)), tuple(own))


def refusal_in_words(no: Rejected) -> DriverError:
    """Why the server does not take a script."""
    match no.code:
        case "TRYLATER":
            return TryAgain(gettext_noop("The mail server asks to try again later."))
        case "QUOTA/MAXSIZE":
            return Refused(gettext_noop("The mail server does not take a script of this length."))
        case "QUOTA/MAXSCRIPTS":
            return Refused(
                gettext_noop(
                    "The mailbox has as many scripts as the mail server allows. Delete one in webmail first."
                )
            )
        case code if code.startswith("QUOTA"):
            return Refused(gettext_noop("The mailbox has no room left for scripts on the mail server."))
    return Refused(
        gettext_noop("The mail server found a mistake in the script: %(error)s"),
        error=_first_error(no.text),
    )


def _look(client: ManageSieveClient) -> tuple[Set[str], str, str]:
    """The names of all scripts, that of the active one, and what is stored as the portal's."""
    entries = client.list_scripts()
    names = {entry.name for entry in entries}
    stored = client.get_script(NAME).replace("\r\n", "\n") if NAME in names else ""
    return names, _active(entries), stored


def _ours(names: Set[str], active: str, stored: str) -> ScriptState:
    if NAME not in names:
        return ScriptState("", active=False)
    ours = take_apart(stored)
    return ScriptState(stored if ours is None else ours.text, active=active == NAME)


def _active(entries: list[ScriptEntry]) -> str:
    return next((entry.name for entry in entries if entry.active), "")


def _is_valid(client: ManageSieveClient, name: str) -> bool:
    """A script with a mistake can no longer be made active; it did not run within ours either."""
    try:
        client.check_script(client.get_script(name))
    except Rejected as no:
        if isinstance(refusal_in_words(no), TryAgain):
            raise
        return False
    return True


def _set_aside(client: ManageSieveClient, names: Set[str]) -> str:
    """Give a script that somebody else named like ours another name; an active one stays active."""
    number = 1
    while (aside := f"{NAME}-own-{number}") in names:
        number += 1
    client.rename_script(NAME, aside)
    return aside


def _edited(client: ManageSieveClient, names: Set[str], edits: Sequence[RuleEdit]) -> dict[str, str]:
    """By name: those of the mailbox's own scripts that become others by that."""
    changed = {}
    for name in sorted({edit.script for edit in edits} & (names - {NAME})):
        text = client.get_script(name)
        after = edited(text, [edit for edit in edits if edit.script == name])
        if after != text:
            changed[name] = after
    return changed


def _put_all(client: ManageSieveClient, scripts: Mapping[str, str]) -> None:
    """All of them, or none that the server finds a mistake in."""
    try:
        for text in scripts.values():
            client.check_script(text)
        for name, text in scripts.items():
            # People's own keep whatever line ends they have.
            client.put_script(name, text, to_the_byte=name != NAME)
    except Rejected as no:
        raise refusal_in_words(no) from None


def _refuse_rivals(
    client: ManageSieveClient, first: str, names: Set[str], changed: Mapping[str, str]
) -> None:
    """Where this script, or one that it includes, answers mail."""
    for script in _running(client, first, names - {NAME}, changed):
        if has_vacation(script.text):
            raise Refused(
                gettext_noop(
                    "The mailbox runs its own auto-reply in the script “%(script)s”."
                    " Choose on the mailbox's page which one holds, or switch it off in webmail."
                ),
                script=script.name,
            )


def _running(
    client: ManageSieveClient, first: str, names: Set[str], known: Mapping[str, str]
) -> Iterator[OwnScript]:
    """This script and those it includes; asks for the text only where it is not known."""
    seen: set[str] = set()
    waiting = [(first, True)]
    while waiting:
        name, always = waiting.pop()
        if name in seen or name not in names:
            continue
        seen.add(name)
        text = known[name] if name in known else client.get_script(name)
        yield OwnScript(name, text, always)
        outermost = included_always(text)
        inner = [name for name in included(text) if name not in outermost]
        # Those that always run come first off the list: one may be included in both ways.
        if always:
            waiting += [(name, True) for name in outermost]
        else:
            inner += outermost
        waiting = [*((name, False) for name in inner), *waiting]


def _first_error(text: str) -> str:
    """The first line that tells an error, made fit for a page; more would only repeat the script."""
    lines = text.splitlines() or [""]
    line = next((line for line in lines if "error" in line), lines[0])
    printable = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs", "Cf"))
    return printable[:200]
