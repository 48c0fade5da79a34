"""Auto-replies and forwardings that people made in webmail, in scripts of their own.

Found, understood where the portal could do the same, and switched off there once it does. The script as it
was is kept, so that nothing is ever lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Mailbox
from mailservers.drivers.base import OwnRule, OwnScript, ReplyRule, RuleEdit, ScriptState
from mailservers.drivers.sieve_reading import has_vacation
from mailservers.drivers.switching_off import Rule, does, rules, switched_off
from mailservers.models import Observation
from vacation.forward_reading import FoundForward, read_script
from vacation.models import OwnScripts
from vacation.reply_reading import NotUnderstood, window_of
from vacation.sieve_parsing import NotSieve, parse

# What else may stand in a rule that only sends mail on.
_WITH_REDIRECT = frozenset(["redirect", "vacation", "keep", "stop"])


def found_in(scripts: Sequence[OwnScript]) -> tuple[OwnRule, ...]:
    """The rules that answer mail, and those that send all mail on; a rule that files some is none of them."""
    found = []
    for script in scripts:
        for rule in rules(script.text):
            plain = _is_plain(rule) and script.always
            if does(rule, "vacation") or (plain and does(rule, "redirect")):
                found.append(OwnRule(script.name, rule.name or f"#{rule.number}", rule.text, plain))
    return tuple(found)


def in_the_way(wanted: ScriptState, held: ScriptState) -> tuple[OwnRule, ...]:
    """Those that are the portal's business: one that answers some mail only, while the portal answers too."""
    answers = has_vacation(wanted.text)
    return tuple(rule for rule in held.own if rule.is_plain or answers)


def read(found: Iterable[OwnRule]) -> tuple[ReplyRule | None, FoundForward | None]:
    """What these rules do together; raises NotUnderstood when the portal can't do the same."""
    reply, forward = read_script("\n".join(rule.text for rule in found))
    assert reply != "as here"  # noqa: S101 - only with a script of ours to compare
    return reply, forward


def are_stopped_before(scripts: Iterable[OwnScript], found: Sequence[OwnRule]) -> bool:
    """Whether an earlier rule keeps some mail from them, which the portal's part then would not."""
    texts = {(rule.script, rule.text) for rule in found}
    for script in scripts:
        stops = False
        for rule in rules(script.text):
            if (script.name, rule.text) in texts and stops:
                return True
            stops = stops or does(rule, "stop")
    return False


def stop_others(scripts: Iterable[OwnScript], found: Sequence[OwnRule]) -> bool:
    """Whether one of them keeps later rules from running, which would then run again."""
    texts = {(rule.script, rule.text) for rule in found}
    for script in scripts:
        stopped = False
        for rule in rules(script.text):
            if stopped and not rule.text.startswith("if false"):
                return True
            stopped = stopped or ((script.name, rule.text) in texts and does(rule, "stop"))
    return False


def as_told(scripts: Iterable[OwnScript], found: Sequence[OwnRule]) -> list[dict[str, Any]] | None:
    """What has to be kept of the rules to switch them off, and on again; None where one can't be."""
    texts = {script.name: script.text for script in scripts}
    told = []
    for rule in found:
        off = next(
            (
                off
                for one in rules(texts.get(rule.script, ""))
                if one.text == rule.text and (off := switched_off(one))
            ),
            None,
        )
        if off is None:
            return None
        told.append(
            {
                "script": rule.script,
                "name": rule.name,
                "before": rule.text,
                "after": off,
                "whole": texts[rule.script],
            }
        )
    return told


def edits_of(mailbox: Mailbox) -> tuple[RuleEdit, ...]:
    """What the mailbox's server must still be told of its own rules; as it was joined."""
    own: OwnScripts | None = getattr(mailbox, "own_scripts", None)
    return tuple(_edit(rule) for rule in own.rules if rule["is_due"]) if own else ()


def switch_off(mailbox: Mailbox, told: Sequence[Mapping[str, Any]]) -> list[int]:
    """Have these rules switched off with the next push; their numbers. The caller's lock on the mailbox."""
    own, numbers, now = _locked(mailbox), [], timezone.now().isoformat()
    for rule in told:
        numbers.append(len(own.rules))
        own.rules.append({**rule, "at": now, "is_off": True, "is_due": True})
    own.save()
    return numbers


