"""Makes a state fit what a kind of server can hold, so that what is read back can be compared with it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from mailservers.drivers.base import (
    OWN_HASH,
    AccountState,
    ForwardRule,
    Limits,
    MailRules,
    Refused,
    ReplyRule,
    ScriptState,
)
from mailservers.moments import within

# Virtualmin keeps settings in front of a reply's text, and its responder takes all first lines of that form
# for headers: "10:00-17:00 we are here", too. It reads bytes: a no-break space is none to it.
_LOOKS_LIKE_A_SETTING = re.compile(r"\S+:", re.ASCII)
# The responder puts what the mail holds in their place, in the middle of words too.
_REPLACED = re.compile(r"\$(?:SUBJECT|FROM|TO|DATE|BODY)")
# With one of these the responder sends the whole text as a page.
_MAKES_A_PAGE = re.compile(r"<(?:html|body)[^>]*>", re.IGNORECASE)
# Where a mail ends, to the program that the responder gives it to.
_LONE_DOT = re.compile(r"^\.$", re.MULTILINE)
_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{}~.-]+@[A-Za-z0-9.-]+", re.ASCII)
ONE_DAY = timedelta(days=1)


def fit_account(account: AccountState, limits: Limits) -> AccountState:
    """The account as such a server will tell it when it has taken it."""
    step = limits.quota_step
    by_apps_alone = account.only_app_passwords and limits.app_passwords
    hash_told = "" if by_apps_alone else account.password_hash
    receives_by_itself = account.enabled or limits.disabled_receives
    return replace(
        account,
        password_hash=hash_told if limits.takes_hashes else OWN_HASH,
        app_passwords=account.app_passwords if limits.app_passwords else (),
        only_app_passwords=False,
        sends=account.sends if limits.sends_apart else True,
        receives=account.receives if limits.receives_apart else receives_by_itself,
        quota_bytes=-(-account.quota_bytes // step) * step if step else 0,
        name=_plain_name(account.name) if limits.keeps_names else "",
        recovery_address=account.recovery_address if limits.keeps_recovery_address else "",
        kept_hash="" if limits.takes_hashes else account.password_hash,
        new_password=None if limits.takes_hashes else account.new_password,
    )


def fit_script(script: ScriptState, limits: Limits) -> ScriptState:
    """The script, or its rules, as such a server will tell it; Refused when it can't be told at all."""
    if limits.sieve:
        return replace(script, rules=None)
    rules = script.rules or MailRules()
    reply = rules.reply and _fit_reply(rules.reply, limits)
    forward = rules.forward and _fit_forward(rules.forward)
    active = reply is not None or bool(forward and forward.targets)
    return ScriptState("", active=active, rules=MailRules(reply, forward))


def _plain_name(name: str) -> str:
    """As /etc/passwd can hold it."""
    fit = "".join(" " if c in ":\x7f" or c < " " or "\ud800" <= c <= "\udfff" else c for c in name)
    return " ".join(fit.split())


def _fit_reply(reply: ReplyRule, limits: Limits) -> ReplyRule:
    if not limits.replies:
        raise Refused(gettext_noop("This mail server cannot answer automatically."))
    text = _fit_text(reply.text) if limits.reply_as_argument else reply.text
    starts, ends = reply.starts and within(reply.starts), reply.ends and within(reply.ends)
    if limits.reply_zone:
        zone = ZoneInfo(limits.reply_zone)
        starts = starts and _midnight(starts, zone)
        # The day that holds the last moment is answered to its end.
        ends = ends and _midnight(ends - timedelta(microseconds=1) + ONE_DAY, zone)
    subject = reply.subject if limits.reply_subject else ""
    return replace(reply, text=text, subject=subject, starts=starts, ends=ends)


def _fit_text(text: str) -> str:
    """One argument of a command, in which a backslash and an n mean the end of a line."""
    text = text.rstrip("\n").expandtabs(4)
    if "\\n" in text:
        raise Refused(
            gettext_noop(
                "This mail server cannot send a backslash followed by the letter n. Please leave it out."
            )
        )
    if found := _REPLACED.search(text):
        raise Refused(
            gettext_noop(
                "This mail server puts something of the mail in the place of “%(word)s”. Please write a blank"
                " after the $, or leave it out."
            ),
            word=found[0],
        )
    if found := _MAKES_A_PAGE.search(text):
        raise Refused(
            gettext_noop("This mail server takes a text with “%(word)s” for a page. Please leave it out."),
            word=found[0][:40],
        )
    if not text.strip() or any(unfit(character) for character in text for unfit in _UNFIT):
        raise Refused(gettext_noop("The text has characters in it that this mail server cannot send."))
    text = _LONE_DOT.sub(". ", text)
    # A blank in front keeps the line what it is: a part of the text.
    if _LOOKS_LIKE_A_SETTING.match(text) or text.startswith("\n"):
        text = f" {text}"
    return text


_UNFIT: tuple[Callable[[str], bool], ...] = (
    lambda character: character < " " and character != "\n",
    lambda character: character == "\x7f",
    lambda character: "\ud800" <= character <= "\udfff",
)


def _fit_forward(forward: ForwardRule) -> ForwardRule:
    """Only plain addresses: on some servers anything else would be run as a program."""
    for target in forward.targets:
        if not _ADDRESS.fullmatch(target):
            raise Refused(gettext_noop("“%(address)s” is not a mail address."), address=target)
    targets = tuple(sorted(set(forward.targets)))
    return ForwardRule(targets, keep_copy=forward.keep_copy or not targets)


def _midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the moment's day there."""
    return datetime.combine(moment.astimezone(zone).date(), time(), zone)
