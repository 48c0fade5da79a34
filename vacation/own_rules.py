"""Auto-replies and forwardings that people made in webmail, in scripts of their own.

Found, understood where the portal could do the same, and switched off there once it does. The script as it
was is kept, so that nothing is ever lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Mailbox
from mailservers.drivers.addresses import bare_address
from mailservers.drivers.base import OwnRule, OwnScript, ReplyRule, RuleEdit, ScriptState
from mailservers.drivers.own_effects import FOLDER_IS_MISSING
from mailservers.drivers.sieve_reading import ENDS, answer_together, has_vacation
from mailservers.drivers.sieve_windows import NEVER
from mailservers.drivers.switching_off import Rule, does, rules, switched_off, with_lf
from mailservers.models import Observation
from vacation.forward_reading import FoundForward, read_script
from vacation.models import OwnScripts
from vacation.reply_reading import DEPENDS, TOO_LONG, NotUnderstood, read_leftovers, window_of
from vacation.sieve_parsing import NotSieve, parse

MOST_NAMES = 10
# What else may stand in a rule that only sends mail on.
_WITH_REDIRECT = frozenset(["redirect", "vacation", "keep", "stop"])


def found_in(scripts: Sequence[OwnScript]) -> tuple[OwnRule, ...]:
    """The rules that answer mail, and those that send all mail on; a rule that files some is none of them.

    One whose time is over, or that is never come to, does neither any more.
    """
    found, now = [], timezone.now()
    for script in scripts:
        every = rules(script.text)
        for rule in every:
            if not rule.is_reached or rule.runs.ends <= now:
                continue
            plain = script.always and _is_plain(rule)
            answers = any(span.ends > now for span in rule.answers)
            if answers or (plain and does(rule, "redirect")):
                starts = rule.runs.starts if rule.runs.starts > now else None
                name, text = rule.name or f"#{rule.number}", with_lf(rule.text)
                why_not = DEPENDS if rule.depends else "" if every.is_whole else TOO_LONG
                found.append(OwnRule(script.name, name, text, plain, starts, why_not))
    return tuple(found)


def in_the_way(wanted: ScriptState, held: ScriptState) -> tuple[OwnRule, ...]:
    """Those that are the portal's business: one that answers some mail only, while the portal answers too."""
    return tuple(rule for rule in held.own if rule.is_plain or answer_together([wanted.text, rule.text]))


def do_the_portals(held: ScriptState) -> bool:
    """Whether own rules may do what is the portal's business: then “off” is not the whole truth."""
    return held.own_answers or bool(held.own_redirects)


def read(found: Sequence[OwnRule]) -> tuple[ReplyRule | None, FoundForward | None]:
    """What these rules do together; raises NotUnderstood when the portal can't do the same."""
    for rule in found:
        if rule.why_not:
            raise NotUnderstood(rule.why_not)
    reply, forward = read_script("\n".join(rule.text for rule in found))
    assert reply != "as here"  # noqa: S101 - only with a script of ours to compare
    return reply, forward


def are_stopped_before(scripts: Sequence[OwnScript], found: Sequence[OwnRule]) -> bool:
    """Whether an earlier rule may keep some mail from them, which the portal's part then would not."""
    texts = {(rule.script, rule.text) for rule in found}
    # Which script is come to first is not known here; one that was not told of may do anything.
    known = {script.name: rules(script.text) for script in scripts}
    ending = {name for name, own in known.items() if any(does(rule, "stop") for rule in own)}
    for script in scripts:
        stops = bool(ending - {script.name})
        for rule in known[script.name]:
            if (script.name, with_lf(rule.text)) in texts and stops:
                return True
            stops = stops or any(does(rule, action) for action in (*ENDS, "include"))
    return False


def stop_others(scripts: Sequence[OwnScript], found: Sequence[OwnRule]) -> bool:
    """Whether one of them keeps later rules from running, which would then run again."""
    texts = {(rule.script, rule.text) for rule in found}
    for script in scripts:
        stopped = False
        for rule in rules(script.text):
            if stopped and rule.runs != NEVER:
                return True
            if (script.name, with_lf(rule.text)) in texts:
                stopped = stopped or any(does(rule, action) for action in ENDS)
                # Whatever includes it is stopped as well.
                if does(rule, "stop") and len(scripts) > 1:
                    return True
    return False


def as_told(scripts: Iterable[OwnScript], found: Sequence[OwnRule]) -> list[dict[str, Any]] | None:
    """What has to be kept of the rules to switch them off, and on again; None where one can't be.

    The script as it was stands with the first of its rules alone.
    """
    wholes = {script.name: script.text for script in scripts}
    ways: dict[tuple[str, str], tuple[str, str]] = {}
    for name in {rule.script for rule in found}:
        for one in rules(wholes.get(name, "")):
            if (off := switched_off(one)) is not None:
                ways.setdefault((name, with_lf(one.text)), (one.text, off))
    told = []
    for rule in found:
        if (rule.script, rule.text) not in ways:
            return None
        before, after = ways[rule.script, rule.text]
        whole = wholes.pop(rule.script, "")
        told.append(
            {"script": rule.script, "name": rule.name, "before": before, "after": after, "whole": whole}
        )
    return told


def left_out(mailbox: Mailbox, script: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What of an auto-reply the portal has no place for, in sentences."""
    for sender, days in read_leftovers(script):
        name, address = parseaddr(sender)
        if sender and (name, bare_address(address)) != (mailbox.name, mailbox.address):
            yield (
                gettext_noop(
                    "There it answers as “%(sender)s”; here it answers with the mailbox's own name."
                ),
                {"sender": sender[:200]},
            )
        if days is not None:
            yield (
                gettext_noop(
                    "Days between two replies to one sender, here: %(days)s. There it is another number."
                ),
                {"days": days},
            )


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
    """The rules that are off, by script and time, the newest first, for people; as it was joined."""
    own: OwnScripts | None = getattr(mailbox, "own_scripts", None)
    together: dict[tuple[str, str], dict[str, Any]] = {}
    for rule in reversed(own.rules if own else []):
        # Those that were switched off together were in the same script, of which one copy is kept.
        row = together.setdefault((rule["script"], rule["at"]), {**rule, "names": []})
        row["whole"] = row["whole"] or rule["whole"]
        if rule["is_off"]:
            row["names"].insert(0, rule["name"])
    return [
        {**row, "name": ", ".join(row["names"][:MOST_NAMES]), "at": datetime.fromisoformat(row["at"])}
        for row in together.values()
        if row["names"]
    ]


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
        notes, redirects, active = _told_of(held, known.active)
        if held.own_folders:
            # Nobody looked for them this time.
            notes += [note for note in known.notes if note[0] == FOLDER_IS_MISSING]
        if (notes, redirects, active) != (known.notes, known.redirects, known.active):
            own = _locked(mailbox)
            own.notes, own.redirects, own.active = notes, redirects, active
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
