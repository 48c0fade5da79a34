"""An auto-reply and forwarding as a Sieve script: the portal's part of what a mailbox runs.

What the server does to a reply on its way, and why the script looks as it does: decision 004.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy, quoprimime
from email.charset import Charset
from email.message import MIMEPart
from email.utils import quote
from functools import cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from mailservers.drivers.addresses import is_address
from mailservers.moments import in_zone
from vacation import sieve
from vacation.guard import from_somebody, unmarked
from vacation.sieve import UnfitText

TEXT_LIMIT = 10_000
"""Characters: so many fit into a script of 64 KB, a usual limit, even when each takes four octets."""
SUBJECT_LIMIT = 256
"""Of the subject as it stands in the script: Pigeonhole cuts what is longer."""
DAYS = range(1, 61)
SCRIPT_LIMIT = 62_000
"""Octets: a usual limit of 64 KB, with room for what stands around the portal's part."""
_PLACE = re.compile(r"(?<!\$)\{subject\}")
# Of a mailbox with a hundred aliases, mailings go to some.
VERP_AT_MOST = 20
# Far enough: in the last of these years the changes of the clock have to be looked up anew.
FORESEEN = range(2026, 2037)
# Times as long as base64, which itself is at most 55 kB for the longest text.
READABLE_AT_MOST = 1.15

_HEADER_LINE = 78  # RFC 5322, 2.1.1
_ENCODED_WORD = 75  # RFC 2047, 2
_ENCODED_LINE = 76  # RFC 2045, 6.7 and 6.8
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
    further: tuple[Window, ...] = ()
    """Periods beside that one."""
    weekdays: tuple[int, ...] = ()
    """1 (Monday) to 7, in the zone; none: every day."""
    zone: str = "UTC"
    outside_text: str = ""
    """For senders whose domain is not the address's; empty: they get the same text."""
    handle: str
    """Under this name the server remembers whom it has answered; a new one answers everybody again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardContent:
    """Where a mailbox's mail goes on to."""

    targets: tuple[str, ...]
    keep_copy: bool = True
    ends: datetime | None = None
    while_away: AutoReplyContent | None = None
    """Only when this one answers."""


def render_script(
    content: AutoReplyContent | None, forward: ForwardContent | None = None, *, is_last: bool = False
) -> str:
    """The whole script, empty for nothing; `UnfitText` when a text could not be sent to the letter.

    The reply comes first: an address that the server would not send to must not keep anybody from it.
    `is_last`: nothing that stands behind it runs, the mailbox's own rules included; mail that no redirect
    took is kept.
    """
    commands = [*(_reply(content) if content else []), *(_redirects(forward) if forward else [])]
    if is_last:
        commands.append(sieve.stop())
    script = sieve.script(*commands) if commands else ""
    if len(script.encode()) > SCRIPT_LIMIT:
        raise UnfitText(gettext_noop("Both texts together are too long to be sent. Please shorten them."))
    return script


def _reply(content: AutoReplyContent) -> Sequence[sieve.Command]:
    answers: Sequence[sieve.Command] = [_answer(content, content.text)]
    if content.outside_text:
        inside = sieve.envelope_domain_is("from", content.address.rpartition("@")[2])
        answers = [
            sieve.if_(inside, *answers),
            sieve.else_(_answer(content, content.outside_text)),
        ]
    if around_place(content.subject):
        # True for all mail but that without a subject, for which ${1} is empty.
        answers = [sieve.if_(sieve.subject_matches_anything()), *answers]
    somebody = from_somebody((content.address, *content.aliases)[:VERP_AT_MOST])
    return _if_all([unmarked(), *somebody, *away_tests(content)], *answers)


def _answer(content: AutoReplyContent, text: str) -> sieve.Command:
    if content.days not in DAYS:
        raise ValueError(f"Days between replies are {DAYS[0]} to {DAYS[-1]}, not {content.days}.")
    return sieve.vacation(
        reply_entity(text),
        from_=reply_from(content.name, content.address),
        addresses=tuple(map(fit_address, (content.address, *content.aliases))),
        handle=fit_line(content.handle),
        days=content.days,
        subject=fit_subject(content.subject),
    )


