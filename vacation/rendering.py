"""An auto-reply and forwarding as a Sieve script: the portal's part of what a mailbox runs.

What the server does to a reply on its way, and why the script looks as it does: decision 004.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy, quoprimime
from email.charset import Charset
from email.message import MIMEPart
from email.utils import quote

from django.utils.translation import gettext_noop

from vacation import sieve
from vacation.sieve import UnfitText

TEXT_LIMIT = 10_000
"""Characters: so many fit into a script of 64 KB, a usual limit, even when each takes four octets."""
SUBJECT_LIMIT = 256
"""Of the subject as it stands in the script: Pigeonhole cuts what is longer."""
DAYS = range(1, 61)
# Times as long as base64, which itself is at most 55 kB for the longest text.
READABLE_AT_MOST = 1.15

_HEADER_LINE = 78  # RFC 5322, 2.1.1
_ENCODED_WORD = 75  # RFC 2047, 2
_ENCODED_LINE = 76  # RFC 2045, 6.7 and 6.8
_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9.-]+", re.ASCII)
_UTF8 = Charset("utf-8")

Window = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReplyContent:
    """What a mailbox answers, as whom, and when. The moments are aware; starts <= now < ends."""

    address: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    """Mail to these is answered as well, and mail from these never."""
    subject: str = ""
    """Empty: the server answers with ``Auto:`` and the subject of the mail."""
    text: str
    days: int = 7
    """Between two replies to the same sender."""
    starts: datetime | None = None
    ends: datetime | None = None
    handle: str
    """Under this name the server remembers whom it has answered; a new one answers everybody again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardContent:
    """Where a mailbox's mail goes on to; `when` all hold, each a (starts, ends) with starts <= now < ends."""

    targets: tuple[str, ...]
    keep_copy: bool = True
    when: tuple[Window, ...] = ()


def render_script(content: AutoReplyContent | None, forward: ForwardContent | None = None) -> str:
    """The whole script, empty for nothing; `UnfitText` when a text could not be sent to the letter.

    The reply comes first: an address that the server would not send to must not keep anybody from it.
    """
    commands = [*([_reply(content)] if content else []), *(_redirects(forward) if forward else [])]
    return sieve.script(*commands) if commands else ""


def _reply(content: AutoReplyContent) -> sieve.Command:
    if content.days not in DAYS:
        raise ValueError(f"Days between replies are {DAYS[0]} to {DAYS[-1]}, not {content.days}.")
    reply = sieve.vacation(
        reply_entity(content.text),
        from_=reply_from(content.name, content.address),
        addresses=tuple(map(fit_address, (content.address, *content.aliases))),
        handle=fit_line(content.handle),
        days=content.days,
        subject=reply_subject(content.subject),
    )
    return _if_all(window_tests(content.starts, content.ends), reply)[0]


def _redirects(forward: ForwardContent) -> Sequence[sieve.Command]:
    """One action for each target; without a copy the mail is not kept unless a rule after it does."""
    actions = [sieve.redirect(fit_address(target), copy=forward.keep_copy) for target in forward.targets]
    tests = [test for starts, ends in forward.when for test in window_tests(starts, ends)]
    return _if_all(tests, *actions) if actions else ()


def _if_all(tests: Sequence[sieve.Test], *commands: sieve.Command) -> Sequence[sieve.Command]:
    match list(tests):
        case []:
            return commands
        case [test]:
            return [sieve.if_(test, *commands)]
    return [sieve.if_(sieve.allof(*tests), *commands)]


def window_tests(starts: datetime | None, ends: datetime | None) -> tuple[sieve.Test, ...]:
    """The tests that hold from `starts` until just before `ends`; none where there is no limit."""
    limits = (("ge", starts), ("lt", ends))
    return tuple(
        sieve.currentdate(relation, "iso8601", _iso8601(moment)) for relation, moment in limits if moment
    )


