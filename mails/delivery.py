"""Hands one mail to the SMTP server, and tells what became of it. Nothing that is wrong with it is raised."""

import smtplib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid
from enum import Enum
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(days=2)
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
LONGEST_SUBJECT = 400
PERMANENT = 500  # RFC 5321, section 4.2.1: trying again does not help


class Outcome(Enum):
    SENT = "sent"
    # For good: the address, or this mail to it.
    REFUSED = "refused"
    LATER = "later"
    # No mail gets through at the moment: there is no use in trying the next one.
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Delivery:
    outcome: Outcome
    answer: str = ""

    @property
    def is_over(self) -> bool:
        return self.outcome in (Outcome.SENT, Outcome.REFUSED)


def deliver(
    address: str,
    subject: str,
    text: str,
    *,
    attachment: tuple[str, str] | None = None,
    connection: object = None,
) -> Delivery:
    """Send it to this one address; `attachment`: a name, and JSON. Logs carry no address and no text."""
    if "@" not in address:
        return Delivery(Outcome.REFUSED)
    mail = EmailMessage(
        one_line(subject),
        text,
        settings.DEFAULT_FROM_EMAIL,
        [address],
        headers={
            # RFC 3834, section 5: no auto-reply answers it, and none of ours either.
            "Auto-Submitted": "auto-generated",
            "Message-ID": make_msgid(domain=urlsplit(settings.PUBLIC_URL).hostname or "localhost"),
        },
        connection=connection,
    )
    if attachment:
        mail.attach(*attachment, "application/json")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as refusal:
        answers = list(refusal.recipients.values())
        return _refused(*answers[0]) if answers else Delivery(Outcome.LATER)
    except smtplib.SMTPDataError as refusal:
        return _refused(refusal.smtp_code, refusal.smtp_error)
    except (
        OSError
    ) as trouble:  # all else of SMTP: no connection, no sign-in, a sender that is not let through
        log.warning("mail server away", error=type(trouble).__name__)
        return Delivery(Outcome.AWAY)
    except Exception as trouble:  # noqa: BLE001 - whatever is wrong with one mail, the next ones go out
        log.error("a mail that can't be sent", error=type(trouble).__name__)
        return Delivery(Outcome.REFUSED, type(trouble).__name__)
    return Delivery(Outcome.SENT)


def next_try(since: datetime) -> datetime | None:
    """When a mail that has been due since then is tried again: later each time; None after two days."""
    now = timezone.now()
    age = now - since
    if age > GIVE_UP_AFTER:
        return None
    return now + min(LONGEST_PAUSE, max(SHORTEST_PAUSE, age))


def one_line(subject: str) -> str:
    """A subject as a header may hold it: what people typed may have line ends and control characters."""
    words = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in subject)
    return " ".join(words.split())[:LONGEST_SUBJECT]


def _refused(code: int, said: bytes | str) -> Delivery:
    if code < PERMANENT:
        return Delivery(Outcome.LATER)
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Delivery(Outcome.REFUSED, one_line(f"{code} {words}")[:200])
