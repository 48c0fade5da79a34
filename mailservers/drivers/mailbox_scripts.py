"""Puts the portal's script into a mailbox over ManageSieve, next to those that are there already."""

import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count

from django.utils.translation import gettext_noop

from mailservers.drivers.base import (
    DriverError,
    MovingRule,
    OwnScript,
    Refused,
    RuleEdit,
    ScriptReport,
    ScriptState,
    Told,
    TryAgain,
    Unreadable,
)
from mailservers.drivers.managesieve import ManageSieveClient, Rejected, ScriptEntry
from mailservers.drivers.moving_rules import NO_OTHERS, Others, added_to, moved_script, others_in
from mailservers.drivers.own_effects import FORMER_ORDER, ends_all, folders_needed, notes_on
from mailservers.drivers.portal_script import (
    NAME,
    PortalScript,
    compose,
    is_last,
    is_ours,
    remembered,
    take_apart,
)
from mailservers.drivers.sieve_reading import answer_together, has_vacation, included, redirects
from mailservers.drivers.sieve_reading import look as look_at
from mailservers.drivers.switching_off import edited

TRIES = 3
# Of one mailbox: far more than anybody has, and read within seconds.
MOST_RUNNING = 50
LONGEST_RUNNING = 3_000_000
NOTHING = PortalScript("", "")
CHANGED_MEANWHILE = gettext_noop("The mailbox's scripts have changed in between.")

_GONE = re.compile(
    r"(?:(?P<script>[^\n]*): )?line \d+: warning: included \w+ script '(?P<missing>.*)' does not"
)


def run(
    client: ManageSieveClient,
    text: str,
    edits: Sequence[RuleEdit] = (),
    *,
    own_first: bool = False,
    known_before: str = "",
) -> None:
    """Make this text run beside the script that was active before, with these edits of its rules.

    What others put into the portal's script moves to that one, or to one beside it. Only one of them may
    answer mail: Refused when the mailbox's own scripts do as well, and then nothing is written.
    `known_before`: what was active before as it was last seen, should the portal's script be gone.
    """
    for _ in range(TRIES):
        look = _with_its_name(client, _look(client))
        step = _planned(client, look, edits, known_before, wanted=text)
        running = _beside(client, look, step)
        master = _is_master(running)
        if not is_last(text):
            # The server would take two, and then fail at each delivery: one reply a mail is all it sends.
            if has_vacation(text):
                _refuse_rivals(running, text)
            if own_first and not master:
                _refuse_what_ends_all(running)
        whole = compose(PortalScript(text, "" if master else step.before, own_first))
        # A master decides by itself when ours runs; but where ours is to be the last, nothing may go before.
        active = step.before if master and not is_last(text) else NAME
        if _carry_out(client, look, step, whole, active):
            return
    raise TryAgain(CHANGED_MEANWHILE)


def stop(client: ManageSieveClient, edits: Sequence[RuleEdit] = (), *, known_before: str = "") -> None:
    """Take the portal's script away, and let the one from before run again, with these edits of its rules.

    What others put into the portal's script goes on running. Where another script includes the portal's, an
    empty one stays: without it none of them would run.
    """
    for _ in range(TRIES):
        look = _with_its_name(client, _look(client))
        step = _planned(client, look, edits, known_before)
        master = NAME in look.names and _is_master(_beside(client, look, step))
        if _carry_out(client, look, step, compose(NOTHING) if master else "", step.before):
            return
    raise TryAgain(CHANGED_MEANWHILE)


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
        raise TryAgain(CHANGED_MEANWHILE)


def read(client: ManageSieveClient, most: int = 0) -> ScriptState:
    """The portal's part; the whole script when somebody changed it, so that the difference shows."""
    look = _look(client)
    return _ours(client, look, _all_running(client, look), most)


def report(client: ManageSieveClient, most: int = 0) -> ScriptReport:
    """The portal's part, and what all that runs does with mail. `most`: see own_effects.notes_on."""
    look = _look(client)
    running = _all_running(client, look)
    own = [
        replace(script, text=_readable(script.text))
        for script in running
        if script.name != NAME and (has_vacation(script.text) or redirects(script.text))
    ]
    return ScriptReport(_ours(client, look, running, most), _targets_of(running), tuple(own))


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


@dataclass(frozen=True, slots=True)
class _Look:
    """A mailbox's scripts, and what is stored as the portal's, as they were at one moment."""

    names: Set[str]
    active: str
    stored: str
    apart: PortalScript | None
    """Its parts, where it is as the portal wrote it."""
    remembered: str
    """The script of the mailbox's own that it names, whatever became of the rest."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What has to be written beside the portal's script, before it is."""

    before: str
    """The script of the mailbox's own that runs beside the portal's."""
    scripts: Mapping[str, str]
    """By name, those of the mailbox's own that are new, or become others."""
    former: Mapping[str, str]
    """By name, what stood there when it was planned."""
    aside: str = ""
    """Not empty: what has the portal's name is somebody's own, and gets this one."""