def reply_entity(text: str) -> str:
    """The text as a MIME entity that no server on the way has a reason to alter, without its last line end.

    Quoted-printable can be read in the script; base64 where that is much shorter, as for non-Latin text.
    """
    if len(text) > TEXT_LIMIT:
        raise UnfitText(
            gettext_noop("The text has %(length)d characters; %(limit)d are possible."),
            length=len(text),
            limit=TEXT_LIMIT,
        )
    fit = sieve.fit_text(text)
    readable, short = _entity(fit, "quoted-printable"), _entity(fit, "base64")
    return readable if len(readable) <= READABLE_AT_MOST * len(short) else short


def reply_subject(subject: str) -> str:
    """The subject as the script must hold it for the receiver to read it to the letter."""
    fit_line(subject)
    if _survives(subject):
        return subject
    encoded = _encoded_words(subject)
    if len(encoded) > SUBJECT_LIMIT:
        raise UnfitText(gettext_noop("This subject is too long to be sent whole. Please shorten it."))
    return encoded


def reply_from(name: str, address: str) -> str:
    """The mailbox as From shows it, in ASCII: Pigeonhole would take the quotes for a part of other names."""
    fit_line(name)
    fit_address(address)
    if not name:
        return address
    phrase = f'"{quote(name)}"'
    # Folding would alter the blanks in a quoted string, and some receivers decode encoded words in it.
    if name.isascii() and "=?" not in name and len(f"From: {phrase} <{address}>") <= _HEADER_LINE:
        return f"{phrase} <{address}>"
    return f"{_encoded_words(name)} <{address}>"


def fit_line(line: str) -> str:
    """The line unchanged; `UnfitText` when it is more than one, or holds what a header can't carry."""
    if line.splitlines() not in ([], [line]):
        raise UnfitText(gettext_noop("This has to be a single line. Please remove the line break."))
    if "\t" in line:
        raise UnfitText(gettext_noop("Please replace the tabulator by blanks."))
    return sieve.fit_text(line)


def fit_address(address: str) -> str:
    """The address unchanged; `UnfitText` when Pigeonhole would not know it as one."""
    if not _ADDRESS.fullmatch(address):
        raise UnfitText(gettext_noop("“%(address)s” is not a mail address."), address=address)
    return address


def _iso8601(moment: datetime) -> str:
    """In UTC, so that neither the server's zone nor daylight saving counts (RFC 5260 wants the Z)."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _entity(text: str, encoding: str) -> str:
    # policy.SMTP: what base64 hides from the servers on the way must have CRLF line ends already.
    # Two less than a line may have, as it may grow by two below.
    part = MIMEPart(policy.SMTP.clone(max_line_length=_ENCODED_LINE - 2))
    part.set_content(text, charset="utf-8", cte=encoding)
    entity = part.as_string(policy=policy.default).removesuffix("\n")
    if encoding == "quoted-printable":
        # Mailboxes kept in one file alter lines that begin so, and broken relays lone dots (RFC 2049, 3).
        entity = re.sub(r"^From ", "=46rom ", re.sub(r"^\.$", "=2E", entity, flags=re.M), flags=re.M)
    return entity


def _survives(subject: str) -> bool:
    """Whether Pigeonhole's own encoding and folding leave the subject as it is.

    It folds a line that gets too long and puts a tabulator in the blank's place, encodes only the words
    that are not ASCII, and passes on what looks like an encoded word already.
    """
    room = _HEADER_LINE - len("Subject: ")
    length = len(subject) if subject.isascii() else len(quoprimime.header_encode(subject.encode(), "utf-8"))
    return length <= room and "=?" not in subject and subject == subject.strip()


def _encoded_words(text: str) -> str:
    """RFC 2047; blanks between two encoded words do not count, so a server may fold there."""
    words = []
    chunk = ""
    for character in text:
        if chunk and len(_UTF8.header_encode(chunk + character)) > _ENCODED_WORD:
            words.append(_UTF8.header_encode(chunk))
            chunk = ""
        chunk += character
    return " ".join([*words, _UTF8.header_encode(chunk)])
