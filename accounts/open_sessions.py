"""The sessions that somebody has, here and elsewhere: telling and ending them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.codes import hash_of
from accounts.models import Person, PersonSession
from audit.chain import record

# What people are told of their sessions.
STARTED_AT, SEEN_AT, SOURCE, PROGRAM = "started_at", "seen_at", "source_address", "program"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of a person's sessions, as the page *My devices* tells it."""

    number: str
    """What a form may name it by: not its key, which opens it."""
    started_at: datetime | None
    seen_at: datetime | None
    source_address: str
    program: str
    is_this: bool


def sessions_of(person: Person, request: HttpRequest) -> list[OpenSession]:
    """Those that have not run out, this one first, then the last used."""
    rows = PersonSession.objects.filter(person=person, expire_date__gt=timezone.now())
    this = hash_of(request.session.session_key or "")
    found = [_told(row, is_this=row.session_key == this) for row in rows]
    return sorted(found, key=lambda each: (not each.is_this, -(each.seen_at or _EPOCH).timestamp()))


def end_session(person: Person, number: str) -> bool:
    """Whether there was such a session of this person; the next request with it is a stranger's."""
    rows = PersonSession.objects.filter(person=person)
    kept = [row.session_key for row in rows if _number(row) == number]
    PersonSession.objects.filter(session_key__in=kept).delete()
    if kept:
        record("person.session_ended", by=person, about=person)
    return bool(kept)


def end_sessions(person: Person, *, but: str | None = None) -> int:
    """End all of the person's sessions here, without the one with the key `but`; how many there were."""
    others = PersonSession.objects.filter(person=person).exclude(session_key=hash_of(but) if but else "")
    return others.delete()[0]


def forget_over() -> int:
    """Those that have run out are nobody's business any more; how many there were."""
    return PersonSession.objects.filter(expire_date__lt=timezone.now()).delete()[0]


_EPOCH = datetime.fromtimestamp(0, UTC)


def _told(row: PersonSession, *, is_this: bool) -> OpenSession:
    about = row.get_decoded()
    return OpenSession(
        number=_number(row),
        started_at=_moment(about.get(STARTED_AT)),
        seen_at=_moment(about.get(SEEN_AT)),
        source_address=about.get(SOURCE, ""),
        program=about.get(PROGRAM, ""),
        is_this=is_this,
    )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _number(row: PersonSession) -> str:
    return salted_hmac("accounts.sessions", row.session_key, algorithm="sha256").hexdigest()[:32]