def _look(client: ManageSieveClient) -> _Look:
    entries = client.list_scripts()
    names = {entry.name for entry in entries}
    stored = client.get_script(NAME).replace("\r\n", "\n") if NAME in names else ""
    apart = take_apart(stored)
    before = remembered(stored) if apart is None else apart.before
    return _Look(names, _active(entries), stored, apart, before)


def _with_its_name(client: ManageSieveClient, look: _Look) -> _Look:
    """The same, once the portal's script has its name again, should somebody have given it another one.

    Under that it would go on answering when it is switched off here.
    """
    if NAME in look.names or not look.active or not is_ours(client.get_script(look.active)):
        return look
    client.rename_script(look.active, NAME)
    return _look(client)


def _all_running(client: ManageSieveClient, look: _Look) -> list[OwnScript]:
    return list(_running(client, look.active, look.names, {NAME: look.stored}))


def _ours(client: ManageSieveClient, look: _Look, running: Sequence[OwnScript], most: int) -> ScriptState:
    others = [script for script in running if script.name != NAME]
    others_own = _targets_of(others)
    others_answer = any(has_vacation(script.text) for script in others)
    if NAME not in look.names:
        return ScriptState("", active=False, own_redirects=others_own, own_answers=others_answer)
    apart = look.apart
    if apart is not None and not apart.text and look.active != NAME:
        return ScriptState(
            "",
            active=False,
            own_redirects=others_own,
            own_answers=others_answer,
            before=look.active,
        )
    active, before = look.active == NAME, look.remembered
    if look.active not in ("", NAME):
        active = any(script.name == NAME and script.always for script in running)
        before = look.active if active else before
    if apart is not None:
        # One from before there was a choice is none that anybody made: it gets an order when it is next put.
        chosen = active and before == apart.before and apart.own_first is False and not is_last(apart.text)
        own = others if active else []
        return ScriptState(
            apart.text,
            active,
            own_first=not chosen,
            broken=tuple(_told_of_own(client, look.stored)) if own else (),
            before=before,
            notes=tuple(
                [(FORMER_ORDER, {})] if own and apart.own_first is None and not is_last(apart.text) else []
            )
            + tuple(notes_on(own, apart.text, most, own_first=apart.own_first is True)),
            own_folders=tuple(
                sorted({_readable(name) for script in own for name in folders_needed(script.text)})
            ),
            own_redirects=others_own,
            own_answers=others_answer,
        )
    inside = others_in(look.stored)
    step = _planned(client, look, (), "") if inside.rules else None
    moving = tuple(
        MovingRule(_readable(rule.name), step.aside or step.before, rule.runs, _readable(rule.code))
        for rule in inside.rules
        if step is not None
    )
    return ScriptState(
        _readable(look.stored),
        active,
        before=before,
        moving=moving,
        in_portal=_readable(inside.running),
        own_redirects=others_own,
        own_answers=others_answer,
    )


def _targets_of(scripts: Iterable[OwnScript]) -> tuple[str, ...]:
    return tuple(sorted({_readable(target) for script in scripts for target in redirects(script.text)}))


def _planned(
    client: ManageSieveClient,
    look: _Look,
    edits: Sequence[RuleEdit],
    known_before: str,
    wanted: str = "",
) -> _Step:
    """Where what others put into the portal's script goes, and which scripts become others by the edits."""
    names = look.names - {NAME}
    others = others_in(look.stored, wanted) if look.apart is None else NO_OTHERS
    if others.whole and is_ours(look.stored):
        # Whatever became of it, some of it might run that is the portal's, or be lost that is not.
        raise Refused(
            gettext_noop(
                "The script “%(script)s” is too long for the portal to see what others put into it. Please"
                " move those rules to another script in webmail."
            ),
            script=NAME,
        )
    in_portal = [edit for edit in edits if edit.script == NAME]
    runs = look.active in ("", NAME)
    before = _before(look, known_before)
    if others.whole:
        aside = next(_free_names(names))
        scripts, former = _edited(client, names, edits)
        after = edited(look.stored, in_portal)
        return _Step(aside if look.active == NAME else before, {**scripts, aside: after}, former, aside)
    scripts, former = _edited(client, names, edits, moved_to=before)
    if others.rules and not _is_valid(client, NAME):
        # It does not run as it is: a backup that was restored, say. Nobody can tell what of it would.
        return _Step(before, scripts, former, next(_free_names(names)))
    if others.rules:
        # Those in a script that does not run are kept, and go on not to.
        beside = before if runs and (wanted or not before or _is_valid(client, before)) else ""
        name, text = _moved(client, names, others, beside, {**former, **scripts})
        scripts[name] = edited(text, in_portal)
        before = name if runs else before
    return _Step(before, scripts, former)


