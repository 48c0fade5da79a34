"""Hands a mail over as a mail exchanger does (RFC 2033)."""

import smtplib

from django.utils.translation import gettext_noop

from mailservers.drivers.base import Refused, ServerAway, TryAgain


def deliver(host: str, port: int, address: str, *, sender: str, mail: bytes, seconds: float) -> str:
    """The server's answer; raises ServerAway, TryAgain, or Refused with its words."""
    try:
        with smtplib.LMTP(host, port, local_hostname="localhost") as lmtp:
            if lmtp.sock is not None:
                lmtp.sock.settimeout(seconds)
            lmtp.sendmail(sender, [address], mail)
    except smtplib.SMTPRecipientsRefused as refusal:
        raise _as_told(*refusal.recipients[address]) from None
    except smtplib.SMTPResponseException as answer:
        raise _as_told(answer.smtp_code, answer.smtp_error) from None
    except (smtplib.SMTPException, OSError):
        raise ServerAway(gettext_noop("The mail server does not take mail at the moment.")) from None
    return "250"


def _as_told(code: int, words: bytes | str) -> TryAgain | Refused:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    kind = Refused if code >= 500 else TryAgain
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
    return kind(gettext_noop("The mail server says: %(answer)s"), answer=f"{code} {plain}")