def switch(mailbox: Mailbox, numbers: Iterable[int], *, off: bool) -> None:
    """Have rules that were switched before switched again. The caller's lock on the mailbox."""
    own = _locked(mailbox)
    for number in numbers:
        if number < len(own.rules):
            own.rules[number] |= {"is_off": off, "is_due": True}
    own.save()


def put_first(mailbox: Mailbox, *, first: bool) -> bool:
    """Whether that is another choice than before. The caller's lock on the mailbox."""
    own = _locked(mailbox)
    if own.run_first == first:
        return False
    own.run_first = first
    own.save(update_fields=["run_first"])
    return True


def answers(mailbox: Mailbox, number: int) -> bool:
    """Whether the rule answers mail when it is on."""
    own = OwnScripts.objects.filter(mailbox=mailbox).first()
    return own is not None and number < len(own.rules) and has_vacation(own.rules[number]["before"])


def switched_off_in(mailbox: Mailbox) -> list[dict[str, Any]]:
    """The rules that are off, the newest first, for people; as it was joined."""
    own: OwnScripts | None = getattr(mailbox, "own_scripts", None)
    rules = [rule for rule in own.rules if rule["is_off"]] if own else []
    return [{**rule, "at": datetime.fromisoformat(rule["at"])} for rule in reversed(rules)]


def drift_of(mailbox: Mailbox) -> Observation | None:
    """What is different on the server of all that a script does, and not on its way to be made right.

    Or what was left there as it is (`left_at`).
    """
    mine = Observation.objects.filter(mailbox=mailbox, aspect="script")
    return (mine.drifted() | mine.filter(left_at__isnull=False)).first()


def names_of(mailbox: Mailbox, numbers: Iterable[int]) -> list[str]:
    """Script and rule of each, for people."""
    own = OwnScripts.objects.filter(mailbox=mailbox).first()
    known = own.rules if own else []
    return [f"{known[n]['script']}: {known[n]['name']}" for n in numbers if n < len(known)]


@transaction.atomic
def note_done(mailbox: Mailbox, wanted: ScriptState, held: ScriptState) -> None:
    """The server was told of these, and what it holds beside them; what was asked for since is still due."""
    known = OwnScripts.of(mailbox)
    # Once nothing of the portal's is to run, nothing is to come back later.
    told = _told_of(held, known.active if held.active else "")
    if not wanted.edits and told == (known.notes, known.redirects, known.active):
        return
    own = _locked(mailbox)
    own.notes, own.redirects, own.active = told
    for rule in own.rules:
        if rule["is_due"] and _edit(rule) in wanted.edits:
            rule["is_due"] = False
    own.save()


@transaction.atomic
def note_seen(seen: Sequence[tuple[Mailbox, ScriptState]]) -> None:
    """What a look at the server told of these mailboxes' own scripts; they come with what was known."""
    for mailbox, held in seen:
        known = OwnScripts.of(mailbox)
        if _told_of(held, known.active) != (known.notes, known.redirects, known.active):
            own = _locked(mailbox)
            own.notes, own.redirects, own.active = _told_of(held, own.active)
            own.save(update_fields=["notes", "redirects", "active"])


def _told_of(held: ScriptState, known: str) -> tuple[list[Any], list[str], str]:
    """Notes, redirects, and the name of what runs beside the portal's.

    When the portal's script was deleted, that name is known here alone.
    """
    notes = [[sentence, dict(values)] for sentence, values in held.notes]
    return notes, list(held.own_redirects), held.before if held.active and held.before else known


def _locked(mailbox: Mailbox) -> OwnScripts:
    """A push that settles meanwhile notes what is done in the same row."""
    OwnScripts.objects.get_or_create(mailbox=mailbox)
    return OwnScripts.objects.select_for_update().get(mailbox=mailbox)


def _edit(rule: Mapping[str, Any]) -> RuleEdit:
    texts = (rule["before"], rule["after"])
    before, after = texts if rule["is_off"] else reversed(texts)
    return RuleEdit(rule["script"], before, after)


def _is_plain(rule: Rule) -> bool:
    """Whether it does nothing but answer all mail or send all mail on, at most between two moments."""
    if not rule.is_alone:
        return False
    try:
        [command] = parse(rule.text)
        if command.name in ("vacation", "redirect"):
            return True
        if command.name != "if" or command.test is None:
            return False
        window_of(command.test)
    except (NotSieve, NotUnderstood, ValueError):
        return False
    names = {action.name for action in command.block}
    # With an answer, what else it does is told: it can't be kept.
    return "vacation" in names or ("redirect" in names and names <= _WITH_REDIRECT)