def _beside(client: ManageSieveClient, look: _Look, step: _Step) -> list[OwnScript]:
    """What of the mailbox's own runs beside the portal's."""
    names = (look.names | set(step.scripts)) - {NAME}
    return list(_running(client, step.before, names, step.scripts))


def _is_master(running: Iterable[OwnScript]) -> bool:
    """Whether one of them includes the portal's, and so runs it by itself."""
    return any(NAME in included(script.text) for script in running)


def _before(look: _Look, known: str) -> str:
    """The script of the mailbox's own that is to run: what somebody made active in webmail goes first."""
    if look.active not in ("", NAME):
        return look.active
    found, apart = look.remembered, look.apart
    if NAME not in look.names or (not found and apart is not None and is_last(apart.text)):
        found = known
    return found if found in look.names - {NAME} else ""


def _moved(
    client: ManageSieveClient, names: Set[str], others: Others, before: str, known: dict[str, str]
) -> tuple[str, str]:
    """The name and the text of the script that rules move to: that from the last time, else another one."""
    if before.startswith(f"{NAME}-own-"):
        former = known[before] if before in known else client.get_script(before)
        added = added_to(former.replace("\r\n", "\n"), others)
        if added is not None:
            return before, added
    text = moved_script(others, before)
    for number in range(1, len(names) + 1):
        # Where writing broke off it is there already.
        name = f"{NAME}-own-{number}"
        if name in names and client.get_script(name).replace("\r\n", "\n") == text:
            return name, text
    return next(_free_names(names)), text


