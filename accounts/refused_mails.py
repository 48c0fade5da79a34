"""Mails of the portal that no server takes: those who look after their readers are told, once a round.

A refusal for good (RFC 5321, 5yz) is not tried again; neither is what could not be sent for two days.
"""

from datetime import datetime

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.mail_readers import people_to_tell
from accounts.models import Mailbox, Person
from audit.chain import record
from audit.models import Event
from mails import queue
from mails.delivery import Delivery, Outcome, next_try
from mails.models import Mail

AT_ONCE = 500


def due_again(
    delivery: Delivery, *, since: datetime, about: Mailbox | Person, address: str, subject: str
) -> datetime | None:
    """When a mail that one worker tried is to be tried again; None: it is over. A refusal is noted."""
    if delivery.outcome == Outcome.SENT:
        return None
    again = None if delivery.is_over else next_try(since)
    if again is None:
        _note(about, address, subject, delivery)
    return again


def tell() -> int:
    """Write to webmasters, or else operators, of what was refused since the last round; how many mails."""
    refused = Mail.objects.filter(state=Mail.State.REFUSED, told_at=None).order_by("pk")[:AT_ONCE]
    by_domain: dict[str, list[Mail]] = {}
    for mail in refused:
        by_domain.setdefault(mail.domain, []).append(mail)
    return sum(_tell_of(domain, mails) for domain, mails in by_domain.items())


def _note(about: Mailbox | Person, address: str, subject: str, delivery: Delivery) -> None:
    domain = about.domain.name if isinstance(about, Mailbox) else ""
    queue.note_refused(address, subject, delivery, domain=domain)
    record(
        "mail.refused",
        by=None,
        about=about,
        domain=domain,
        outcome=Event.Outcome.FAILED,
        after={"to": address, "answer": delivery.answer},
    )


def _tell_of(domain: str, mails: list[Mail]) -> int:
    unreachable = {mail.address for mail in mails}
    readers = [
        person for person in people_to_tell(Q(domains__name=domain)) if person.email not in unreachable
    ]
    for person in readers:
        with writing_to(person):
            text = render_to_string("accounts/refused_mail.txt", {"mails": mails})
            queue.post([person.email], _("Mails of the portal did not arrive"), text)
    Mail.objects.filter(pk__in=[mail.pk for mail in mails]).update(told_at=timezone.now())
    return len(readers)