def fit_subject(subject: str) -> str | sieve.Expanding:
    """With {subject} in it, the mail's own subject takes that place."""
    around = around_place(subject)
    if around is None:
        return reply_subject(subject)
    fit_line(subject)
    if "=?" in subject:
        raise UnfitText(gettext_noop("Please take “=?” out of the subject: it can't be sent with {subject}."))
    if len(subject) > SUBJECT_LIMIT // 2:
        raise _too_long(subject, SUBJECT_LIMIT // 2)
    return sieve.Expanding(*around)


def around_place(subject: str) -> tuple[str, str] | None:
    """What stands before and after {subject}, which stands for that of the mail; None without it."""
    parts = _PLACE.split(subject, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) == 2 else None


def away_tests(content: AutoReplyContent) -> tuple[sieve.Test, ...]:
    """The tests that all hold while it answers."""
    windows = [window_tests(*window) for window in ((content.starts, content.ends), *content.further)]
    tests = windows[0]
    if len(windows) > 1:
        # One without limits takes the others' place.
        tests = () if () in windows else (sieve.anyof(*(_all_of(window) for window in windows)),)
    return (*tests, *_weekday_tests(content.weekdays, content.zone))


def _weekday_tests(weekdays: tuple[int, ...], zone: str) -> tuple[sieve.Test, ...]:
    """Sieve knows offsets from UTC, not zones: for each there is a test of the times when it is in force."""
    if not weekdays:
        return ()
    days = tuple(sorted(day % 7 for day in weekdays))
    by_offset: dict[str, list[Window]] = {}
    for offset, window in _offsets(zone):
        by_offset.setdefault(offset, []).append(window)
    if len(by_offset) == 1:
        return (sieve.weekday_is(next(iter(by_offset)), days),)
    rows = [
        sieve.allof(
            sieve.anyof(*(_all_of(window_tests(*window)) for window in windows)),
            sieve.weekday_is(offset, days),
        )
        for offset, windows in sorted(by_offset.items())
    ]
    return (sieve.anyof(*rows),)


@cache
def _offsets(zone: str) -> tuple[tuple[str, Window], ...]:
    """The zone's offsets from UTC and when they are in force, over the years of FORESEEN."""
    place, hour = ZoneInfo(zone), timedelta(hours=1)
    moment, end = datetime(FORESEEN[0], 1, 1, tzinfo=UTC), datetime(FORESEEN[-1] + 1, 1, 1, tzinfo=UTC)
    found: list[tuple[str, Window]] = []
    since, offset = None, _offset(moment, place)
    while moment < end:
        tomorrow = moment + timedelta(days=1)
        if _offset(tomorrow, place) != offset:
            hours = (moment + hour * number for number in range(1, 25))
            changed = next(one for one in hours if _offset(one, place) != offset)
            found.append((offset, (since, changed)))
            since, offset = changed, _offset(changed, place)
        moment = tomorrow
    return (*found, (offset, (since, None)))


def _offset(moment: datetime, place: ZoneInfo) -> str:
    return moment.astimezone(place).strftime("%z")


def _all_of(tests: Sequence[sieve.Test]) -> sieve.Test:
    return tests[0] if len(tests) == 1 else sieve.allof(*tests)


def _redirects(forward: ForwardContent) -> Sequence[sieve.Command]:
    """One action for each target; without a copy the mail is not kept unless a rule after it does.

    What is marked as spam goes nowhere, and so it stays, whatever was chosen.
    """
    actions = [sieve.redirect(fit_address(target), copy=forward.keep_copy) for target in forward.targets]
    away = away_tests(forward.while_away) if forward.while_away else ()
    return _if_all([unmarked(), *window_tests(None, forward.ends), *away], *actions) if actions else ()


def _if_all(tests: Sequence[sieve.Test], *commands: sieve.Command) -> Sequence[sieve.Command]:
    return [sieve.if_(_all_of(tests), *commands)] if tests else commands


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
    if _fits_encoded(subject):
        return _encoded_words(subject)
    if _survives_unencoded(subject):
        return subject
    ways = (_survives, _fits_encoded, _survives_unencoded)
    lengths = range(len(subject) - 1, 0, -1)
    raise _too_long(subject, next(n for n in lengths if any(fits(subject[:n].rstrip()) for fits in ways)))


def _too_long(subject: str, fits: int) -> UnfitText:
    """With how much of it fits, in characters as people count them."""
    return UnfitText(
        gettext_noop(
            "This subject is too long to be sent whole: it has %(length)d characters, and about %(fits)d fit."
            " Please shorten it."
        ),
        length=len(subject),
        fits=fits,
    )


def _fits_encoded(subject: str) -> bool:
    return len(_encoded_words(subject)) <= SUBJECT_LIMIT


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
    if not is_address(address):
        raise UnfitText(gettext_noop("“%(address)s” is not a mail address."), address=address)
    return address


def _iso8601(moment: datetime) -> str:
    """In UTC, so that neither the server's zone nor daylight saving counts (RFC 5260 wants the Z)."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone.")
    return in_zone(moment, UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


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


def _survives_unencoded(subject: str) -> bool:
    """Whether Pigeonhole encodes all of it: then it folds between encoded words, where nothing is lost."""
    words = subject.split(" ")
    return (
        len(subject.encode()) <= SUBJECT_LIMIT
        and "=?" not in subject
        and all(word and not word.isascii() for word in words)
    )


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