def _free_names(names: Set[str]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{NAME}-own-{number}") not in names)


def _carry_out(client: ManageSieveClient, look: _Look, step: _Step, whole: str, active: str) -> bool:
    """Write all of it, or nothing; False when somebody changed the scripts meanwhile.

    No `whole`: the portal's script goes. Then the one that is to be active is, if the server takes it.
    """
    is_there = whole == look.stored if whole else NAME not in look.names
    if not step.scripts and not step.aside and is_there:
        _switch(client, look, step, whole, active)
        return True
    scripts = {name: text for name, text in step.scripts.items() if name != step.aside or text != look.stored}
    # What is alone the server checks as it takes it, and nothing was asked since the look.
    if scripts or step.aside or step.before:
        _check(client, scripts, whole)
        if _look(client) != look or _differ(client, step.former):
            return False
    written: list[str] = []
    try:
        if step.aside:
            client.rename_script(NAME, step.aside)
        for name, text in scripts.items():
            written.append(name)
            client.put_script(name, text, to_the_byte=name in step.former)
        if whole:
            if written:
                _refuse_what_does_not_compile(client.check_script(whole))
            client.put_script(NAME, whole)
    except (Rejected, Refused) as no:
        _take_back(client, look, step, written)
        raise refusal_in_words(no) if isinstance(no, Rejected) else no from None
    _switch(client, look, step, whole, active)
    return True


def _differ(client: ManageSieveClient, former: Mapping[str, str]) -> bool:
    return any(client.get_script(name) != text for name, text in former.items())


def _switch(client: ManageSieveClient, look: _Look, step: _Step, whole: str, active: str) -> None:
    """What is to be active becomes so, and what goes is deleted after that."""
    before = step.aside if step.aside and look.active == NAME else look.active
    if whole:
        if active != before:
            _activate(client, active)
        return
    # What somebody switched off in webmail stays off; what nobody but the portal's script named comes back.
    is_ours_to_switch = before in (NAME, step.aside) if before else NAME not in look.names
    if is_ours_to_switch and active != before:
        client.set_active(active if active and _is_valid(client, active) else "")
    if NAME in look.names and not step.aside:
        client.delete_script(NAME)


def _check(client: ManageSieveClient, scripts: Mapping[str, str], whole: str) -> None:
    """Refused when the server finds a mistake in some of it."""
    try:
        for text in scripts.values():
            client.check_script(text)
        if whole:
            warnings = client.check_script(whole)
            if not scripts:
                _refuse_what_does_not_compile(warnings)
    except Rejected as no:
        raise refusal_in_words(no) from None


def _take_back(client: ManageSieveClient, look: _Look, step: _Step, written: Sequence[str]) -> None:
    """As it was before, as far as it goes: what others made comes first."""
    with suppress(Rejected):
        for name in written:
            if name in step.former:
                client.put_script(name, step.former[name], to_the_byte=True)
            elif name not in look.names:
                client.delete_script(name)
        if step.aside:
            client.rename_script(step.aside, NAME)


def _activate(client: ManageSieveClient, name: str) -> None:
    try:
        client.set_active(name)
    except Rejected as no:
        raise refusal_in_words(no) from None


def _refuse_what_does_not_compile(warnings: str) -> None:
    """A script that others include may be gone: that is a warning now, and an error at each delivery."""
    if told := _told_of_includes(warnings):
        raise Refused(told[0], **told[1])


def _told_of_own(client: ManageSieveClient, stored: str) -> Iterator[Told]:
    """Why it does not run together with what it includes, which may have changed since it was written."""
    try:
        if told := _told_of_includes(client.check_script(stored)):
            yield told
    except Rejected as no:
        error = refusal_in_words(no)
        if isinstance(error, TryAgain):
            raise error from None
        yield error.reason, error.values


def _told_of_includes(warnings: str) -> Told | None:
    line = next((line for line in warnings.splitlines() if "ignored during upload" in line), "")
    if not line:
        return None
    gone = _GONE.search(line)
    if gone:
        return (
            gettext_noop(
                "The script “%(script)s” includes “%(missing)s”, which is not there: the mail server would"
                " run none of them. Please mend it in webmail."
            ),
            {"script": _readable(gone["script"] or NAME), "missing": _readable(gone["missing"])},
        )
    return (
        gettext_noop("The mailbox's own scripts can't run together: %(error)s"),
        {"error": _first_error(line.replace("warning", "error"))},
    )


def _readable(text: str) -> str:
    """For people and the database, which hold no bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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


def _edited(
    client: ManageSieveClient, names: Set[str], edits: Sequence[RuleEdit], *, moved_to: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """By name: those of the mailbox's own scripts that become others by that, and what they were.

    A rule that was in the portal's script is looked for in the one it moved to.
    """
    changed, former = {}, {}
    by_script: dict[str, list[RuleEdit]] = {}
    for edit in edits:
        by_script.setdefault(moved_to if edit.script == NAME else edit.script, []).append(edit)
    for name in sorted(set(by_script) & names):
        text = client.get_script(name)
        if text != _readable(text):
            raise Refused(
                gettext_noop(
                    "The script “%(script)s” is not in UTF-8, so the portal leaves it as it is. Please"
                    " switch the rule off in webmail."
                ),
                script=name,
            )
        after = edited(text, by_script[name])
        if after != text:
            changed[name], former[name] = after, text
    return changed, former


def _refuse_rivals(running: Sequence[OwnScript], text: str) -> None:
    """Where a script that runs beside ours answers mail when ours does, or may for all that can be seen."""
    for script in running:
        if not look_at(script.text).is_whole:
            raise Refused(
                gettext_noop(
                    "The script “%(script)s” is too long for the portal to see whether it answers mail."
                ),
                script=script.name,
            )
        if answer_together([text, script.text]):
            raise Refused(
                gettext_noop(
                    "The mailbox runs its own auto-reply in the script “%(script)s”."
                    " Choose on the mailbox's page which one holds, or switch it off in webmail."
                ),
                script=script.name,
            )


def _refuse_what_ends_all(running: Sequence[OwnScript]) -> None:
    """Where a script that runs before ours lets nothing come after it."""
    for script in running:
        if script.always and ends_all(script.text):
            raise Refused(
                gettext_noop(
                    "The script “%(script)s” ends with “stop” for all mail: nothing after it would run."
                    " Let your own rules run after what is set here, or take it out in webmail."
                ),
                script=script.name,
            )


def _running(
    client: ManageSieveClient, first: str, names: Set[str], known: Mapping[str, str]
) -> Iterator[OwnScript]:
    """This script and those it includes; asks for the text only where it is not known."""
    seen: set[str] = set()
    # Those that always run come first: one may be included in both ways.
    always_run, may_run = deque([first]), deque[str]()
    length = 0
    while always_run or may_run:
        always = bool(always_run)
        name = (always_run or may_run).popleft()
        if name in seen or name not in names:
            continue
        seen.add(name)
        text = known[name] if name in known else client.get_script(name)
        length += len(text)
        if len(seen) > MOST_RUNNING or length > LONGEST_RUNNING:
            raise Unreadable(gettext_noop("More scripts run in the mailbox than the portal reads."))
        yield OwnScript(name, text, always)
        for include in look_at(text).includes:
            (always_run if always and include.always else may_run).append(include.name)


def _first_error(text: str) -> str:
    """The first line that tells an error, made fit for a page; more would only repeat the script."""
    lines = text.splitlines() or [""]
    line = next((line for line in lines if "error" in line), lines[0])
    printable = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs", "Cf"))
    return printable[:200]
